//! Who asks: one connection, on which a request waits for the answer of the one before.

mod grpc;
mod http1;

use std::{
    io::{self, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

pub(crate) use self::grpc::Call;
use super::request::Request;
use crate::Result;

/// How long an answer may take: valgrind slows a server down some fifty times.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to a server on this machine.
#[derive(Debug)]
pub(crate) enum Client {
    Http1(Wire),
    Grpc(grpc::Connection),
}

type Wire = BufReader<TcpStream>;

impl Client {
    /// Connects, to send requests like this one; fails as long as nothing listens.
    pub(crate) fn connect(port: u16, request: &Request) -> Result<Self> {
        let wire = connect(port)?;
        Ok(match request {
            Request::Http1(_) => Self::Http1(wire),
            Request::Grpc(_) => Self::Grpc(grpc::Connection::open(wire, port)?),
        })
    }

    /// Sends a request and reads the whole answer, which must be a success.
    pub(crate) fn send(&mut self, request: &Request) -> Result {
        match (self, request) {
            (Self::Http1(wire), Request::Http1(bytes)) => match http1::exchange(wire, bytes)? {
                200..=299 => Ok(()),
                status => Err(format!("it was answered with {status}").into()),
            },
            (Self::Grpc(connection), Request::Grpc(call)) => connection.call(call),
            _ => Err("the connection speaks another protocol".into()),
        }
    }
}

/// Asks for a path and returns the answer as it came, head and body; the connection is not kept.
pub(crate) fn get(port: u16, path: &str) -> Result<String> {
    let mut wire = connect(port)?;
    // Of HTTP/1.0, whose answers are never in chunks.
    wire.get_mut().write_all(format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    wire.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn connect(port: u16) -> io::Result<Wire> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(BufReader::with_capacity(65536, stream))
}
