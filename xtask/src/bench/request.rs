//! What is sent: the same bytes to every server.

use std::fmt::Write;

use super::{client::Call, protobuf};

/// What goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// The bytes of a request of HTTP/1.1.
    Http1(Vec<u8>),
    Grpc(Call),
}

/// A request that rows send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `GET /`.
    Get,
    /// An event in binary mode with JSON data of so many bytes.
    Binary(usize),
    /// An event in structured mode with JSON data of so many bytes.
    Structured(usize),
    /// A JSON object of so many bytes.
    Json(usize),
    /// So many bytes of nothing in particular.
    Upload(usize),
    /// An event of a topic, as a sidecar delivers it over gRPC, with JSON data of so many bytes.
    TopicEvent(usize),
    /// An event of a binding, likewise.
    BindingEvent(usize),
}

/// The attributes of the event, in the order they are sent.
const ATTRIBUTES: [(&str, &str); 6] = [
    ("specversion", "1.0"),
    ("id", "b2c1a1f0-0001"),
    ("source", "/measure/peer"),
    ("type", "org.openfunction.measure"),
    ("time", "2026-01-02T03:04:05Z"),
    ("subject", "order"),
];

impl Shape {
    pub(crate) fn request(self) -> Request {
        let (content_type, body) = match self {
            Self::Get => return Request::Http1(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec()),
            Self::Binary(size) | Self::Json(size) => ("application/json", json(size)),
            Self::Structured(size) => ("application/cloudevents+json", structured(&json(size))),
            Self::Upload(size) => ("application/octet-stream", "u".repeat(size)),
            Self::TopicEvent(size) => return event("OnTopicEvent", protobuf::topic_event(&json(size))),
            Self::BindingEvent(size) => return event("OnBindingEvent", protobuf::binding_event(&json(size))),
        };
        let mut request = String::from("POST / HTTP/1.1\r\nhost: localhost\r\n");
        if matches!(self, Self::Binary(_)) {
            for (name, value) in ATTRIBUTES {
                let _ = write!(request, "ce-{name}: {value}\r\n");
            }
        }
        let _ = write!(request, "content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        Request::Http1(request.into_bytes())
    }

    /// How much longer than a small request this one takes, roughly; so many times fewer are sent.
    pub(crate) const fn weight(self) -> u32 {
        match self {
            Self::Get => 1,
            Self::Binary(size)
            | Self::Structured(size)
            | Self::Json(size)
            | Self::Upload(size)
            | Self::TopicEvent(size)
            | Self::BindingEvent(size) => match size {
                0..=8192 => 1,
                8193..=262_144 => 4,
                _ => 8,
            },
        }
    }
}

/// A request that publishes one event of so many bytes, at a sidecar's API.
pub(crate) fn publish(size: usize) -> Request {
    post("/v1.0/publish/bus/orders", &json(size))
}

/// A request that publishes so many small events at once.
pub(crate) fn publish_many(count: u32) -> Request {
    let event = |number| format!(r#"{{"entryId":"{number}","event":{{"number":{number}}},"contentType":"application/json"}}"#);
    let events: Vec<String> = (0..count).map(event).collect();
    post("/v1.0/publish/bulk/bus/orders", &format!("[{}]", events.join(",")))
}

fn post(path: &str, body: &str) -> Request {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}");
    Request::Http1(format!("{head}\r\n\r\n{body}").into_bytes())
}

/// A call whose success is an empty message.
fn event(method: &'static str, message: Vec<u8>) -> Request {
    Request::Grpc(Call { method, message, answer: Vec::new() })
}

/// A JSON object of exactly `size` bytes: small records, and a string that fills it up.
fn json(size: usize) -> String {
    const TAIL: &str = r#"],"note":""}"#;
    let mut body = String::from(r#"{"orderId":"o-0001","items":["#);
    for number in 0u32.. {
        let price = f64::from(number) * 1.25;
        let comma = if number == 0 { "" } else { "," };
        let count = number % 7;
        let record = format!(r#"{comma}{{"sku":"sku-{number:05}","count":{count},"price":{price:?},"tags":["a","b"]}}"#);
        // One byte is kept for a comma even where there is none, so that the figures stay those of earlier measurements.
        if body.len() + record.trim_start_matches(',').len() + 1 + TAIL.len() > size {
            break;
        }
        body.push_str(&record);
    }
    let filling = "x".repeat(size.saturating_sub(body.len() + TAIL.len()));
    let _ = write!(body, r#"],"note":"{filling}"}}"#);
    body
}

fn structured(data: &str) -> String {
    let mut event = String::from("{");
    for (name, value) in ATTRIBUTES {
        let _ = write!(event, r#""{name}":"{value}","#);
    }
    let _ = write!(event, r#""datacontenttype":"application/json","data":{data}}}"#);
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_size_that_is_asked_for() {
        for size in [1024, 65536] {
            assert_eq!(json(size).len(), size);
        }
        assert!(json(1024).contains(r#"{"sku":"sku-00002","count":2,"price":2.5,"tags":["a","b"]},"#));
    }

    fn text(shape: Shape) -> String {
        let Request::Http1(bytes) = shape.request() else { panic!("{shape:?} is a request of HTTP/1.1") };
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_binary_event_is_in_the_header() {
        let request = text(Shape::Binary(1024));
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            head,
            "POST / HTTP/1.1\r\nhost: localhost\r\nce-specversion: 1.0\r\nce-id: b2c1a1f0-0001\r\nce-source: /measure/peer\r\n\
             ce-type: org.openfunction.measure\r\nce-time: 2026-01-02T03:04:05Z\r\nce-subject: order\r\n\
             content-type: application/json\r\ncontent-length: 1024"
        );
        assert_eq!(body.len(), 1024);
    }

    #[test]
    fn a_structured_event_is_in_the_body() {
        let request = text(Shape::Structured(1024));
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-type: application/cloudevents+json\r\ncontent-length: {}", body.len())));
        assert!(body.starts_with(r#"{"specversion":"1.0","id":"b2c1a1f0-0001","#) && body.ends_with(r#"x"}}"#));
    }
}
