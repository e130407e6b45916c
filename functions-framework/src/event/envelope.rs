//! An event on its way to a function: its attributes, and its data as it arrived.

use bytes::Bytes;
use cloudevents::{AttributesReader as _, AttributesWriter as _, Data, Event};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CloudEvent, media_type};
use crate::error::Error;

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
    event: Event,
    payload: Payload,
}

impl Envelope {
    /// Puts attributes and data together; `event` has no data of its own.
    pub(crate) const fn new(event: Event, payload: Payload) -> Self {
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
        Self { event, payload }
    }

    /// Returns the attributes.
    pub(crate) const fn event(&self) -> &Event {
        &self.event
    }

    /// Returns the data as it arrived.
    pub(crate) const fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Puts the data into the event: binary, JSON or text, as it was sent.
    pub(crate) fn into_event(mut self) -> Result<Event, Error> {
        let data = match self.payload {
            Payload::None => return Ok(self.event),
            Payload::Bytes(bytes) => Data::Binary(bytes.into()),
            Payload::Json(text) => Data::Json(json(&text)?),
            Payload::Text(text) => Data::String(text),
        };
        self.event.set_data_unchecked(data);
        Ok(self.event)
    }

    /// Gives the event with its data, and the data as the bytes that were sent.
    pub(crate) fn into_payload(mut self) -> Result<(Event, Bytes), Error> {
        let (data, bytes) = match self.payload {
            Payload::None => return Ok((self.event, Bytes::new())),
            Payload::Bytes(bytes) => (Data::Binary(bytes.to_vec()), bytes),
            Payload::Json(text) => (Data::Json(json(&text)?), text),
            Payload::Text(text) => (Data::String(text.clone()), text.into()),
        };
        self.event.set_data_unchecked(data);
        Ok((self.event, bytes))
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
        Ok(CloudEvent { event, data })
    }
}

/// Takes only the data: the SDK's method empties the attributes that describe it, too.
pub(super) fn take_data(event: &mut Event) -> Option<Data> {
    let (datacontenttype, dataschema, data) = event.take_data();
    event.set_datacontenttype(datacontenttype);
    event.set_dataschema(dataschema);
    data
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
            Err(Error::refused(StatusCode::UNPROCESSABLE_ENTITY, format!("`{path}` does not fit: {error}")))
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
