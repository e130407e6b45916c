//! An event whose data was decoded.

use chrono::{DateTime, FixedOffset};
use serde::de::DeserializeOwned;

use super::{Event, ExtensionValue};
use crate::error::Error;

/// Holds an event whose data was decoded from JSON into `T`.
///
/// Take it in a function when the data has a known shape; data that does not fit is refused before the function is called:
/// with 415 when it is not JSON, 400 when it is broken JSON and 422, naming the field, when it is not a `T`. An event without
/// data is decoded like JSON `null`, which `Option<T>` and `()` take.
///
/// ```
/// use functions_framework::{CloudEvent, Event};
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
/// let event = Event::builder().id("1").source("/shop").ty("order.placed").data("application/json", r#"{ "number": 17 }"#);
/// assert_eq!(ship(&CloudEvent::from_event(event.build()?)?), "/shop asks for order 17");
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
        let data = event.json()?;
        Ok(Self { event: event.without_data(), data })
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

    /// Returns the `time` it happened, in the offset it was sent with.
    pub fn time(&self) -> Option<DateTime<FixedOffset>> {
        self.event.time()
    }

    /// Returns the `datacontenttype` as it was sent.
    pub fn datacontenttype(&self) -> Option<&str> {
        self.event.datacontenttype()
    }

    /// Returns the `dataschema`: the URI of the schema of the data.
    pub fn dataschema(&self) -> Option<&str> {
        self.event.dataschema()
    }

    /// Returns the extension attribute of that name.
    pub fn extension(&self, name: &str) -> Option<&ExtensionValue> {
        self.event.extension(name)
    }

    /// Returns the extension attributes, in the order of their names.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &ExtensionValue)> {
        self.event.extensions()
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
    /// use functions_framework::{CloudEvent, Event, Result};
    ///
    /// async fn forward(order: CloudEvent<serde_json::Value>) -> Result<Event> {
    ///     let (event, data) = order.into_parts();
    ///     event.into_builder().source("/forwarder").data("application/json", data).build()
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::event::Data;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Item {
        price: u32,
    }

    fn blank() -> Event {
        Event::builder().id("1").source("/s").ty("t").extension("tenant", "acme").build().unwrap()
    }

    fn event(media_type: &str, data: impl Into<Data>) -> Event {
        blank().into_builder().data(media_type, data).build().unwrap()
    }

    fn order(media_type: &str, data: impl Into<Data>) -> Result<CloudEvent<Order>, Error> {
        CloudEvent::from_event(event(media_type, data))
    }

    fn detail(error: &Error) -> (u16, String) {
        (error.status_code().as_u16(), format!("{error:#}"))
    }

    #[test]
    fn data_is_decoded_however_it_was_given() {
        let text = r#"{"items":[{"price":1}]}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        for data in [Data::from(text.as_bytes()), text.into(), value.into()] {
            let order = order("application/vnd.order+JSON; charset=utf-8", data).unwrap();
            assert_eq!(order.data().items, [Item { price: 1 }]);
            assert_eq!(order.datacontenttype(), Some("application/vnd.order+JSON; charset=utf-8"));
            assert_eq!(order.extension("tenant").unwrap(), "acme");
        }
        let event = Event::from_json(r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":"plain"}"#).unwrap();
        assert_eq!(CloudEvent::<String>::try_from(event).unwrap().into_data(), "plain");
    }

    #[test]
    fn bytes_of_no_content_type_are_tried_as_json() {
        let event = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"eyJpdGVtcyI6W119"}"#;
        assert_eq!(CloudEvent::<Order>::from_event(Event::from_json(event).unwrap()).unwrap().data().items, []);
    }

    #[test]
    fn what_does_not_fit_names_the_field() {
        let (status, text) =
            detail(&order("application/json", json!({ "items": [{ "price": 1 }, { "price": "x" }] })).unwrap_err());
        assert_eq!(status, 422);
        assert!(text.contains("`data.items[1].price`") && text.contains("u32"), "{text}");
        let (status, text) = detail(&order("application/json", json!({})).unwrap_err());
        assert_eq!(status, 422);
        assert!(text.contains("`data`") && text.contains("missing field `items`"), "{text}");
    }

    #[test]
    fn broken_and_other_data_are_refused() {
        let (status, text) = detail(&order("application/json", "{\"items\":").unwrap_err());
        assert_eq!((status, text.contains("broken JSON")), (400, true), "{text}");
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        let nested: Result<CloudEvent<Value>, _> = CloudEvent::from_event(event("application/json", deep));
        assert_eq!(nested.unwrap_err().status_code(), 400);
        for data in [Data::from(&b"{}"[..]), "{}".into(), json!({}).into()] {
            let (status, text) = detail(&order("text/xml", data).unwrap_err());
            assert_eq!((status, text.contains("text/xml")), (415, true), "{text}");
        }
    }

    #[test]
    fn no_data_is_null() {
        assert_eq!(CloudEvent::<Option<Order>>::from_event(blank()).unwrap().into_data(), None);
        CloudEvent::<()>::from_event(blank()).unwrap();
        CloudEvent::<()>::from_event(event("application/json", "")).unwrap();
        let (status, text) = detail(&CloudEvent::<Order>::from_event(blank()).unwrap_err());
        assert_eq!(status, 422);
        assert!(text.contains("invalid type: null"), "{text}");
    }

    #[test]
    fn parts_are_the_attributes_and_the_data() {
        let sent = event("application/json", json!(7)).into_builder().dataschema("http://s/").build().unwrap();
        let (event, data) = CloudEvent::<u8>::from_event(sent.clone()).unwrap().into_parts();
        assert_eq!((event.data(), data), (None, 7));
        assert_eq!((event.dataschema(), event.datacontenttype()), (Some("http://s/"), Some("application/json")));
        assert_eq!(sent.data().unwrap(), "7", "the event it was made of keeps its data");
    }
}
