//! The HTTP protocol binding of `CloudEvents` 1.0: events from requests, events into replies.

mod batch;
mod binary;
mod draft;
mod header_value;
#[cfg(test)]
mod properties;
mod structured;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};

use super::{Event, media_type};
use crate::error::Error;

#[allow(unused_imports, reason = "not every build of the crate sends events")]
pub(crate) use self::{
    batch::encode as encode_batch, binary::encode as encode_binary, structured::encode as encode_structured,
};

/// How a message carries events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    Binary,
    Structured,
    Batched,
    /// An event format that is not JSON; holds the content type.
    Unknown(String),
    NotAnEvent,
}

/// Tells from its headers how a message carries events.
pub(crate) fn mode(headers: &HeaderMap) -> Mode {
    match format(headers.get(CONTENT_TYPE)) {
        Some(mode) => mode,
        None if binary::is_event(headers) => Mode::Binary,
        None => Mode::NotAnEvent,
    }
}

/// Tells whether a message carries a batch, of any number of events.
pub(crate) fn is_batched(headers: &HeaderMap) -> bool {
    format(headers.get(CONTENT_TYPE)) == Some(Mode::Batched)
}

/// What a message brought.
#[derive(Debug)]
pub(crate) enum Received {
    One(Event),
    Many(Vec<Event>),
}

/// Decodes the event or the batch of a message, in whichever mode.
#[inline]
pub(crate) fn decode(headers: &HeaderMap, body: Bytes) -> Result<Received, Error> {
    let mut content_types = headers.get_all(CONTENT_TYPE).iter();
    let content_type = content_types.next();
    match format(content_type) {
        None => match binary::decode(headers, body) {
            Ok(Some(event)) => Ok(Received::One(event)),
            Ok(None) => Err(not_an_event(content_type)),
            Err(invalid) => Err(invalid.refused()),
        },
        Some(Mode::Unknown(format)) => {
            let text = format!("the event format {format:?} is not understood: application/cloudevents+json is expected");
            Err(Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
        }
        Some(_) if content_types.next().is_some() => {
            Err(Error::refused(StatusCode::BAD_REQUEST, "the Content-Type header is given twice"))
        }
        Some(mode) => {
            check_charset(content_type)?;
            match mode {
                Mode::Batched => batch::decode(&body).map(Received::Many),
                _ => structured::decode(&body).map(Received::One),
            }
        }
    }
}

/// Decodes the body of structured mode, whatever the headers say.
pub(crate) fn decode_structured(body: &Bytes) -> Result<Event, Error> {
    structured::decode(body)
}

/// Tells the mode a content type alone decides.
fn format(content_type: Option<&HeaderValue>) -> Option<Mode> {
    let value = content_type?;
    if !names_event_format(value) {
        return None;
    }
    // As good as every sender writes it; the rest is for the others.
    if value == "application/cloudevents+json" {
        return Some(Mode::Structured);
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    let essence = text.split(';').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    Some(match essence.as_str() {
        "application/cloudevents+json" => Mode::Structured,
        "application/cloudevents-batch+json" => Mode::Batched,
        _ => Mode::Unknown(text.into_owned()),
    })
}

/// Tells whether a content type says that the body is one or more events.
fn names_event_format(content_type: &HeaderValue) -> bool {
    const PREFIX: &[u8] = b"application/cloudevents";
    let bytes = content_type.as_bytes();
    bytes.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Refuses a charset in which the body would mean something else.
fn check_charset(content_type: Option<&HeaderValue>) -> Result<(), Error> {
    let text = content_type.and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).unwrap_or_default();
    match media_type::parameter(text, "charset") {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
            let text = format!("the charset {charset:?} is not understood: JSON events are utf-8");
            Err(Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
        }
        _ => Ok(()),
    }
}

fn not_an_event(content_type: Option<&HeaderValue>) -> Error {
    let found = content_type.map_or_else(|| "none".to_owned(), |value| format!("{value:?}"));
    let text = format!(
        "the request is no CloudEvent: the headers ce-specversion, ce-id, ce-source and ce-type are expected, or the \
         Content-Type application/cloudevents+json; the Content-Type is {found}"
    );
    Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
}

#[cfg(fuzzing)]
pub(super) fn decode_header_value(raw: &[u8]) -> Option<String> {
    header_value::decode(raw).ok().map(std::borrow::Cow::into_owned)
}

#[cfg(fuzzing)]
pub(super) fn encode_header_value(text: &str) -> String {
    header_value::encode(text.as_bytes())
}
