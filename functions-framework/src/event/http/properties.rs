//! What holds for every event, not only for those someone thought of.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};
use serde_json::Value;

use super::{Received, decode, encode_batch, encode_binary, encode_structured, header_value};
use crate::event::{Data, Event, EventBuilder, ExtensionValue};

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
        vec(any::<u8>(), 1..64).prop_map(Data::from),
        json().prop_map(|value| Data::from(value.to_string().into_bytes())),
        any::<String>().prop_map(Data::from),
        json().prop_map(Data::from),
    ]
}

/// A content type and data: either, both or none.
fn described_data() -> impl Strategy<Value = (Option<String>, Option<Data>)> {
    let media_type = prop_oneof!["application/json", "[a-z]{1,5}/[a-z]{1,5}(\\+json)?(; ?[a-z]=[a-zA-Z0-9]{1,3})?"];
    prop_oneof![
        (media_type, option::of(data())).prop_map(|(media_type, data)| {
            let data = data.map(|data| data.of_media_type(&media_type));
            (Some(media_type), data)
        }),
        option::of(vec(any::<u8>(), 1..64).prop_map(Data::from)).prop_map(|data| (None, data)),
    ]
}

fn time() -> impl Strategy<Value = chrono::DateTime<chrono::FixedOffset>> {
    (-62_167_000_000_i64..253_402_200_000, 0_u32..1_000_000_000, -1439..1440).prop_map(|(seconds, nanos, minutes)| {
        let offset = chrono::FixedOffset::east_opt(minutes * 60).unwrap();
        chrono::DateTime::from_timestamp(seconds, nanos).unwrap().with_timezone(&offset)
    })
}

fn event() -> impl Strategy<Value = Event> {
    (
        (text(), uri_reference(), text()),
        option::of(text()),
        option::of(time()),
        option::of("https://[a-z]{1,8}/[a-z]{0,5}"),
        btree_map("x[a-z0-9]{0,12}", extension(), 0..4),
        described_data(),
    )
        .prop_map(|((id, source, ty), subject, time, dataschema, extensions, (media_type, data))| {
            let mut event = Event::builder().id(id).source(source).ty(ty);
            event = subject.into_iter().fold(event, EventBuilder::subject);
            event = time.into_iter().fold(event, EventBuilder::time);
            event = dataschema.into_iter().fold(event, EventBuilder::dataschema);
            event = extensions.into_iter().fold(event, |event, (name, value)| event.extension(&name, value));
            if let Some(media_type) = media_type {
                event = event.data(media_type, "");
            }
            event.parts.data = data;
            event.build().unwrap()
        })
}

fn structured_headers(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type))])
}

fn one(headers: &HeaderMap, body: Bytes) -> Event {
    match decode(headers, body).unwrap() {
        Received::One(event) => event,
        Received::Many(_) => panic!("a batch"),
    }
}

fn through_structured(event: &Event) -> Event {
    one(&structured_headers("application/cloudevents+json"), encode_structured(event))
}

/// Everything but the extensions and the data.
fn assert_same_attributes(left: &Event, right: &Event) {
    assert_eq!((left.id(), left.source(), left.ty()), (right.id(), right.source(), right.ty()));
    let optional = |event: &Event| (event.subject().map(str::to_owned), event.time().map(|time| time.to_rfc3339()));
    assert_eq!(optional(left), optional(right));
    assert_eq!((left.dataschema(), left.datacontenttype()), (right.dataschema(), right.datacontenttype()));
}

/// A header has no types.
fn texts(event: &Event) -> Vec<(String, String)> {
    event.extensions().map(|(name, value)| (name.to_owned(), value.to_string())).collect()
}

proptest! {
    #[test]
    fn an_event_survives_binary_mode(event in event()) {
        let (headers, body) = encode_binary(event.clone()).unwrap();
        let received = one(&headers, body);
        assert_same_attributes(&received, &event);
        prop_assert_eq!(texts(&received), texts(&event));
        prop_assert_eq!(received.data(), event.data().filter(|bytes| !bytes.is_empty()));
        // Once received, nothing changes any more.
        let (headers, body) = encode_binary(received.clone()).unwrap();
        prop_assert_eq!(one(&headers, body), received);
    }

    #[test]
    fn an_event_survives_structured_and_batched_mode(events in vec(event(), 0..3)) {
        let batch = encode_batch(&events);
        let Received::Many(batch) = decode(&structured_headers("application/cloudevents-batch+json"), batch).unwrap() else { panic!("one event") };
        prop_assert_eq!(batch.len(), events.len());
        for (event, received) in events.iter().zip(batch) {
            prop_assert_eq!(&received, &through_structured(event));
            assert_same_attributes(&received, event);
            prop_assert!(received.extensions().eq(event.extensions()));
            // The spaces around JSON are not its own.
            prop_assert_eq!(received.data().map(|data| data.trim_ascii()), event.data().map(|data| data.trim_ascii()));
            prop_assert_eq!(&through_structured(&received), &received);
            prop_assert_eq!(encode_structured(&through_structured(&received)), encode_structured(&received));
        }
    }

    #[test]
    fn a_header_value_survives(text in "[^\\p{Cc}]{0,40}") {
        let encoded = header_value::encode(text.as_bytes());
        prop_assert!(encoded.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'~')), "{}", encoded);
        prop_assert_eq!(header_value::decode(encoded.as_bytes()).unwrap(), text);
    }

    #[test]
    fn any_header_value_is_decoded_or_refused(raw in vec(any::<u8>(), 0..64)) {
        if let Ok(text) = header_value::decode(&raw) {
            let text = text.into_owned();
            prop_assert!(!text.contains(char::is_control));
            let encoded = header_value::encode(text.as_bytes());
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
