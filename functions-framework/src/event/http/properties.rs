//! What holds for every event, not only for those someone thought of.

use bytes::Bytes;
use cloudevents::{
    AttributesReader as _, AttributesWriter as _, Data, Event, EventBuilder as _, EventBuilderV10, event::ExtensionValue,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};
use serde_json::Value;

use super::{Envelope, Received, decode, encode_batch, encode_binary, encode_structured, header_value};
use crate::event::media_type;

/// Any text an attribute may hold: no control characters, not empty.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,40}", "[^\\p{Cc}]{1,20}", "[%\"\\\\a0 ]{1,12}"]
}

fn uri_reference() -> impl Strategy<Value = String> {
    "(https?://[a-z]{1,8})?(/([a-z]|%[2-7][0-9A-F]){1,8}){1,3}([?#][a-z=&]{1,5})?"
}

fn extension() -> impl Strategy<Value = ExtensionValue> {
    prop_oneof![
        option::of(text()).prop_map(|text| ExtensionValue::String(text.unwrap_or_default())),
        any::<bool>().prop_map(ExtensionValue::Boolean),
        any::<i64>().prop_map(ExtensionValue::Integer),
    ]
}

/// JSON without fractions, whose last digit a parser need not keep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..5).prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        vec(any::<u8>(), 1..64).prop_map(Data::Binary),
        json().prop_map(|value| Data::Binary(value.to_string().into_bytes())),
        any::<String>().prop_map(Data::String),
        json().prop_map(Data::Json),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let media_type = option::of(prop_oneof!["application/json", "[a-z]{1,5}/[a-z]{1,5}(\\+json)?(; ?[a-z]=[a-zA-Z0-9]{1,3})?"]);
    let times = option::of((0_i64..253_402_300_799, 0_u32..1_000_000_000));
    let required = (text(), uri_reference(), text());
    let extensions = btree_map("x[a-z0-9]{0,12}", extension(), 0..4);
    (
        required,
        option::of(text()),
        times,
        media_type,
        option::of("https://[a-z]{1,8}/[a-z]{0,5}"),
        extensions,
        option::of(data()),
    )
        .prop_map(|((id, source, ty), subject, time, media_type, dataschema, extensions, data)| {
            let mut event = EventBuilderV10::new().id(id).source(source).ty(ty).build().unwrap();
            event.set_subject(subject);
            event.set_time(time.map(|(seconds, nanos)| chrono::DateTime::from_timestamp(seconds, nanos).unwrap()));
            event.set_datacontenttype(media_type);
            event.set_dataschema(dataschema.map(|uri| cloudevents::event::TryIntoUrl::into_url(uri).unwrap()));
            for (name, value) in extensions {
                event.set_extension(&name, value);
            }
            if let Some(data) = data {
                event.set_data_unchecked(data);
            }
            event
        })
}

fn structured_headers(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type))])
}

fn one(headers: &HeaderMap, body: Bytes) -> Envelope {
    match decode(headers, body).unwrap() {
        Received::One(envelope) => envelope,
        Received::Many(_) => panic!("a batch"),
    }
}

/// The data as the bytes of a body; JSON is the same whichever way it is spaced.
fn bytes(event: &Event) -> Option<Vec<u8>> {
    let media_type = event.datacontenttype();
    Some(match event.data()? {
        Data::Binary(bytes) => match serde_json::from_slice::<Value>(bytes) {
            Ok(value) if media_type.is_some_and(media_type::is_json) => value.to_string().into_bytes(),
            _ => bytes.clone(),
        },
        Data::Json(Value::String(text)) if media_type.is_some_and(|media_type| !media_type::is_json(media_type)) => {
            text.clone().into_bytes()
        }
        Data::Json(value) => value.to_string().into_bytes(),
        Data::String(text) if media_type.is_none() => Value::from(text.as_str()).to_string().into_bytes(),
        Data::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(value) if media_type.is_some_and(media_type::is_json) => value.to_string().into_bytes(),
            _ => text.clone().into_bytes(),
        },
    })
}

fn assert_same_attributes(left: &Event, right: &Event) {
    assert_eq!((left.id(), left.source(), left.ty()), (right.id(), right.source(), right.ty()));
    assert_eq!((left.subject(), left.time(), left.dataschema()), (right.subject(), right.time(), right.dataschema()));
}

/// JSON data says that it is, once it has travelled.
fn received_content_type(event: &Event) -> Option<&str> {
    let is_json = matches!(event.data(), Some(Data::Json(_) | Data::String(_)));
    event.datacontenttype().or(is_json.then_some("application/json"))
}

