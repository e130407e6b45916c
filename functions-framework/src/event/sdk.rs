//! Events of `cloudevents-sdk`, of one and of the other.

use cloudevents::{
    AttributesReader as _, AttributesWriter as _, EventBuilder as _, EventBuilderV10,
    event::{Data as SdkData, ExtensionValue as SdkValue, TryIntoUrl as _},
};
use serde_json::Value;

use super::{Data, Event, ExtensionValue, attributes::Invalid, data::Form};
use crate::error::Error;

/// Fails when the event of the SDK is none: it holds whatever it is given.
impl TryFrom<cloudevents::Event> for Event {
    type Error = Error;

    fn try_from(mut event: cloudevents::Event) -> Result<Self, Error> {
        let (media_type, schema, data) = event.take_data();
        let mut builder = Self::builder().id(event.id()).source(event.source()).ty(event.ty());
        if let Some(subject) = event.subject() {
            builder = builder.subject(subject);
        }
        if let Some(time) = event.time() {
            builder = builder.time(*time);
        }
        if let Some(schema) = schema {
            builder = builder.dataschema(schema);
        }
        for (name, value) in event.iter_extensions() {
            builder = builder.extension(name, ExtensionValue::from(value.clone()));
        }
        match (media_type, data) {
            (Some(media_type), Some(data)) => builder = builder.data(media_type, data),
            (Some(media_type), None) => {
                builder = builder.data(media_type, "");
                builder.parts.data = None;
            }
            // Data without a content type is JSON (JSON format §3.1), but of bytes nothing is known.
            (None, Some(SdkData::String(text))) => builder = builder.json(&text),
            (None, Some(SdkData::Json(value))) => builder = builder.json(&value),
            (None, Some(SdkData::Binary(bytes))) => builder.parts.data = Some(bytes.into()),
            (None, None) => {}
        }
        builder.build()
    }
}

/// Fails when the `dataschema` is no URL: the SDK holds nothing else there.
///
/// The data is what the SDK's own binding would have made of it: JSON of structured mode is a value, and a body is bytes.
impl TryFrom<Event> for cloudevents::Event {
    type Error = Error;

    fn try_from(event: Event) -> Result<Self, Error> {
        let mut builder = EventBuilderV10::new().id(event.id()).source(event.source()).ty(event.ty());
        for (name, value) in event.extensions() {
            builder = builder.extension(name, SdkValue::from(value.clone()));
        }
        let mut other = builder.build()?;
        other.set_subject(event.subject());
        other.set_time(event.time());
        other.set_datacontenttype(event.datacontenttype());
        if let Some(schema) = event.dataschema() {
            other.set_dataschema(Some(schema.into_url().map_err(|_| Invalid::dataschema(schema).refused())?));
        }
        if let Some(data) = &event.data {
            other.set_data_unchecked(SdkData::from(data));
        }
        Ok(other)
    }
}

impl From<SdkData> for Data {
    fn from(data: SdkData) -> Self {
        match data {
            SdkData::Binary(bytes) => bytes.into(),
            SdkData::String(text) => text.into(),
            SdkData::Json(value) => value.into(),
        }
    }
}

impl From<&Data> for SdkData {
    fn from(data: &Data) -> Self {
        match data.form() {
            Form::Text => Self::String(String::from_utf8_lossy(data.bytes()).into_owned()),
            // What is nested too deep for a value stays what it is.
            Form::Json => {
                serde_json::from_slice::<Value>(data.bytes()).map_or_else(|_| Self::Binary(data.bytes().to_vec()), Self::Json)
            }
            Form::Bytes => Self::Binary(data.bytes().to_vec()),
        }
    }
}

impl From<SdkValue> for ExtensionValue {
    fn from(value: SdkValue) -> Self {
        match value {
            SdkValue::Boolean(value) => Self::Boolean(value),
            SdkValue::Integer(value) => Self::Integer(value),
            SdkValue::String(text) => Self::String(text),
        }
    }
}

impl From<ExtensionValue> for SdkValue {
    fn from(value: ExtensionValue) -> Self {
        match value {
            ExtensionValue::Boolean(value) => Self::Boolean(value),
            ExtensionValue::Integer(value) => Self::Integer(value),
            ExtensionValue::String(text) => Self::String(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use serde_json::json;

    use super::*;

    fn sdk(media_type: Option<&str>, data: impl Into<SdkData>) -> cloudevents::Event {
        let mut event = EventBuilderV10::new().id("1").source("/s").ty("t").build().unwrap();
        event.set_datacontenttype(media_type);
        event.set_data_unchecked(data);
        event
    }

    #[test]
    fn an_event_survives_the_way_there_and_back() {
        let event = Event::builder().id("1").source("/s").ty("t").subject("s").time("2026-01-31T12:00:00.5+02:00");
        let event = event.dataschema("http://s/").extension("flag", true).extension("number", 7).extension("text", "x");
        let there = cloudevents::Event::try_from(event.clone().build().unwrap()).unwrap();
        assert_eq!(there.time().copied(), "2026-01-31T10:00:00.5Z".parse::<DateTime<Utc>>().ok());
        assert_eq!(Event::try_from(there).unwrap(), event.clone().build().unwrap());
        for (media_type, data) in [
            ("application/json", Data::from(json!({ "a": [1, null] }))),
            ("application/json", b"{ \"a\" :1.0 }".into()),
            ("text/plain", "x".into()),
            ("text/plain", json!([1]).into()),
            ("a/b", b"\0\xff".into()),
        ] {
            // The SDK knows no offsets.
            let event = event.clone().time("2026-01-31T10:00:00.5Z").data(media_type, data).build().unwrap();
            let back = Event::try_from(cloudevents::Event::try_from(event.clone()).unwrap()).unwrap();
            assert_eq!((&back, back.to_json()), (&event, event.to_json()));
        }
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{deep}}}"#);
        let there = cloudevents::Event::try_from(Event::from_json(text).unwrap()).unwrap();
        assert_eq!(there.data(), Some(&SdkData::Binary(deep.into_bytes())));
    }

    #[test]
    fn data_of_the_sdk_without_a_content_type_is_json_unless_it_is_bytes() {
        for (data, media_type, bytes) in [
            (SdkData::from(json!({})), Some("application/json"), &b"{}"[..]),
            ("x".into(), Some("application/json"), b"\"x\""),
            (vec![0].into(), None, b"\0"),
        ] {
            let event = Event::try_from(sdk(None, data)).unwrap();
            assert_eq!((event.datacontenttype(), &event.data().unwrap()[..]), (media_type, bytes));
        }
        let mut described = sdk(Some("text/plain"), "");
        described.take_data();
        described.set_datacontenttype(Some("text/plain"));
        let event = Event::try_from(described).unwrap();
        assert_eq!((event.datacontenttype(), event.data()), (Some("text/plain"), None));
    }

    #[test]
    fn an_event_of_the_sdk_that_is_none_is_an_error() {
        let mut event = sdk(Some("json"), "x");
        assert!(Event::try_from(event.clone()).unwrap_err().to_string().contains("`datacontenttype`"));
        event.set_datacontenttype(Some("text/plain"));
        event.set_extension("Bad", "x");
        assert!(Event::try_from(event).unwrap_err().to_string().contains("`Bad`"));
    }
}
