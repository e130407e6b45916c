//! `CloudEvents`: what a function receives and answers, whichever way it travelled.
//!
//! A function takes an [`Event`] to see the event as it is, or a [`CloudEvent<T>`](CloudEvent) to have its data decoded from
//! JSON. The data of an event is bytes, and its content type says what they are: exactly those that were sent, whichever mode
//! carried them. A reply is an [`Event`], made with [`Event::builder`]:
//!
//! ```
//! use functions_framework::Event;
//!
//! let reply = Event::builder()
//!     .id("17-done")
//!     .source("/orders")
//!     .ty("order.done")
//!     .data("application/json", serde_json::json!({ "order": 17 }))
//!     .build()?;
//! # Ok::<(), functions_framework::Error>(())
//! ```
#![cfg_attr(
    feature = "cloudevents-sdk",
    doc = "\nWith the feature `cloudevents-sdk` a function may take and return a `cloudevents::Event` as well; `TryFrom` makes one of the other."
)]

mod ascii;
mod attributes;
mod builder;
mod data;
mod decoded;
mod extension;
pub(crate) mod http;
#[cfg(feature = "server")]
pub(crate) mod inner;
mod late;
pub(crate) mod media_type;
#[cfg(feature = "cloudevents-sdk")]
mod sdk;
mod texts;
mod time;

#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;

use std::{fmt, sync::Arc};

use ::http::StatusCode;
use bytes::Bytes;
use chrono::{DateTime, FixedOffset};
use serde::Deserialize;

use self::texts::{Text, Texts};
#[allow(unused_imports, reason = "not every build of the crate decodes payloads")]
pub(crate) use self::{attributes::is_absolute_uri, data::decode_json, late::LateEvent, time::parse as parse_time};
pub use self::{builder::EventBuilder, data::Data, decoded::CloudEvent, extension::ExtensionValue, time::IntoTime};
use crate::error::Error;

/// Holds a `CloudEvent`: its attributes, and its data as the bytes that were sent.
///
/// Take it in a function to see the event as it came, return it to reply. An event is always a valid one: what arrives is
/// checked before the function is called, and [`build`](EventBuilder::build) refuses the rest. It does not change; a changed
/// one is built of it with [`into_builder`](Self::into_builder). Clones are cheap and share everything.
///
/// Its text, `{event}`, is the JSON object of [`to_json`](Self::to_json).
///
/// ```
/// use functions_framework::{Event, Result};
///
/// async fn forward(event: Event) -> Result<Event> {
///     let origin = event.source().to_owned();
///     event.into_builder().source("/forwarder").extension("origin", origin).build()
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Apart from the data: log lines ask for them when the function has let go of the event, and of its data.
    attributes: Arc<Attributes>,
    data: Option<Data>,
}

/// What an event says of itself and its data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    texts: Texts,
    time: Option<DateTime<FixedOffset>>,
    /// In the order of their names.
    extensions: Vec<(Box<str>, ExtensionValue)>,
}

/// What an event is made of, until all of it is there.
#[derive(Debug, Clone, Default)]
struct Parts {
    attributes: Attributes,
    data: Option<Data>,
}

impl Attributes {
    pub(crate) fn id(&self) -> &str {
        self.texts.get(Text::Id).unwrap_or_default()
    }

    pub(crate) fn ty(&self) -> &str {
        self.texts.get(Text::Type).unwrap_or_default()
    }
}

impl Event {
    /// Begins a new event; `id`, `source` and `type` are needed, the rest is optional.
    ///
    /// ```
    /// use functions_framework::Event;
    ///
    /// let event = Event::builder().id("1").source("/shop").ty("order.placed").subject("17").build()?;
    /// assert_eq!((event.ty(), event.subject()), ("order.placed", Some("17")));
    /// assert!(Event::builder().id("1").source("/shop").build().is_err());
    /// # Ok::<(), functions_framework::Error>(())
    /// ```
    pub fn builder() -> EventBuilder {
        EventBuilder::default()
    }

