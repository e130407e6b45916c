//! The test kit collects an answer before it shows it, so this test asks the program itself.

use std::{
    io::{BufRead, BufReader, Result, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The program, stopped when the test is over, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing to be done about a program that has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program on a free port and reads from its log which one it is.
fn start() -> Result<(Running, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streaming"));
    command.args(["--host", "127.0.0.1", "--port", "0"]).env("LOG_FORMAT", "json").env_remove("LISTEN_ADDRESS");
    let mut program = Running(command.env_remove("RUST_LOG").stderr(Stdio::piped()).spawn()?);
    let log = program.0.stderr.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
    for line in log {
        let line: serde_json::Value = serde_json::from_str(&line?)?;
        if let Some(address) = line["address"].as_str() {
            return Ok((program, address.to_owned()));
        }
    }
    Err(std::io::Error::other("the program ended without listening"))
}

#[test]
fn the_first_event_comes_long_before_the_last() -> Result<()> {
    let (_program, address) = start()?;
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(b"GET /?to=2&every_ms=600 HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")?;
    let mut first = None;
    for line in BufReader::new(connection).lines() {
        match line?.as_str() {
            "data: 1" => first = Some(Instant::now()),
            "data: 2" => {
                assert!(first.is_some_and(|first| first.elapsed() > Duration::from_millis(300)), "both came at once");
                return Ok(());
            }
            _ => {}
        }
    }
    panic!("the stream ended too early")
}
