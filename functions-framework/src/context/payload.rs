//! What can be sent to an output.

use bytes::Bytes;
use serde::Serialize;

use crate::{error::Error, event::Event};

/// Turns a value into the bytes that are sent and the content type they have.
///
/// Bytes and text pass as they are; a reference to anything that serializes is sent as JSON; an [`Event`] as the JSON that is
/// the whole event.
///
/// ```
/// use functions_framework::IntoPayload as _;
///
/// let (payload, content_type) = "hello".into_payload()?;
/// assert_eq!((&payload[..], content_type), (&b"hello"[..], "text/plain"));
/// let (payload, content_type) = (&["hello"]).into_payload()?;
/// assert_eq!((&payload[..], content_type), (&br#"["hello"]"#[..], "application/json"));
/// # Ok::<(), functions_framework::Error>(())
/// ```
pub trait IntoPayload: Send {
    /// Makes the bytes and says what they are.
    ///
    /// # Errors
    /// A value that does not serialize.
    fn into_payload(self) -> Result<(Bytes, &'static str), Error>;
}

macro_rules! verbatim {
    ($($payload:ty: $content_type:literal;)*) => {$(
        impl IntoPayload for $payload {
            fn into_payload(self) -> Result<(Bytes, &'static str), Error> {
                Ok((Bytes::from(self), $content_type))
            }
        }
    )*};
}
verbatim! {
    Bytes: "application/octet-stream";
    Vec<u8>: "application/octet-stream";
    String: "text/plain";
}

impl IntoPayload for &[u8] {
    fn into_payload(self) -> Result<(Bytes, &'static str), Error> {
        Bytes::copy_from_slice(self).into_payload()
    }
}

impl IntoPayload for &str {
    fn into_payload(self) -> Result<(Bytes, &'static str), Error> {
        self.to_owned().into_payload()
    }
}

impl<T: Serialize + Sync> IntoPayload for &T {
    fn into_payload(self) -> Result<(Bytes, &'static str), Error> {
        Ok((serde_json::to_vec(self)?.into(), "application/json"))
    }
}

impl IntoPayload for Event {
    fn into_payload(self) -> Result<(Bytes, &'static str), Error> {
        (&self).into_payload()
    }
}

impl IntoPayload for &Event {
    fn into_payload(self) -> Result<(Bytes, &'static str), Error> {
        Ok((self.to_json(), "application/cloudevents+json"))
    }
}
