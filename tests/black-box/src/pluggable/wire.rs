//! The messages of `dapr.proto.components.v1` and of gRPC's reflection, as far as they are needed.

use std::collections::BTreeMap;

use super::Message;

/// `PullMessagesResponse`.
pub(super) fn topic_message(topic: &str, id: &str, message: &Message) -> Vec<u8> {
    let Message { data, content_type, metadata } = message;
    [field(1, data), field(2, topic.as_bytes()), map(3, metadata), field(4, content_type.as_bytes()), field(5, id.as_bytes())]
        .concat()
}

/// `ReadResponse`.
pub(super) fn binding_message(id: &str, message: &Message) -> Vec<u8> {
    let Message { data, content_type, metadata } = message;
    [field(1, data), map(2, metadata), field(3, content_type.as_bytes()), field(4, id.as_bytes())].concat()
}

/// `ServerReflectionResponse`: the list of services.
pub(super) fn services(names: &[&str]) -> Vec<u8> {
    let list: Vec<u8> = names.iter().flat_map(|name| field(1, &field(1, name.as_bytes()))).collect();
    field(6, &list)
}

/// A field that is text, bytes or a message: all have a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 0x7f {
        field.push(u8::try_from(length & 0x7f).expect("seven bits are a byte") | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).expect("seven bits are a byte"));
    field.extend_from_slice(bytes);
    field
}

fn map(number: u8, entries: &BTreeMap<String, String>) -> Vec<u8> {
    entries
        .iter()
        .flat_map(|(name, value)| field(number, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat()))
        .collect()
}

/// The fields of a message of which all have a length, by their numbers; none when it is no such message.
pub(super) fn fields(mut message: &[u8]) -> Option<BTreeMap<u8, Vec<u8>>> {
    let mut fields = BTreeMap::new();
    while let Some((&tag, rest)) = message.split_first() {
        if tag & 7 != 2 {
            return None;
        }
        let (mut length, mut rest, mut shift) = (0_usize, rest, 0);
        loop {
            let (&byte, more) = rest.split_first()?;
            rest = more;
            length |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (bytes, more) = rest.split_at_checked(length)?;
        fields.insert(tag >> 3, bytes.to_vec());
        message = more;
    }
    Some(fields)
}
