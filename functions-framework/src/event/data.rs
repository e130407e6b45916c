//! The data of an event: bytes, and what the JSON format writes them as.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::media_type;
use crate::error::{Error, printable};

/// Holds what an event is to carry: bytes, text or JSON.
///
/// [`EventBuilder::data`](super::EventBuilder::data) takes anything that becomes one. All of them are sent as their bytes; the
/// difference shows in structured mode alone, where text is a string and bytes are Base64.
///
/// ```
/// use functions_framework::Event;
///
/// let event = |data: functions_framework::event::Data| {
///     Event::builder().id("1").source("/s").ty("t").data("text/plain", data).build().unwrap().to_string()
/// };
/// assert!(event("hello".into()).ends_with(r#""data":"hello"}"#));
/// assert!(event(b"hello".into()).ends_with(r#""data_base64":"aGVsbG8="}"#));
/// ```
#[derive(Debug, Clone)]
pub struct Data {
    bytes: Bytes,
    form: Form,
}

/// What the JSON format writes the bytes as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `data` when the content type says that they are JSON and they are, else `data_base64`.
    Bytes,
    /// A string. The content type is not JSON.
    Text,
    /// Themselves: they are JSON.
    Json,
}

impl Data {
    pub(super) const fn new(bytes: Bytes, form: Form) -> Self {
        Self { bytes, form }
    }

    pub(super) const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(super) const fn form(&self) -> Form {
        self.form
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Gives the data the meaning it has beside a content type.
    pub(super) fn of_media_type(self, media_type: &str) -> Self {
        match self.form {
            // Text with a JSON content type is the JSON text itself: what the body of binary mode would be.
            Form::Text if media_type::is_json(media_type) => Self::new(self.bytes, Form::Bytes),
            Form::Json if !media_type::is_json(media_type) => match serde_json::from_slice(&self.bytes) {
                // A JSON string with another content type is the text.
                Ok(Value::String(text)) => text.into(),
                // The member `data` could not tell it from no data.
                Ok(Value::Null) => Self::new(self.bytes, Form::Bytes),
                _ => self,
            },
            _ => self,
        }
    }
}

/// The same bytes are the same data.
impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Data {}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes, Form::Bytes)
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Self {
        Bytes::copy_from_slice(bytes).into()
    }
}

impl<const LENGTH: usize> From<&[u8; LENGTH]> for Data {
    fn from(bytes: &[u8; LENGTH]) -> Self {
        bytes[..].into()
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::new(text.into(), Form::Text)
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Cow<'_, str>> for Data {
    fn from(text: Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        Self::new(value.to_string().into(), Form::Json)
    }
}

/// Decodes JSON that came from outside; `root` is what an error calls it.
pub(crate) fn decode_json<'a, T: Deserialize<'a>>(text: &'a [u8], root: &str) -> Result<T, Error> {
    match serde_json::from_slice(text) {
        Ok(data) => Ok(data),
        // Keeping track of the path costs time, so only an event that does not fit pays for it.
        Err(error) if error.is_data() => {
            let mut deserializer = serde_json::Deserializer::from_slice(text);
            let path = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
                Err(tracked) if tracked.path().iter().next().is_some() => format!("{root}.{}", tracked.path()),
                _ => root.to_owned(),
            };
            Err(Error::refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("`{}` does not fit: {}", printable(&path, 120), printable(&error.to_string(), 240)),
            ))
        }
        Err(error) => Err(Error::refused(StatusCode::BAD_REQUEST, format!("`{root}` is broken JSON: {error}"))),
    }
}
