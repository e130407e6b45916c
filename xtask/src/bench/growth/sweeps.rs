//! What grows, and what is asked meanwhile.

use std::fmt::Write;

use super::super::{
    plot::Axis,
    request::{Request, Shape},
    valgrind::Requests,
};

/// Something that grows step by step while something is measured.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What grows.
    pub(super) of: &'static str,
    pub(super) measured: Measured,
    pub(super) axis: Axis,
    pub(super) steps: &'static [u32],
    pub(super) lines: &'static [Asked],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measured {
    /// Of a request, in user space.
    Instructions,
    /// Resident, of the process.
    Memory,
}

/// One line of a sweep: who is asked what, as something grows.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) name: &'static str,
    /// The function that is asked; none where there are as many as the step says.
    pub(super) function: Option<&'static str>,
    pub(super) log: bool,
    pub(super) request: fn(u32) -> Vec<u8>,
    /// What grows are connections.
    pub(super) connections: bool,
}

const ASKED: Asked = Asked { name: "", function: None, log: false, request: greet, connections: false };

pub(super) const SWEEPS: [Sweep; 5] = [
    Sweep {
        name: "functions",
        title: "A request, by functions in the process",
        of: "functions",
        measured: Measured::Instructions,
        axis: Axis::Linear,
        steps: &[1, 10, 100, 1000],
        lines: &[
            Asked { name: "no access log", request: greet_one, ..ASKED },
            Asked { name: "a line in the log for each request", request: greet_one, log: true, ..ASKED },
        ],
    },
    Sweep {
        name: "headers",
        title: "A request, by further headers and extension attributes",
        of: "headers of a request to an HTTP function, extension attributes of an event of 1 KiB",
        measured: Measured::Instructions,
        axis: Axis::Linear,
        steps: &[0, 4, 8, 12, 16, 20],
        lines: &[
            Asked { name: "headers", function: Some("hello"), request: greet_with_headers, ..ASKED },
            Asked { name: "extension attributes", function: Some("event"), request: event_with_extensions, ..ASKED },
        ],
    },
    Sweep {
        name: "body",
        title: "A request, by the size of its body",
        of: "bytes of the body",
        measured: Measured::Instructions,
        axis: Axis::Logarithmic,
        steps: &[0, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26],
        lines: &[
            Asked { name: "event, held as a whole", function: Some("event"), request: event, ..ASKED },
            Asked { name: "upload, streamed", function: Some("count"), request: upload, ..ASKED },
        ],
    },
    Sweep {
        name: "connections",
        title: "A request, by open connections, each of which sends in its turn",
        of: "connections",
        measured: Measured::Instructions,
        axis: Axis::Linear,
        steps: &CONNECTIONS,
        lines: &[Asked { name: "HTTP function", function: Some("hello"), connections: true, ..ASKED }],
    },
    Sweep {
        name: "memory",
        title: "Resident memory, by open connections",
        of: "connections",
        measured: Measured::Memory,
        axis: Axis::Logarithmic,
        steps: &CONNECTIONS,
        lines: &[Asked { name: "HTTP function", function: Some("hello"), connections: true, ..ASKED }],
    },
];

const CONNECTIONS: [u32; 7] = [1, 4, 16, 64, 256, 1024, 4096];

impl Sweep {
    /// The step as it is written at the axis.
    pub(super) fn step(&self, step: u32) -> String {
        match step {
            1024.. if self.name == "body" => match step >> 20 {
                0 => format!("{} Ki", step >> 10),
                mega => format!("{mega} Mi"),
            },
            _ => step.to_string(),
        }
    }
}

impl Asked {
    pub(super) fn request(&self, step: u32) -> Request {
        Request::Http1((self.request)(step))
    }

    /// How many connections send.
    pub(super) fn connections(&self, step: u32) -> usize {
        if self.connections { step as usize } else { 1 }
    }

