//! A cold start: from exec to the first success, on a machine that has read the program before.

use std::{
    hint, io,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    client::Client,
    figure::{Cell, Figure},
    request::Request,
    server::{Program, Server},
};
use crate::Result;

const WITHIN: Duration = Duration::from_secs(60);

/// So long it is asked without a pause; who takes longer needs the processor more than a close look.
const BUSY: Duration = Duration::from_millis(25);

/// Starts it once, and asks until it answers.
pub(crate) fn measure(program: &Program, request: &Request, cell: &mut Cell) -> Result {
    keep_awake();
    let began = Instant::now();
    let mut server = Server::spawn(&[], program)?;
    loop {
        let answered = Client::connect(server.port(), request).and_then(|mut client| client.send(request));
        let took = began.elapsed();
        let Err(error) = answered else {
            cell.add(Figure::StartMillis, took.as_secs_f64() * 1e3);
            return Ok(());
        };
        if took > BUSY {
            server.check()?;
            thread::sleep(Duration::from_micros(200));
        }
        if took > WITHIN {
            return Err(format!("it did not answer within {} s: {error}", WITHIN.as_secs()).into());
        }
    }
}

/// How long it takes to start and end a program that does nothing.
pub(crate) fn floor() -> io::Result<f64> {
    keep_awake();
    let began = Instant::now();
    Command::new("/bin/true").stdin(Stdio::null()).status()?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

/// A virtual core that sleeps takes longer to wake than a small server to start.
fn keep_awake() {
    let end = Instant::now() + Duration::from_millis(20);
    while Instant::now() < end {
        hint::spin_loop();
    }
}
