//! What stands in for a Dapr sidecar: it takes what is published, and says what it has when it is asked. It is not measured.

use std::{
    collections::HashMap,
    io::{BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

use super::{h2, protobuf};
use crate::Result;

/// Listens, for as long as this program runs; returns the port.
pub(crate) fn start() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(std::io::Result::ok) {
            thread::spawn(move || {
                if let Err(error) = serve(stream) {
                    eprintln!("the sidecar of the benchmark: {error}");
                }
            });
        }
    });
    Ok(port)
}

/// Answers the calls of a connection until it is closed.
fn serve(stream: TcpStream) -> Result {
    stream.set_nodelay(true)?;
    let mut wire = BufReader::with_capacity(1 << 17, stream);
    let mut preface = [0; h2::PREFACE.len()];
    wire.read_exact(&mut preface)?;
    if preface != h2::PREFACE {
        return Err("who connected does not speak HTTP/2".into());
    }
    let mut out = Vec::new();
    // A payload has room in any case: how it is cut up must not depend on who is faster.
    h2::settings(&mut out, &[(h2::INITIAL_WINDOW_SIZE, 1 << 24)]);
    h2::window_update(&mut out, (1 << 31) - (1 << 17));
    let (mut messages, mut first) = (HashMap::<u32, Vec<u8>>::new(), true);
    loop {
        wire.get_mut().write_all(&out)?;
        out.clear();
        // A client that has all it wants just goes.
        let Ok(frame) = h2::read(&mut wire) else { return Ok(()) };
        match frame.kind {
            h2::SETTINGS | h2::PING if frame.flags & h2::ACK == 0 => {
                let same = if frame.kind == h2::PING { &frame.payload[..] } else { &[] };
                h2::push(&mut out, frame.kind, h2::ACK, 0, same);
            }
            h2::DATA => {
                messages.entry(frame.stream).or_default().extend_from_slice(&frame.payload);
                if frame.flags & h2::END_STREAM != 0 {
                    let message = messages.remove(&frame.stream).unwrap_or_default();
                    let answered = answer_to(&message)?;
                    write(&mut out, frame.stream, &answered, std::mem::take(&mut first));
                }
            }
            _ => {}
        }
    }
}

/// Sees to it that what came is a `PublishEventRequest` for the topic, with its data. An empty message asks for the metadata:
/// without an answer the self-check of a start would go on, and be measured.
fn answer_to(message: &[u8]) -> Result<Vec<u8>> {
    let request = message.get(5..).filter(|request| h2::message(request) == message).ok_or("what came is no message")?;
    if request.is_empty() {
        return Ok(protobuf::metadata());
    }
    let fields = [1, 2, 3].map(|field| protobuf::field(request, field));
    let [component, topic, data] = fields;
    match (component?, topic?, data?) {
        (Some(b"bus"), Some(b"orders"), Some(_)) => Ok(Vec::new()),
        _ => Err("what was published is not for the topic `orders` of `bus`, or has no data".into()),
    }
}

/// A message, with its status after it, in one piece.
fn write(out: &mut Vec<u8>, stream: u32, message: &[u8], first: bool) {
    let (mut headers, mut trailers) = (vec![h2::STATUS_200], Vec::new());
    if first {
        h2::kept(&mut headers, "content-type", "application/grpc");
        h2::kept(&mut trailers, "grpc-status", "0");
    } else {
        headers.push(h2::indexed(1));
        trailers.push(h2::indexed(0));
    }
    h2::push(out, h2::HEADERS, h2::END_HEADERS, stream, &headers);
    h2::data(out, 0, stream, &h2::message(message));
    h2::push(out, h2::HEADERS, h2::END_HEADERS | h2::END_STREAM, stream, &trailers);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_published_as_it_should_be_is_taken() {
        let published = |topic: &str| {
            let mut request = Vec::new();
            for (field, value) in [(1, "bus"), (2, topic), (3, "{}")] {
                protobuf::push(&mut request, field, value);
            }
            h2::message(&request)
        };
        assert_eq!(answer_to(&published("orders")).unwrap(), []);
        assert_eq!(answer_to(&h2::message(&[])).unwrap(), protobuf::metadata());
        assert!(answer_to(&published("others")).is_err());
        assert!(answer_to(&published("orders")[..9]).is_err());
        assert!(answer_to(&[]).is_err());
    }
}