    /// How many requests the two runs of a slope send: fewer large ones; and in both each connection its first, which is dearer.
    pub(super) fn requests(&self, step: u32) -> Requests {
        let bytes = (self.request)(step).len();
        match bytes {
            0x0002_0000..0x0020_0000 => Requests { few: 20, many: 60 },
            0x0020_0000.. => Requests { few: 2, many: 6 },
            _ if self.connections => Requests { few: step.max(400), many: step.max(400) + step.max(1000) },
            _ => Requests { few: 400, many: 1400 },
        }
    }
}

fn bytes(shape: Shape) -> Vec<u8> {
    match shape.request() {
        Request::Http1(bytes) => bytes,
        Request::Grpc(_) => Vec::new(),
    }
}

fn greet(_: u32) -> Vec<u8> {
    bytes(Shape::Get)
}

/// Asks a function in the middle.
fn greet_one(functions: u32) -> Vec<u8> {
    format!("GET /f{} HTTP/1.1\r\nhost: localhost\r\n\r\n", functions / 2).into_bytes()
}

/// Puts headers after the first line.
fn with_headers(request: &[u8], headers: &str) -> Vec<u8> {
    let end = request.windows(2).position(|pair| pair == b"\r\n").map_or(0, |at| at + 2);
    [&request[..end], headers.as_bytes(), &request[end..]].concat()
}

fn greet_with_headers(count: u32) -> Vec<u8> {
    with_headers(&greet(0), &numbered("x-header-", count))
}

fn event_with_extensions(count: u32) -> Vec<u8> {
    with_headers(&bytes(Shape::Binary(1024)), &numbered("ce-extension", count))
}

fn numbered(name: &str, count: u32) -> String {
    (0..count).fold(String::new(), |mut headers, number| {
        let _ = write!(headers, "{name}{number}: value-{number:04}\r\n");
        headers
    })
}

/// JSON cannot be of no bytes.
fn event(size: u32) -> Vec<u8> {
    match size {
        0 => {
            let request =
                String::from_utf8_lossy(&bytes(Shape::Binary(1024))).replace("content-length: 1024", "content-length: 0");
            request.split_inclusive("\r\n\r\n").next().unwrap_or_default().as_bytes().to_vec()
        }
        size => bytes(Shape::Binary(size as usize)),
    }
}

fn upload(size: u32) -> Vec<u8> {
    bytes(Shape::Upload(size as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_request_grows_by_what_it_is_asked_to() {
        assert!(text(greet_one(1000)).starts_with("GET /f500 HTTP/1.1\r\n"));
        assert!(text(greet_one(1)).starts_with("GET /f0 HTTP/1.1\r\n"));
        assert_eq!(text(greet_with_headers(0)), text(greet(0)));
        let request = text(greet_with_headers(2));
        let expected = "GET / HTTP/1.1\r\nx-header-0: value-0000\r\nx-header-1: value-0001\r\nhost: localhost\r\n\r\n";
        assert_eq!(request, expected);
        assert_eq!(text(event_with_extensions(20)).matches("\r\nce-extension").count(), 20);
        let (head, body) = text(event(4096)).split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.len())).unwrap();
        assert!(head.ends_with("content-length: 4096") && body == 4096);
        assert!(text(event(0)).ends_with("content-length: 0\r\n\r\n"));
    }

    #[test]
    fn every_connection_has_sent_before_anything_is_counted() {
        for sweep in &SWEEPS {
            for asked in sweep.lines {
                for step in sweep.steps {
                    let Requests { few, many } = asked.requests(*step);
                    assert!(few as usize >= asked.connections(*step) && many > few, "{} {step}", sweep.name);
                }
            }
        }
    }

    #[test]
    fn sizes_are_written_as_people_say_them() {
        let body = SWEEPS.iter().find(|sweep| sweep.name == "body").unwrap();
        assert_eq!([0, 1024, 1 << 18, 1 << 26].map(|size| body.step(size)), ["0", "1 Ki", "256 Ki", "64 Mi"]);
        assert_eq!(SWEEPS[0].step(1000), "1000");
    }
}