fn extensions(event: &Event) -> Vec<(&str, &ExtensionValue)> {
    let mut extensions: Vec<_> = event.iter_extensions().collect();
    extensions.sort_by_key(|(name, _)| *name);
    extensions
}

proptest! {
    #[test]
    fn an_event_survives_binary_mode(event in event()) {
        let (headers, body) = encode_binary(event.clone()).unwrap();
        let received = one(&headers, body).into_event().unwrap();
        assert_same_attributes(&received, &event);
        // A header has no types.
        let texts = |event: &Event| extensions(event).into_iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect::<Vec<_>>();
        prop_assert_eq!(texts(&received), texts(&event));
        prop_assert_eq!(received.datacontenttype(), received_content_type(&event));
        prop_assert_eq!(bytes(&received), bytes(&event).filter(|bytes| !bytes.is_empty()));
        if let Some(Data::Binary(exact)) = event.data() {
            prop_assert_eq!(received.data(), Some(&Data::Binary(exact.clone())));
        }
        // Once received, nothing changes any more.
        let (headers, body) = encode_binary(received.clone()).unwrap();
        prop_assert_eq!(one(&headers, body).into_event().unwrap(), received);
    }

    #[test]
    fn an_event_survives_structured_and_batched_mode(events in vec(event(), 0..3)) {
        let batch = encode_batch(&events).unwrap();
        let Received::Many(batch) = decode(&structured_headers("application/cloudevents-batch+json"), batch).unwrap() else { panic!("one event") };
        prop_assert_eq!(batch.len(), events.len());
        for (event, envelope) in events.iter().zip(batch) {
            let received = envelope.into_event().unwrap();
            let alone = one(&structured_headers("application/cloudevents+json"), encode_structured(event).unwrap()).into_event().unwrap();
            prop_assert_eq!(&received, &alone);
            assert_same_attributes(&received, event);
            prop_assert_eq!(extensions(&received), extensions(event));
            prop_assert_eq!(received.datacontenttype(), received_content_type(event));
            if !matches!((event.datacontenttype(), event.data()), (Some(media_type), Some(Data::Json(Value::Null))) if !media_type::is_json(media_type)) {
                prop_assert_eq!(bytes(&received), bytes(event));
            }
            let again = one(&structured_headers("application/cloudevents+json"), encode_structured(&received).unwrap());
            prop_assert_eq!(again.into_event().unwrap(), received);
        }
    }

    #[test]
    fn a_header_value_survives(text in "[^\\p{Cc}]{0,40}") {
        let encoded = header_value::encode(&text);
        prop_assert!(encoded.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'~')), "{}", encoded);
        prop_assert_eq!(header_value::decode(encoded.as_bytes()).unwrap(), text);
    }

    #[test]
    fn any_header_value_is_decoded_or_refused(raw in vec(any::<u8>(), 0..64)) {
        if let Ok(text) = header_value::decode(&raw) {
            let text = text.into_owned();
            prop_assert!(!text.contains(char::is_control));
            let encoded = header_value::encode(&text);
            prop_assert_eq!(header_value::decode(encoded.as_bytes()).unwrap(), text);
        }
    }

    #[test]
    fn any_message_is_decoded_or_refused(
        headers in vec(("(ce-)?(id|type|source|specversion|time|subject|content-type|dataschema|[!-~]{0,5})", vec(any::<u8>(), 0..24)), 0..8),
        body in vec(any::<u8>(), 0..64),
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) {
                map.append(name, value);
            }
        }
        let status = |result: Result<_, crate::error::Error>| result.err().map(|error| error.status_code().as_u16());
        prop_assert!(matches!(status(decode(&map, body.clone().into())), None | Some(400 | 415)));
        for content_type in ["application/cloudevents+json", "application/cloudevents-batch+json"] {
            prop_assert!(matches!(status(decode(&structured_headers(content_type), body.clone().into())), None | Some(400)));
        }
    }

    #[test]
    fn json_of_any_shape_is_decoded_or_refused(members in btree_map("specversion|id|source|type|time|data|data_base64|[a-z_]{1,3}", json(), 0..8)) {
        let body = members.into_iter().collect::<Value>().to_string();
        for body in [format!("[{body}]"), body] {
            for content_type in ["application/cloudevents+json", "application/cloudevents-batch+json"] {
                if let Err(error) = decode(&structured_headers(content_type), body.clone().into()) {
                    prop_assert_eq!(error.status_code(), 400);
                }
            }
        }
    }
}
