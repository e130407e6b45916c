//! What the fuzz targets reach of the HTTP protocol binding; built only by cargo-fuzz (`--cfg fuzzing`).

use bytes::Bytes;
use http::HeaderMap;

use super::{
    Event,
    http::{self as binding, Received},
};
use crate::error::Error;

/// Decodes a header value, or `None` when it is no attribute value.
pub fn decode_header_value(raw: &[u8]) -> Option<String> {
    binding::decode_header_value(raw)
}

/// Encodes an attribute value for a header.
pub fn encode_header_value(text: &str) -> String {
    binding::encode_header_value(text)
}

/// Decodes the events of a message, whichever mode its headers say.
///
/// # Errors
/// The refusal its sender gets.
pub fn decode(headers: &HeaderMap, body: Bytes) -> Result<Vec<Event>, Error> {
    match binding::decode(headers, body)? {
        Received::One(event) => Ok(vec![event]),
        Received::Many(batch) => Ok(batch),
    }
}

/// Encodes an event in binary mode.
///
/// # Errors
/// When the event cannot be sent.
pub fn encode_binary(event: Event) -> Result<(HeaderMap, Bytes), Error> {
    binding::encode_binary(event)
}

/// Encodes events in batched mode.
pub fn encode_batch(events: &[Event]) -> Bytes {
    binding::encode_batch(events)
}
