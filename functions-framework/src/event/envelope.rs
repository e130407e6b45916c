//! An event on its way to a function: its attributes, and its data as it arrived.

use bytes::Bytes;
use cloudevents::{AttributesReader as _, AttributesWriter as _, Data, Event};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CloudEvent, media_type};
use crate::error::{Error, printable};

/// The data of an event as it arrived, not copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    None,
    /// The body of binary mode, or what `data_base64` stands for.
    Bytes(Bytes),
    /// The JSON text of the `data` member, exactly as received.
    Json(Bytes),
    /// The `data` member of an event whose content type is not JSON.
    Text(String),
}

/// The attributes of an event, and its data as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    event: Box<Event>,
    payload: Payload,
}

impl Envelope {
    /// Puts attributes and data together; `event` has no data of its own.
    pub(crate) const fn new(event: Box<Event>, payload: Payload) -> Self {
        Self { event, payload }
    }

    /// Takes the data out of `event`, with the meaning it would have on the wire.
    pub(crate) fn from_event(mut event: Event) -> Self {
        let data = take_data(&mut event);
        let is_json = event.datacontenttype().map(media_type::is_json);
        let payload = match data {
            None => Payload::None,
            Some(Data::Binary(bytes)) => Payload::Bytes(bytes.into()),
            Some(Data::String(text) | Data::Json(Value::String(text))) if is_json == Some(false) => Payload::Text(text),
            // Text with a JSON content type is the JSON text itself: what the body of binary mode would be.
            Some(Data::String(text)) if is_json == Some(true) => Payload::Bytes(text.into()),
            Some(Data::String(text)) => Payload::Json(Value::String(text).to_string().into()),
            Some(Data::Json(value)) => Payload::Json(value.to_string().into()),
        };
        Self { event: Box::new(event), payload }
    }

    /// Puts the data into the event.
    ///
    /// JSON data becomes the bytes of its text, exactly as they were sent and whichever mode carried them: a `Value` would
    /// cost ten times the rest of the event and change numbers, member order and duplicates.
    #[inline]
    pub(crate) fn into_event(mut self) -> Result<Event, Error> {
        let data = match self.payload {
            Payload::None => return Ok(*self.event),
            Payload::Bytes(bytes) => Data::Binary(bytes.into()),
            Payload::Json(text) => json_data(&mut self.event, text)?,
            Payload::Text(text) => Data::String(text),
        };
        self.event.set_data_unchecked(data);
        Ok(*self.event)
    }

    /// Gives the event with its data, and the data as the bytes that were sent.
    pub(crate) fn into_payload(mut self) -> Result<(Event, Bytes), Error> {
        let (data, bytes) = match self.payload {
            Payload::None => return Ok((*self.event, Bytes::new())),
            Payload::Bytes(bytes) => (Data::Binary(bytes.to_vec()), bytes),
            Payload::Json(text) => (json_data(&mut self.event, text.clone())?, text),
            Payload::Text(text) => (Data::String(text.clone()), text.into()),
        };
        self.event.set_data_unchecked(data);
        Ok((*self.event, bytes))
    }

    /// Decodes the data from JSON, straight from the bytes that arrived.
    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<CloudEvent<T>, Error> {
        let Self { event, payload } = self;
        let data = match payload {
            Payload::Bytes(bytes) | Payload::Json(bytes) if !bytes.is_empty() => {
                if event.datacontenttype().is_some_and(|media_type| !media_type::is_json(media_type)) {
                    return Err(not_json(&event));
                }
                decode_json(&bytes, "data")?
            }
            Payload::Text(_) => return Err(not_json(&event)),
            // There is nothing to tell no data from empty data in binary mode.
            Payload::None | Payload::Bytes(_) | Payload::Json(_) => serde_json::from_str("null").map_err(|error| {
                Error::status(StatusCode::UNPROCESSABLE_ENTITY, error)
                    .detail("the event has no data, and the function needs it")
            })?,
        };
        Ok(CloudEvent { event: *event, data })
    }
}

/// Takes only the data: the SDK's method empties the attributes that describe it, too.
pub(super) fn take_data(event: &mut Event) -> Option<Data> {
    let (datacontenttype, dataschema, data) = event.take_data();
    event.set_datacontenttype(datacontenttype);
    event.set_dataschema(dataschema);
    data
}

/// The data of an event in structured mode, whose content type is JSON when it says none (JSON format §3.1).
fn json_data(event: &mut Event, text: Bytes) -> Result<Data, Error> {
    match event.datacontenttype() {
        Some(media_type) if !media_type::is_json(media_type) => return json(&text).map(Data::Json),
        Some(_) => {}
        None => {
            event.set_datacontenttype(Some("application/json"));
        }
    }
    Ok(Data::Binary(text.into()))
}

fn json(text: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(text).map_err(|error| broken(&error, "data"))
}

/// Decodes JSON that came from outside; `root` is what an error calls it.
pub(crate) fn decode_json<T: DeserializeOwned>(text: &[u8], root: &str) -> Result<T, Error> {
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
        Err(error) => Err(broken(&error, root)),
    }
}

fn broken(error: &serde_json::Error, root: &str) -> Error {
    Error::refused(StatusCode::BAD_REQUEST, format!("`{root}` is broken JSON: {error}"))
}

fn not_json(event: &Event) -> Error {
    let media_type = event.datacontenttype().unwrap_or_default();
    let text = format!("the function needs JSON data, the datacontenttype of the event is {media_type:?}");
    Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
}

