//! gRPC as a sidecar calls it: one stream after the other, with the headers that daprd sends.

use std::io::Write;

use super::{super::h2, Wire};
use crate::Result;

/// A call of `AppCallback`, which has one message and expects one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) message: Vec<u8>,
    /// What a success answers.
    pub(crate) answer: Vec<u8>,
}

/// A connection whose settings are exchanged.
#[derive(Debug)]
pub(crate) struct Connection {
    wire: Wire,
    authority: String,
    /// The next stream; a client has the odd ones.
    stream: u32,
    /// The bytes that may be sent: on the connection, on a new stream, on this one.
    window: i64,
    window_of_streams: i64,
    window_of_stream: i64,
    /// The method whose headers the other side has in its table.
    known: Option<&'static str>,
}

/// What came of the answer to a call.
#[derive(Debug, Default)]
struct Answer {
    data: Vec<u8>,
    complete: bool,
}

/// The window of every stream and of the connection until somebody says otherwise.
const WINDOW: i64 = 65535;

/// The trace of an event, which no table can hold: each has its own.
const TRACE: [(&str, &str); 2] = [
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("grpc-trace-bin", "AAAK92UZFs1D3YRI6yEcgDGcAbetaxaSAzMxAgE"),
];

impl Connection {
    /// Opens it, and waits until the other side has done so too.
    pub(super) fn open(mut wire: Wire, port: u16) -> Result<Self> {
        let mut opening = h2::PREFACE.to_vec();
        h2::settings(&mut opening, &[]);
        // All that is ever answered has room.
        h2::window_update(&mut opening, 1 << 30);
        wire.get_mut().write_all(&opening)?;
        let authority = format!("127.0.0.1:{port}");
        let (window, known) = (WINDOW, None);
        let mut connection =
            Self { wire, authority, stream: 1, window, window_of_streams: window, window_of_stream: window, known };
        let first = h2::read(&mut connection.wire)?;
        if first.kind != h2::SETTINGS {
            return Err("the server does not speak HTTP/2".into());
        }
        connection.take(&first, &mut Answer::default())?;
        Ok(connection)
    }

    /// Makes a call and waits for the end of the answer, which must be the expected one.
    pub(super) fn call(&mut self, call: &Call) -> Result {
        let (mut out, mut answer) = (Vec::new(), Answer::default());
        h2::push(&mut out, h2::HEADERS, h2::END_HEADERS, self.stream, &self.headers(call.method));
        self.window_of_stream = self.window_of_streams;
        let message = h2::message(&call.message);
        let mut left = &message[..];
        while !answer.complete {
            let room = usize::try_from(self.window.min(self.window_of_stream)).unwrap_or(0);
            let (now, rest) = left.split_at(left.len().min(room));
            let end = if rest.is_empty() { h2::END_STREAM } else { 0 };
            if !now.is_empty() {
                h2::data(&mut out, end, self.stream, now);
                let sent = i64::try_from(now.len())?;
                (self.window, self.window_of_stream) = (self.window - sent, self.window_of_stream - sent);
                left = rest;
            }
            if !out.is_empty() {
                self.wire.get_mut().write_all(&out)?;
                out.clear();
            }
            let frame = h2::read(&mut self.wire)?;
            self.take(&frame, &mut answer)?;
        }
        self.stream += 2;
        match h2::message(&call.answer) {
            expected if expected == answer.data => Ok(()),
            _ if answer.data.is_empty() => Err(format!("{} was answered with an error", call.method).into()),
            _ => Err(format!("{} was answered with {:?}", call.method, answer.data).into()),
        }
    }

    /// The headers of a call. Those that stay the same are in the table of the other side from the second call on.
    fn headers(&mut self, method: &'static str) -> Vec<u8> {
        let mut block = vec![h2::METHOD_POST, h2::SCHEME_HTTP];
        if self.known == Some(method) {
            // The last that came in is the first of the table.
            block.extend((0..5).rev().map(h2::indexed));
        } else {
            self.known = Some(method);
            h2::kept(&mut block, ":path", &format!("/dapr.proto.runtime.v1.AppCallback/{method}"));
            h2::kept(&mut block, ":authority", &self.authority);
            h2::kept(&mut block, "content-type", "application/grpc");
            h2::kept(&mut block, "user-agent", "grpc-go/1.75.0");
            h2::kept(&mut block, "te", "trailers");
        }
        for (name, value) in TRACE {
            h2::once(&mut block, name, value);
        }
        block
    }

    /// Sees to a frame, and notes what it adds to the answer.
    fn take(&mut self, frame: &h2::Frame, answer: &mut Answer) -> Result {
        let mine = frame.stream == self.stream;
        match frame.kind {
            h2::SETTINGS if frame.flags & h2::ACK == 0 => {
                if let Some(window) = frame.setting(h2::INITIAL_WINDOW_SIZE) {
                    self.window_of_streams = window.into();
                }
                let mut out = Vec::new();
                h2::push(&mut out, h2::SETTINGS, h2::ACK, 0, &[]);
                self.wire.get_mut().write_all(&out)?;
            }
            h2::PING if frame.flags & h2::ACK == 0 => {
                let mut out = Vec::new();
                h2::push(&mut out, h2::PING, h2::ACK, 0, &frame.payload);
                self.wire.get_mut().write_all(&out)?;
            }
            h2::WINDOW_UPDATE if frame.stream == 0 => self.window += i64::from(frame.number()?),
            h2::WINDOW_UPDATE if mine => self.window_of_stream += i64::from(frame.number()?),
            h2::GOAWAY => return Err("the server closed the connection".into()),
            h2::RST_STREAM if mine => return Err("the server broke the call off".into()),
            h2::HEADERS | h2::DATA if mine => {
                if frame.kind == h2::DATA {
                    answer.data.extend_from_slice(&frame.payload);
                }
                answer.complete = frame.flags & h2::END_STREAM != 0;
            }
            _ => {}
        }
        Ok(())
    }
}