    /// Begins an event that has everything this one has, and can be changed.
    ///
    /// ```
    /// use functions_framework::{Event, Result};
    ///
    /// fn relabel(event: Event) -> Result<Event> {
    ///     event.into_builder().extension("tenant", "acme").build()
    /// }
    /// ```
    pub fn into_builder(self) -> EventBuilder {
        let Self { attributes, data } = self;
        EventBuilder::from_parts(Parts { attributes: Arc::unwrap_or_clone(attributes), data })
    }

    /// Reads an event from the JSON object that structured mode sends: the inverse of [`to_json`](Self::to_json), as strict as
    /// the framework is with what arrives.
    ///
    /// Use it for an event that was kept in a file or came through a queue.
    ///
    /// # Errors
    /// When the text is no JSON object, or not that of a CloudEvent; the status is 400, for text that came from a caller.
    ///
    /// ```
    /// use functions_framework::Event;
    ///
    /// let event = Event::from_json(r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed"}"#)?;
    /// assert_eq!((event.source(), event.data()), ("/shop", None));
    /// assert!(format!("{:#}", Event::from_json("{}").unwrap_err()).contains("specversion"));
    /// # Ok::<(), functions_framework::Error>(())
    /// ```
    pub fn from_json(text: impl Into<Bytes>) -> Result<Self, Error> {
        http::decode_structured(&text.into())
    }

    /// Writes the event as the JSON object that structured mode sends (`application/cloudevents+json`).
    ///
    /// Data of a JSON content type becomes the `data` member as it is, other text a string, and bytes `data_base64`. Use it to
    /// keep an event in a file or a queue; a reply needs none of it.
    ///
    /// ```
    /// use functions_framework::Event;
    ///
    /// let event = Event::builder().id("1").source("/shop").ty("order.placed").data("application/json", r#"{"n":1.0}"#).build()?;
    /// let text = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.placed","datacontenttype":"application/json","data":{"n":1.0}}"#;
    /// assert_eq!(event.to_json(), text);
    /// # Ok::<(), functions_framework::Error>(())
    /// ```
    pub fn to_json(&self) -> Bytes {
        http::encode_structured(self)
    }

    /// Returns the `id`, unique to its source.
    pub fn id(&self) -> &str {
        self.attributes.id()
    }

    /// Returns the `source`: where the event happened, a URI or a part of one.
    pub fn source(&self) -> &str {
        self.attributes.texts.get(Text::Source).unwrap_or_default()
    }

    /// Returns the `type`: what happened.
    pub fn ty(&self) -> &str {
        self.attributes.ty()
    }

    /// Returns the `subject`: what it happened to, within the source.
    pub fn subject(&self) -> Option<&str> {
        self.attributes.texts.get(Text::Subject)
    }

    /// Returns the `time` it happened, in the offset it was sent with.
    ///
    /// ```
    /// use functions_framework::Event;
    ///
    /// let event = Event::builder().id("1").source("/shop").ty("order.placed").time("2026-01-31T12:00:00.5+02:00").build()?;
    /// assert_eq!(event.time().unwrap().to_rfc3339(), "2026-01-31T12:00:00.500+02:00");
    /// # Ok::<(), functions_framework::Error>(())
    /// ```
    pub fn time(&self) -> Option<DateTime<FixedOffset>> {
        self.attributes.time
    }

    /// Returns the `datacontenttype`: the media type of the data, as it was sent.
    pub fn datacontenttype(&self) -> Option<&str> {
        self.attributes.texts.get(Text::Datacontenttype)
    }

    /// Returns the `dataschema`: the URI of the schema of the data.
    pub fn dataschema(&self) -> Option<&str> {
        self.attributes.texts.get(Text::Dataschema)
    }

    /// Returns the extension attribute of that name.
    ///
    /// In binary mode all are texts; structured mode knows numbers and truth values too.
    ///
    /// ```
    /// use functions_framework::Event;
    ///
    /// fn is_ours(event: &Event) -> bool {
    ///     event.extension("tenant").is_some_and(|tenant| tenant == "acme")
    /// }
    /// ```
    pub fn extension(&self, name: &str) -> Option<&ExtensionValue> {
        let extensions = &self.attributes.extensions;
        extensions.binary_search_by(|(known, _)| (**known).cmp(name)).ok().map(|found| &extensions[found].1)
    }

