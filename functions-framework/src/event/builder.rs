//! How a program makes an event.

use std::sync::Arc;

use serde::Serialize;

use super::{
    Attributes, Data, Event, ExtensionValue, IntoTime, Parts,
    attributes::{self, Invalid},
    data::Form,
    media_type,
    texts::Text,
};
use crate::error::Error;

/// Collects what an event is made of; made by [`Event::builder`] and [`Event::into_builder`].
///
/// What is given again takes the place of what was there. What CloudEvents does not allow fails [`build`](Self::build), with
/// words about the first that was wrong.
///
/// ```
/// use functions_framework::Event;
///
/// let event = Event::builder()
///     .id("17-done")
///     .source("/orders")
///     .ty("order.done")
///     .subject("17")
///     .time(std::time::SystemTime::now())
///     .extension("tenant", "acme")
///     .data("text/plain", "on its way")
///     .build()?;
/// assert_eq!(event.text()?, "on its way");
///
/// let error = Event::builder().id("1").source("/orders").ty("order.done").extension("Tenant", "acme").build().unwrap_err();
/// assert!(error.to_string().contains("`Tenant`"));
/// # Ok::<(), functions_framework::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "the event is made by `build`"]
pub struct EventBuilder {
    pub(super) parts: Parts,
    error: Option<Invalid>,
}

impl EventBuilder {
    pub(super) const fn from_parts(parts: Parts) -> Self {
        Self { parts, error: None }
    }

    /// Sets the `id`, which no other event of the same source has.
    pub fn id(self, id: impl AsRef<str>) -> Self {
        self.text(Text::Id, id.as_ref())
    }

    /// Sets the `source`: where the event happened, a URI or a part of one.
    pub fn source(self, source: impl AsRef<str>) -> Self {
        self.text(Text::Source, source.as_ref())
    }

    /// Sets the `type`: what happened.
    pub fn ty(self, ty: impl AsRef<str>) -> Self {
        self.text(Text::Type, ty.as_ref())
    }

    /// Sets the `subject`: what it happened to, within the source.
    pub fn subject(self, subject: impl AsRef<str>) -> Self {
        self.text(Text::Subject, subject.as_ref())
    }

    /// Sets the `time` it happened: RFC 3339 text, a `DateTime` of chrono, or a [`SystemTime`](std::time::SystemTime).
    pub fn time(mut self, time: impl IntoTime) -> Self {
        match time.into_time() {
            Ok(time) => self.parts.attributes.time = Some(time),
            Err(error) => self.fail(Invalid(error.to_string())),
        }
        self
    }

    /// Sets the `dataschema`: the absolute URI of the schema of the data.
    pub fn dataschema(self, uri: impl AsRef<str>) -> Self {
        self.text(Text::Dataschema, uri.as_ref())
    }

    /// Sets an extension attribute; names are of `a` to `z` and digits.
    pub fn extension(mut self, name: &str, value: impl Into<ExtensionValue>) -> Self {
        let value = value.into();
        if let Err(invalid) = attributes::check_extension_name(name)
            .and_then(|()| value.as_str().map_or(Ok(()), |text| attributes::check_text(name, text)))
        {
            self.fail(invalid);
            return self;
        }
        let extensions = &mut self.parts.attributes.extensions;
        match extensions.binary_search_by(|(known, _)| (**known).cmp(name)) {
            Ok(found) => extensions[found].1 = value,
            Err(place) => extensions.insert(place, (name.into(), value)),
        }
        self
    }

    /// Sets the data, and the `datacontenttype` that says what it is.
    ///
    /// Bytes and text are sent as they are, a [`serde_json::Value`] as JSON.
    pub fn data(mut self, datacontenttype: impl AsRef<str>, data: impl Into<Data>) -> Self {
        let media_type = datacontenttype.as_ref();
        self.parts.data = Some(data.into().of_media_type(media_type));
        self.text(Text::Datacontenttype, media_type)
    }

