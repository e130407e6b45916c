//! Protocol buffers, as far as the messages of Dapr that are sent and taken here.

use crate::Result;

/// Writes a field of text or bytes, or of a message that is written already.
pub(crate) fn push(out: &mut Vec<u8>, field: u8, value: impl AsRef<[u8]>) {
    let value = value.as_ref();
    out.push(field << 3 | LENGTH_DELIMITED);
    let mut length = value.len();
    while length > 0x7f {
        out.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    out.push(length.to_le_bytes()[0]);
    out.extend_from_slice(value);
}

const LENGTH_DELIMITED: u8 = 2;

/// Reads the field of this number; none where it is not there. All fields must be of text or bytes.
pub(crate) fn field(mut message: &[u8], wanted: u8) -> Result<Option<&[u8]>> {
    while let [key, rest @ ..] = message {
        let (length, rest) = varint(rest)?;
        let (value, rest) = rest.split_at_checked(length).ok_or("a field is cut off")?;
        if key & 7 != LENGTH_DELIMITED {
            return Err("a field is no text".into());
        }
        if key >> 3 == wanted {
            return Ok(Some(value));
        }
        message = rest;
    }
    Ok(None)
}

fn varint(mut bytes: &[u8]) -> Result<(usize, &[u8])> {
    let mut value = 0;
    for shift in (0..28).step_by(7) {
        let [byte, rest @ ..] = bytes else { break };
        bytes = rest;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, bytes));
        }
    }
    Err("a length is cut off".into())
}

/// `TopicEventRequest` as daprd makes it of an event that it published itself: what is no attribute of its own is an extension.
pub(crate) fn topic_event(data: &str) -> Vec<u8> {
    let mut event = Vec::new();
    for (field, text) in [
        (1, "5e0a9bb4-3f6c-4a36-9f0e-2d7c1c2b9d11"),
        (2, "shop"),
        (3, "com.dapr.event.sent"),
        (4, "1.0"),
        (5, "application/json"),
        (6, "orders"),
        (7, data),
        (8, "bus"),
        (9, "/dapr/inputs/orders"),
    ] {
        push(&mut event, field, text);
    }
    let mut extensions = Vec::new();
    for (name, text) in [
        ("pubsubname", "bus"),
        ("time", "2026-01-02T03:04:05Z"),
        ("topic", "orders"),
        ("traceid", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", ""),
    ] {
        // `google.protobuf.Value`, whose third field is a text.
        let mut value = Vec::new();
        push(&mut value, 3, text);
        push(&mut extensions, 1, entry(name, &value));
    }
    push(&mut event, 10, extensions);
    event
}

/// `BindingEventRequest`, with what a broker says of a message.
pub(crate) fn binding_event(data: &str) -> Vec<u8> {
    let mut event = Vec::new();
    push(&mut event, 1, "ticks");
    push(&mut event, 2, data);
    for (name, text) in [("offset", "104729"), ("partition", "7"), ("topic", "orders")] {
        push(&mut event, 3, entry(name, text.as_bytes()));
    }
    event
}

/// `GetMetadataResponse` of a sidecar that has what these events come from.
pub(crate) fn metadata() -> Vec<u8> {
    let mut metadata = Vec::new();
    push(&mut metadata, 1, "bench");
    for component in ["bus", "ticks"] {
        push(&mut metadata, 3, entry(component, b"x.kafka"));
    }
    push(&mut metadata, 5, entry("bus", b"orders"));
    metadata
}

/// One entry of a map, or another message that begins with two texts.
fn entry(name: &str, value: &[u8]) -> Vec<u8> {
    let mut entry = Vec::new();
    push(&mut entry, 1, name);
    push(&mut entry, 2, value);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_as_it_was_written() {
        let data = "x".repeat(70_000);
        let event = topic_event(&data);
        assert_eq!(field(&event, 7).unwrap(), Some(data.as_bytes()));
        assert_eq!(field(&event, 9).unwrap(), Some(&b"/dapr/inputs/orders"[..]));
        assert_eq!(field(&event, 11).unwrap(), None);
        assert!(field(&event[..100], 11).is_err());
        assert_eq!(binding_event("{}")[..8], *b"\x0a\x05ticks\x12");
    }
}