#[cfg(test)]
mod tests {
    use cloudevents::{EventBuilder as _, EventBuilderV10};
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Item {
        price: u32,
    }

    fn event(media_type: Option<&str>, data: impl Into<Data>) -> Event {
        let mut event = blank();
        event.set_datacontenttype(media_type);
        event.set_data_unchecked(data);
        event
    }

    fn blank() -> Event {
        EventBuilderV10::new().id("1").source("/s").ty("t").extension("tenant", "acme").build().unwrap()
    }

    fn order(media_type: Option<&str>, data: impl Into<Data>) -> Result<CloudEvent<Order>, Error> {
        CloudEvent::from_event(event(media_type, data))
    }

    fn detail(error: &Error) -> (u16, String) {
        (error.status_code().as_u16(), format!("{error:#}"))
    }

    #[test]
    fn data_is_decoded_however_it_is_held() {
        let text = r#"{"items":[{"price":1}]}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        for data in [Data::Binary(text.into()), Data::String(text.into()), Data::Json(value.clone())] {
            let order = order(Some("application/vnd.order+JSON; charset=utf-8"), data).unwrap();
            assert_eq!(order.data().items, [Item { price: 1 }]);
            assert_eq!(order.datacontenttype(), Some("application/vnd.order+JSON; charset=utf-8"));
            assert_eq!(order.extension("tenant").unwrap().to_string(), "acme");
        }
        // Without a content type data is JSON, and bytes are tried as it.
        for data in [Data::Binary(text.into()), Data::Json(value)] {
            assert!(order(None, data).is_ok());
        }
        let text: CloudEvent<String> = event(None, "plain").try_into().unwrap();
        assert_eq!(text.into_data(), "plain");
    }

    #[test]
    fn what_does_not_fit_names_the_field() {
        let (status, text) =
            detail(&order(Some("application/json"), json!({ "items": [{ "price": 1 }, { "price": "x" }] })).unwrap_err());
        assert_eq!(status, 422);
        assert!(text.contains("`data.items[1].price`") && text.contains("u32"), "{text}");
        let (status, text) = detail(&order(Some("application/json"), json!({})).unwrap_err());
        assert_eq!(status, 422);
        assert!(text.contains("`data`") && text.contains("missing field `items`"), "{text}");
    }

    #[test]
    fn broken_and_other_data_are_refused() {
        let (status, text) = detail(&order(Some("application/json"), b"{\"items\":".to_vec()).unwrap_err());
        assert_eq!((status, text.contains("broken JSON")), (400, true), "{text}");
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        let nested: Result<CloudEvent<Value>, _> = CloudEvent::from_event(event(Some("application/json"), deep.into_bytes()));
        assert_eq!(nested.unwrap_err().status_code(), 400);
        for data in [Data::Binary(b"{}".to_vec()), Data::String("{}".into()), Data::Json(json!({}))] {
            let (status, text) = detail(&order(Some("text/xml"), data).unwrap_err());
            assert_eq!((status, text.contains("text/xml")), (415, true), "{text}");
        }
    }

    #[test]
    fn no_data_is_null() {
        assert_eq!(CloudEvent::<Option<Order>>::from_event(blank()).unwrap().into_data(), None);
        CloudEvent::<()>::from_event(blank()).unwrap();
        CloudEvent::<()>::from_event(event(Some("application/json"), Vec::new())).unwrap();
        let (status, text) = detail(&CloudEvent::<Order>::from_event(blank()).unwrap_err());
        assert_eq!(status, 422);
        assert!(text.contains("invalid type: null"), "{text}");
    }

    #[test]
    fn parts_are_the_attributes_and_the_data() {
        let mut sent = event(Some("application/json"), json!(7));
        sent.set_dataschema(cloudevents::event::TryIntoUrl::into_url("http://s/").ok());
        let (event, data) = CloudEvent::<u8>::from_event(sent).unwrap().into_parts();
        assert_eq!((event.data(), data), (None, 7));
        assert_eq!(event.dataschema().unwrap().as_str(), "http://s/");
        assert_eq!(event.datacontenttype(), Some("application/json"));
    }

    #[test]
    fn a_payload_is_the_bytes_as_they_were() {
        let bytes = |media_type, data: Data| Envelope::from_event(event(media_type, data)).into_payload().unwrap();
        let (kept, body) = bytes(None, Data::Binary(vec![0, 255]));
        assert_eq!((kept.data(), &body[..]), (Some(&Data::Binary(vec![0, 255])), &[0, 255][..]));
        let (kept, body) = bytes(Some("text/plain"), "x y".into());
        assert_eq!((kept.data(), &body[..]), (Some(&Data::String("x y".into())), &b"x y"[..]));
        let (kept, body) = bytes(None, json!("x").into());
        assert_eq!((kept.data(), &body[..]), (Some(&Data::Binary(b"\"x\"".to_vec())), &b"\"x\""[..]));
        let text = Bytes::from_static(b"{ \"a\" :1.0 }");
        let (kept, body) = Envelope::new(Box::new(blank()), Payload::Json(text.clone())).into_payload().unwrap();
        assert_eq!((kept.data(), kept.datacontenttype()), (Some(&Data::Binary(text.to_vec())), Some("application/json")));
        assert_eq!(body, text);
        let (kept, body) = Envelope::from_event(blank()).into_payload().unwrap();
        assert_eq!((kept.data(), body.len()), (None, 0));
    }
}
