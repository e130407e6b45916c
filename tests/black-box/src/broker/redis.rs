//! Redis: streams for topics, hashes for state.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;
use tools::Tool;

use super::Broker;
use crate::{Folder, Port, http1::tcp, service::Service};

/// A Redis that writes down each change before it answers.
#[derive(Debug)]
pub struct Redis(pub(super) Broker);

impl Redis {
    /// Starts one.
    #[track_caller]
    pub fn start() -> Self {
        let port = Port::free();
        let folder = Folder::new(&format!("redis-{}", port.number()));
        let arguments = ["--port", &port.number().to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"];
        let place = ["--dir", folder.path().to_str().expect("a folder of a test has a plain name")];
        let service = Service::new(Tool::Redis, arguments.into_iter().chain(place));
        Self(Broker::start(service, port, folder, |address| command(address, &["PING"]).is_ok()))
    }

    /// Sends a command, such as `["XLEN", "orders"]`, and returns the answer.
    #[track_caller]
    pub fn command(&self, words: &[&str]) -> Value {
        command(self.address(), words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Sends a command to a server that may be down.
    ///
    /// # Errors
    /// When it is, and when it answers an error.
    pub fn try_command(address: SocketAddr, words: &[&str]) -> io::Result<Value> {
        command(address, words)
    }
}

/// Sends a command over a connection of its own. An error it answers is an error.
fn command(address: SocketAddr, words: &[&str]) -> io::Result<Value> {
    let mut stream = BufReader::new(tcp(address)?);
    let mut request = vec![format!("*{}\r\n", words.len())];
    request.extend(words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())));
    stream.get_ref().write_all(request.concat().as_bytes())?;
    reply(&mut stream)
}

fn reply(stream: &mut BufReader<TcpStream>) -> io::Result<Value> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let (Some(kind), Some(rest)) = (line.get(..1), line.get(1..).map(str::trim_end)) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let number = || rest.parse::<i64>().map_err(io::Error::other);
    match kind {
        "+" => Ok(rest.into()),
        "-" => Err(io::Error::other(rest.to_owned())),
        ":" => Ok(number()?.into()),
        "$" => {
            let Ok(length) = usize::try_from(number()?) else { return Ok(Value::Null) };
            let mut bytes = vec![0; length + 2];
            stream.read_exact(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes[..length]).into())
        }
        "*" => (0..number()?).map(|_| reply(stream)).collect(),
        _ => Err(io::Error::other(format!("no reply of Redis: {line:?}"))),
    }
}
