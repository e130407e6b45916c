//! `CloudEvents`: what a function receives and answers, whichever way it travelled.
//!
//! A function takes an [`Event`] to see the event as it is, or a [`CloudEvent<T>`](CloudEvent) to have its data decoded from
//! JSON. The data of an [`Event`] that arrives is [`Data::Binary`], JSON too: the bytes that were sent, whichever mode carried
//! them. Only text of another content type in structured mode is [`Data::String`]. A reply is an [`Event`], made with
//! [`EventBuilderV10`]:
//!
//! ```
//! use functions_framework::event::{Event, EventBuilder as _, EventBuilderV10};
//!
//! let reply: Event = EventBuilderV10::new()
//!     .id("17-done")
//!     .source("/orders")
//!     .ty("order.done")
//!     .data("application/json", serde_json::json!({ "order": 17 }))
//!     .build()?;
//! # Ok::<(), functions_framework::Error>(())
//! ```

mod envelope;
pub(crate) mod http;
pub(crate) mod media_type;

#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;

use bytes::Bytes;
use chrono::{DateTime, Utc};
pub use cloudevents::{
    AttributesReader, AttributesWriter, Data, Event, EventBuilder, EventBuilderV10,
    event::{EventBuilderError, ExtensionValue},
};
use serde::de::DeserializeOwned;

#[allow(unused_imports, reason = "not every build of the crate names both")]
pub(crate) use self::envelope::{Envelope, Payload, decode_json};
use crate::error::Error;

/// Writes an event as the JSON object that structured mode sends (`application/cloudevents+json`).
///
/// Data of a JSON content type becomes the `data` member as it is, other text a string, and bytes `data_base64`. Use it to
/// keep an event in a file or a queue; a reply needs none of it.
///
/// # Errors
/// When the event has what CloudEvents does not allow, such as an empty `source`.
///
/// ```
/// use functions_framework::event::{EventBuilder as _, EventBuilderV10, to_json};
///
/// let event = EventBuilderV10::new().id("1").source("/shop").ty("order.placed").data("application/json", r#"{"n":1.0}"#).build()?;
/// let text = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","datacontenttype":"application/json","data":{"n":1.0}}"#;
/// assert_eq!(to_json(&event)?, text);
/// # Ok::<(), functions_framework::Error>(())
/// ```
pub fn to_json(event: &Event) -> Result<Bytes, Error> {
    http::encode_structured(event)
}

/// Reads an event from such a JSON object: the inverse of [`to_json`], as strict as the framework is with what arrives.
///
/// # Errors
/// When the text is no JSON object, or not that of a CloudEvent; the status is 400, for text that came from a caller.
///
/// ```
/// use functions_framework::event::{AttributesReader as _, from_json};
///
/// let event = from_json(r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed"}"#)?;
/// assert_eq!((event.source().as_str(), event.data()), ("/shop", None));
/// assert!(format!("{:#}", from_json("{}").unwrap_err()).contains("specversion"));
/// # Ok::<(), functions_framework::Error>(())
/// ```
pub fn from_json(text: impl Into<Bytes>) -> Result<Event, Error> {
    http::decode_structured(&text.into())?.into_event()
}

/// Holds an event whose data was decoded from JSON into `T`.
///
/// Take it in a function when the data has a known shape; data that does not fit is refused before the function is called:
/// with 415 when it is not JSON, 400 when it is broken JSON and 422, naming the field, when it is not a `T`. An event without
/// data is decoded like JSON `null`, which `Option<T>` and `()` take.
///
/// ```
/// use functions_framework::event::{CloudEvent, EventBuilder as _, EventBuilderV10};
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     number: u32,
/// }
///
/// fn ship(order: &CloudEvent<Order>) -> String {
///     format!("{} asks for order {}", order.source(), order.data().number)
/// }
///
/// let event = EventBuilderV10::new()
///     .id("1")
///     .source("/shop")
///     .ty("order.placed")
///     .data("application/json", r#"{ "number": 17 }"#)
///     .build()?;
/// assert_eq!(ship(&CloudEvent::from_event(event)?), "/shop asks for order 17");
/// # Ok::<(), functions_framework::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CloudEvent<T> {
    /// The attributes; its data was moved out.
    event: Event,
    data: T,
}

impl<T> CloudEvent<T> {
    /// Decodes the data of `event`, as is done for an event that arrives; a test makes its input with it.
    ///
    /// # Errors
    /// When the data is not JSON, is broken JSON, or is no `T`: [`CloudEvent`] says which status each has.
    pub fn from_event(event: Event) -> Result<Self, Error>
    where
        T: DeserializeOwned,
    {
        Envelope::from_event(event).decode()
    }

    /// Returns the `id` of the event, unique to its source.
    pub fn id(&self) -> &str {
        self.event.id()
    }

    /// Returns the `source`: where the event happened, a URI or a part of one.
    pub fn source(&self) -> &str {
        self.event.source()
    }

    /// Returns the `type`: what happened.
    pub fn ty(&self) -> &str {
        self.event.ty()
    }

    /// Returns the `subject`: what it happened to, within the source.
    pub fn subject(&self) -> Option<&str> {
        self.event.subject()
    }

    /// Returns the `time` it happened.
    pub fn time(&self) -> Option<&DateTime<Utc>> {
        self.event.time()
    }

    /// Returns the `datacontenttype` as it was sent.
    pub fn datacontenttype(&self) -> Option<&str> {
        self.event.datacontenttype()
    }

    /// Returns the `dataschema`: the URI of the schema of the data.
    pub fn dataschema(&self) -> Option<&str> {
        self.event.dataschema().map(AsRef::as_ref)
    }

    /// Returns the extension attribute of that name.
    pub fn extension(&self, name: &str) -> Option<&ExtensionValue> {
        self.event.extension(name)
    }

    /// Returns the extension attributes, in no order.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &ExtensionValue)> {
        self.event.iter_extensions()
    }

    /// Returns the data.
    pub const fn data(&self) -> &T {
        &self.data
    }

    /// Returns the data and drops the attributes.
    pub fn into_data(self) -> T {
        self.data
    }

    /// Returns the attributes, as an event without data, and the data.
    ///
    /// ```
    /// use functions_framework::event::{AttributesWriter as _, CloudEvent, Event};
    ///
    /// fn forward(order: CloudEvent<serde_json::Value>) -> Event {
    ///     let (mut event, data) = order.into_parts();
    ///     event.set_source("/forwarder");
    ///     event.set_data("application/json", data);
    ///     event
    /// }
    /// ```
    pub fn into_parts(self) -> (Event, T) {
        (self.event, self.data)
    }
}

impl<T: DeserializeOwned> TryFrom<Event> for CloudEvent<T> {
    type Error = Error;

    fn try_from(event: Event) -> Result<Self, Error> {
        Self::from_event(event)
    }
}
