//! NATS with `JetStream`.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::{Value, json};
use tools::Tool;

use super::Broker;
use crate::{Folder, Port, http1::tcp, service::Service};

/// A NATS server whose streams are in files.
#[derive(Debug)]
pub struct Nats(pub(super) Broker);

impl Nats {
    /// Starts one.
    #[track_caller]
    pub fn start() -> Self {
        let port = Port::free();
        let folder = Folder::new(&format!("nats-{}", port.number()));
        let arguments = ["--addr", "127.0.0.1", "--port", &port.number().to_string(), "--jetstream", "--store_dir"];
        let store = folder.path().to_str().expect("a folder of a test has a plain name");
        let service = Service::new(Tool::Nats, arguments.into_iter().chain([store]));
        Self(Broker::start(service, port, folder, |address| {
            // It answers before it has opened its streams: with an error, or not at all.
            Client::open(address)
                .and_then(|mut client| client.request("$JS.API.INFO", b""))
                .is_ok_and(|info| info["error"].is_null())
        }))
    }

    /// Opens a connection of its own.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::open(self.address()).expect("NATS can be connected to")
    }

    /// Makes a stream that keeps what is published to these subjects; a component needs it to be there. Dead letters need
    /// one of their own: Dapr publishes them with the id of their event, and a stream drops what it has under an id already.
    #[track_caller]
    pub fn create_stream(&self, name: &str, subjects: &[&str]) {
        let config = json!({ "name": name, "subjects": subjects, "storage": "file", "retention": "limits", "num_replicas": 1 });
        self.client().api(&format!("STREAM.CREATE.{name}"), &config);
    }

    /// What the server says of a stream: `["state"]["messages"]`, for example.
    #[track_caller]
    pub fn stream(&self, name: &str) -> Value {
        self.client().api(&format!("STREAM.INFO.{name}"), &Value::Null)
    }

    /// What the server says of the consumers of a stream: `["num_ack_pending"]` of each, for example.
    #[track_caller]
    pub fn consumers(&self, stream: &str) -> Vec<Value> {
        let mut answer = self.client().api(&format!("CONSUMER.LIST.{stream}"), &Value::Null);
        let Value::Array(consumers) = answer["consumers"].take() else { panic!("no consumers: {answer}") };
        consumers
    }
}

/// An open connection to NATS.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
    /// Where the answers come to: no other client may have it, or it would take them for its own.
    inbox: String,
    requests: u32,
}

impl Client {
    /// Opens a connection to a server that may be down.
    ///
    /// # Errors
    /// When it is.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = tcp(address)?;
        let inbox = format!("_INBOX.test-{}", stream.local_addr()?.port());
        let mut client = Self { stream: BufReader::new(stream), inbox, requests: 0 };
        let hello = client.line()?;
        if !hello.starts_with("INFO ") {
            return Err(io::Error::other(format!("no hello of NATS: {hello:?}")));
        }
        client.write(b"CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n")?;
        client.write(format!("SUB {}.* 1\r\n", client.inbox).as_bytes())?;
        Ok(client)
    }

    /// Publishes to a stream and waits until it is kept; returns its number there.
    #[track_caller]
    pub fn publish(&mut self, subject: &str, payload: impl AsRef<[u8]>) -> u64 {
        self.try_publish(subject, payload).unwrap_or_else(|error| panic!("{subject}: {error}"))
    }

    /// Publishes to a stream and waits until it is kept; returns its number there.
    ///
    /// # Errors
    /// When the connection has ended, or nobody has said that it is kept; it may be nevertheless.
    pub fn try_publish(&mut self, subject: &str, payload: impl AsRef<[u8]>) -> io::Result<u64> {
        let answer = self.request(subject, payload.as_ref())?;
        answer["seq"].as_u64().ok_or_else(|| io::Error::other(format!("it was not kept: {answer}")))
    }

    #[track_caller]
    fn api(&mut self, call: &str, argument: &Value) -> Value {
        let payload = if argument.is_null() { String::new() } else { argument.to_string() };
        let answer = self.request(&format!("$JS.API.{call}"), payload.as_bytes());
        let answer = answer.unwrap_or_else(|error| panic!("{call}: {error}"));
        assert!(answer["error"].is_null(), "{call}: {answer}");
        answer
    }

    /// Sends a request and reads its answer, which is JSON.
    fn request(&mut self, subject: &str, payload: &[u8]) -> io::Result<Value> {
        self.requests += 1;
        let inbox = format!("{}.{}", self.inbox, self.requests);
        let head = format!("PUB {subject} {inbox} {}\r\n", payload.len());
        self.write(&[head.as_bytes(), payload, b"\r\n"].concat())?;
        loop {
            let line = self.line()?;
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["PING"] => self.write(b"PONG\r\n")?,
                ["MSG", to, .., length] => {
                    let body = self.body(length)?;
                    if to == inbox {
                        return serde_json::from_slice(&body).map_err(io::Error::other);
                    }
                }
                // It has headers: nobody has taken the request.
                ["HMSG", .., length] => {
                    let head = self.body(length)?;
                    return Err(io::Error::other(String::from_utf8_lossy(&head).trim().to_owned()));
                }
                ["-ERR", ..] => return Err(io::Error::other(line)),
                _ => {}
            }
        }
    }

    fn body(&mut self, length: &str) -> io::Result<Vec<u8>> {
        let length: usize = length.parse().map_err(io::Error::other)?;
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_ref().write_all(bytes)
    }
}
