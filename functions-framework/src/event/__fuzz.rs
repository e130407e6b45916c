//! What the fuzz targets reach of the HTTP protocol binding; built only by cargo-fuzz (`--cfg fuzzing`).

use bytes::Bytes;
use cloudevents::Event;
use http::HeaderMap;

use super::http::{self as binding, Received};
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
        Received::One(envelope) => Ok(vec![envelope.into_event()?]),
        Received::Many(batch) => batch.into_iter().map(super::Envelope::into_event).collect(),
    }
}

/// Decodes one event, without the vector.
///
/// # Errors
/// The refusal its sender gets.
pub fn decode_one(headers: &HeaderMap, body: Bytes) -> Result<Option<Event>, Error> {
    match binding::decode(headers, body)? {
        Received::One(envelope) => envelope.into_event().map(Some),
        Received::Many(_) => Ok(None),
    }
}

/// Tells whether the attributes of one event are right, without looking at its data.
pub fn accepts(headers: &HeaderMap, body: Bytes) -> bool {
    binding::decode(headers, body).is_ok()
}

/// Encodes an event in binary mode.
///
/// # Errors
/// When the event cannot be sent.
pub fn encode_binary(event: Event) -> Result<(HeaderMap, Bytes), Error> {
    binding::encode_binary(event)
}

/// Encodes an event in structured mode.
///
/// # Errors
/// When the event cannot be sent.
pub fn encode_structured(event: &Event) -> Result<Bytes, Error> {
    binding::encode_structured(event)
}

/// Encodes events in batched mode.
///
/// # Errors
/// When an event cannot be sent.
pub fn encode_batch(events: &[Event]) -> Result<Bytes, Error> {
    binding::encode_batch(events)
}