    /// Sets the data to a value of your own as JSON, and the `datacontenttype` to `application/json`.
    ///
    /// ```
    /// use functions_framework::Event;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Order {
    ///     number: u32,
    /// }
    ///
    /// let event = Event::builder().id("1").source("/shop").ty("order.placed").json(&Order { number: 17 }).build()?;
    /// assert_eq!(event.data().unwrap(), r#"{"number":17}"#);
    /// # Ok::<(), functions_framework::Error>(())
    /// ```
    pub fn json<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        match serde_json::to_vec(data) {
            Ok(text) => self.parts.data = Some(Data::new(text.into(), Form::Json)),
            Err(error) => self.fail(Invalid(format!("the data of the event does not become JSON: {error}"))),
        }
        self.text(Text::Datacontenttype, media_type::JSON)
    }

    /// Makes the event.
    ///
    /// # Errors
    /// When `id`, `source` or `type` is missing, and when something was given that CloudEvents does not allow.
    pub fn build(self) -> Result<Event, Error> {
        match self.error.map_or_else(|| self.parts.attributes.check_required(), Err) {
            Ok(()) => Ok(Event::from(self.parts)),
            Err(invalid) => Err(invalid.failed()),
        }
    }

    fn text(mut self, text: Text, value: &str) -> Self {
        match attributes::check_form(text, value).and_then(|()| attributes::check_text(text.name(), value)) {
            Ok(()) => self.parts.attributes.texts.set(text, value),
            Err(invalid) => self.fail(invalid),
        }
        self
    }

    #[cold]
    fn fail(&mut self, invalid: Invalid) {
        self.error.get_or_insert(invalid);
    }
}

impl From<Parts> for Event {
    fn from(Parts { attributes, data }: Parts) -> Self {
        Self { attributes: Arc::new(attributes), data }
    }
}

impl Attributes {
    /// Checks that the attributes are there that every event has.
    pub(super) fn check_required(&self) -> Result<(), Invalid> {
        let missing = [Text::Id, Text::Source, Text::Type].into_iter().find(|text| self.texts.get(*text).is_none());
        missing.map_or(Ok(()), |text| Err(Invalid::missing(text.name())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn blank() -> EventBuilder {
        Event::builder().id("1").source("/s").ty("t")
    }

    #[test]
    fn what_is_given_again_takes_the_place_of_what_was_there() {
        let event = blank().extension("tenant", "acme").subject("first").data("text/plain", "first").id("2");
        let event = event.extension("tenant", 7).subject("second").json("second").build().unwrap();
        assert_eq!((event.id(), event.subject()), ("2", Some("second")));
        assert_eq!(event.extensions().collect::<Vec<_>>(), [("tenant", &ExtensionValue::Integer(7))]);
        assert_eq!((event.datacontenttype(), event.text().unwrap()), (Some("application/json"), "\"second\""));
    }

    #[test]
    fn extensions_are_in_the_order_of_their_names() {
        let event = blank().extension("b", "").extension("c", true).extension("a", 1).build().unwrap();
        assert_eq!(event.extensions().map(|(name, _)| name).collect::<String>(), "abc");
        assert_eq!((event.extension("c").unwrap().to_string().as_str(), event.extension("d")), ("true", None));
    }

    #[test]
    fn a_changed_event_leaves_the_others_as_they_are() {
        let event = blank().data("text/plain", "x").build().unwrap();
        let same = event.clone();
        let other = event.into_builder().id("2").build().unwrap();
        assert_eq!((same.id(), other.id(), other.data()), ("1", "2", same.data()));
        assert_ne!(same, other);
    }

    #[test]
    fn data_that_does_not_become_json_is_an_error() {
        let keys_that_are_no_text = std::collections::BTreeMap::from([((), 1)]);
        assert!(blank().json(&keys_that_are_no_text).build().unwrap_err().to_string().contains("JSON"));
    }

    #[test]
    fn events_are_equal_when_their_bytes_are() {
        let text = blank().data("text/plain", "x").build().unwrap();
        let bytes = blank().data("text/plain", b"x").build().unwrap();
        assert_eq!(text, bytes);
        assert_eq!(blank().json(&json!({})).build().unwrap(), blank().data("application/json", "{}").build().unwrap());
        assert_ne!(text, blank().data("text/plain", "y").build().unwrap());
    }
}