    /// Returns the extension attributes, in the order of their names.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &ExtensionValue)> {
        self.attributes.extensions.iter().map(|(name, value)| (&**name, value))
    }

    /// Returns the data as the bytes that were sent: JSON as its text, and what came as Base64 decoded.
    ///
    /// An empty body in binary mode is no data. The bytes are a part of what was read from the connection, which they keep in
    /// memory as a whole: a program that holds on to many small ones copies them.
    ///
    /// ```
    /// use functions_framework::{Event, Result};
    ///
    /// async fn keep(event: Event) -> Result<()> {
    ///     std::fs::write(event.id(), event.data().map_or(&b""[..], |data| data))?;
    ///     Ok(())
    /// }
    /// ```
    pub fn data(&self) -> Option<&Bytes> {
        self.data.as_ref().map(Data::bytes)
    }

    /// Returns the data as text, which is empty when there is none.
    ///
    /// # Errors
    /// 400 when it is not UTF-8.
    ///
    /// ```
    /// use functions_framework::{Event, Result};
    ///
    /// async fn shout(event: Event) -> Result<()> {
    ///     println!("{}", event.text()?.to_uppercase());
    ///     Ok(())
    /// }
    /// ```
    pub fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(self.data().map_or(&[], |data| data)).map_err(|error| {
            let at = error.valid_up_to();
            Error::refused(StatusCode::BAD_REQUEST, format!("the data of the event is not UTF-8: byte {at} is wrong"))
        })
    }

    /// Decodes the data from JSON, straight from the bytes that were sent; no data is decoded like JSON `null`.
    ///
    /// A function whose data always has one shape takes a [`CloudEvent<T>`](CloudEvent) instead.
    ///
    /// # Errors
    /// 415 when the data is not JSON, 400 when it is broken JSON and 422, naming the field, when it is not a `T`.
    ///
    /// ```
    /// use functions_framework::{Event, Result};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Order<'a> {
    ///     name: &'a str,
    /// }
    ///
    /// async fn placed(event: Event) -> Result<()> {
    ///     if event.ty() == "order.placed" {
    ///         println!("{}", event.json::<Order>()?.name);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        match self.data() {
            Some(bytes) if !bytes.is_empty() => match self.datacontenttype() {
                Some(media_type) if !media_type::is_json(media_type) => {
                    let text = format!("the function needs JSON data, the datacontenttype of the event is {media_type:?}");
                    Err(Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
                }
                _ => decode_json(bytes, "data"),
            },
            // There is nothing to tell no data from empty data in binary mode.
            _ => serde_json::from_str("null").map_err(|error| {
                Error::status(StatusCode::UNPROCESSABLE_ENTITY, error)
                    .detail("the event has no data, and the function needs it")
            }),
        }
    }

    /// Leaves out the data, and keeps what describes it.
    fn without_data(self) -> Self {
        Self { data: None, ..self }
    }

    /// Gives a share in what is not its data.
    pub(crate) fn attributes(&self) -> Arc<Attributes> {
        Arc::clone(&self.attributes)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_json()))
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({self})")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(media_type: &str, data: impl Into<Data>) -> Event {
        Event::builder().id("1").source("/s").ty("t").data(media_type, data).build().unwrap()
    }

    #[test]
    fn data_is_read_as_text_or_json() {
        assert_eq!(event("text/plain", "é").text().unwrap(), "é");
        assert_eq!(event("a/b", b"\xff").text().unwrap_err().status_code(), 400);
        let order = event("application/json", r#"{"name":"tea","count":2}"#);
        assert_eq!(order.json::<std::collections::HashMap<&str, serde_json::Value>>().unwrap()["name"], "tea");
        assert_eq!(order.json::<u8>().unwrap_err().status_code(), 422);
        let blank = Event::builder().id("1").source("/s").ty("t").build().unwrap();
        assert_eq!((blank.text().unwrap(), blank.json::<Option<u8>>().unwrap()), ("", None));
    }

    #[test]
    fn an_event_shows_itself_as_json() {
        let event = event("application/json", json!({ "n": 1 }));
        let text =
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/json","data":{"n":1}}"#;
        assert_eq!((event.to_string(), format!("{event:?}")), (text.to_owned(), format!("Event({text})")));
    }
}
