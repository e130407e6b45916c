//! Mosquitto: an MQTT broker.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use tools::Tool;

use super::Broker;
use crate::{Folder, Port, http1::tcp, service::Service};

/// A Mosquitto that anybody may use, and that keeps what its clients have not taken yet.
#[derive(Debug)]
pub struct Mosquitto(pub(super) Broker);

impl Mosquitto {
    /// Starts one.
    #[track_caller]
    pub fn start() -> Self {
        let port = Port::free();
        let folder = Folder::new(&format!("mosquitto-{}", port.number()));
        let settings = folder.path().join("mosquitto.conf");
        // Started by root it would become a user who may not write in the folder. Without limits it keeps all it gets.
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nuser root\n\
             persistence true\npersistence_location {}/\nautosave_on_changes true\nautosave_interval 1\n\
             max_queued_messages 0\nmax_inflight_messages 0\n",
            port.number(),
            folder.path().display()
        );
        fs::write(&settings, text).expect("settings can be written");
        let service = Service::new(Tool::Mosquitto, ["-c", settings.to_str().expect("a folder of a test has a plain name")]);
        Self(Broker::start(service, port, folder, |address| connect(address, "ready").is_ok()))
    }

    /// Publishes a message and waits until it is taken (`QoS` 1).
    #[track_caller]
    pub fn publish(&self, topic: &str, payload: impl AsRef<[u8]>) {
        let message = [&text(topic)[..], &[0, 1], payload.as_ref()].concat();
        let kept = connect(self.address(), "publisher").and_then(|mut stream| {
            stream.write_all(&packet(0x32, &message))?;
            expect(&mut stream, 0x40)
        });
        kept.unwrap_or_else(|error| panic!("{topic}: {error}"));
    }

    /// Begins to listen to a topic.
    #[track_caller]
    pub fn subscribe(&self, topic: &str) -> Subscriber {
        let wish = [&[0, 1][..], &text(topic), &[0]].concat();
        let stream = connect(self.address(), "subscriber").and_then(|mut stream| {
            stream.write_all(&packet(0x82, &wish))?;
            expect(&mut stream, 0x90)?;
            Ok(stream)
        });
        Subscriber(stream.unwrap_or_else(|error| panic!("{topic}: {error}")))
    }
}

/// A client that listens to a topic.
#[derive(Debug)]
pub struct Subscriber(TcpStream);

impl Subscriber {
    /// Waits for the next message.
    #[track_caller]
    pub fn message(&mut self) -> Vec<u8> {
        loop {
            let (kind, body) = read(&mut self.0).expect("there is a message");
            if kind & 0xf0 == 0x30 {
                let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                return body[2 + topic..].to_vec();
            }
        }
    }
}

/// Opens a connection (MQTT 3.1.1) without a session.
fn connect(address: SocketAddr, role: &str) -> io::Result<TcpStream> {
    let mut stream = tcp(address)?;
    let client = format!("{role}-{}", stream.local_addr()?.port());
    let hello = [&text("MQTT")[..], &[4, 2, 0, 0], &text(&client)].concat();
    stream.write_all(&packet(0x10, &hello))?;
    match read(&mut stream)? {
        (0x20, answer) if answer.get(1) == Some(&0) => Ok(stream),
        refused => Err(io::Error::other(format!("MQTT connection refused: {refused:?}"))),
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a topic is short");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut length = body.len();
    loop {
        let more = if length > 0x7f { 0x80 } else { 0 };
        packet.push(u8::try_from(length & 0x7f).expect("seven bits are a byte") | more);
        length >>= 7;
        if length == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

fn read(stream: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    let kind = byte[0];
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

fn expect(stream: &mut TcpStream, wanted: u8) -> io::Result<()> {
    let (kind, body) = read(stream)?;
    if kind == wanted {
        Ok(())
    } else {
        Err(io::Error::other(format!("MQTT packet {kind:#x} instead of {wanted:#x}: {body:?}")))
    }
}
