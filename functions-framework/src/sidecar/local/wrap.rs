//! What a published message looks like on its topic: the CloudEvent that Dapr makes of it.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::chance;
use crate::sidecar::{Metadata, SidecarCode, SidecarError, Trace};

/// A message as its publisher gives it.
#[derive(Debug)]
pub(super) struct Published<'a> {
    pub(super) app: &'a str,
    pub(super) component: &'a str,
    pub(super) topic: &'a str,
    pub(super) content_type: &'a str,
    pub(super) payload: &'a Bytes,
    pub(super) metadata: &'a Metadata,
    pub(super) trace: &'a Trace,
}

/// A message as it lies on the topic.
#[derive(Debug)]
pub(super) struct Wrapped {
    pub(super) bytes: Bytes,
    /// When it is of no use any more, in milliseconds since 1970.
    pub(super) expires: Option<u64>,
}

/// What an envelope has when nobody traces.
const NO_TRACE: &str = "00-00000000000000000000000000000000-0000000000000000-00";

/// Makes the envelope, unless the publisher wants none.
pub(super) fn wrap(message: &Published<'_>) -> Result<Wrapped, SidecarError> {
    let lives = time_to_live(message.metadata)?;
    let now = Timestamp::now();
    let end = lives.and_then(|lives| now.checked_add(lives).ok());
    let expires = end.and_then(|end| u64::try_from(end.as_millisecond()).ok());
    if is_raw(message.metadata)? {
        return Ok(Wrapped { bytes: message.payload.clone(), expires });
    }
    let mut event =
        if is_type(message.content_type, "application/cloudevents+json") { given(message, now)? } else { made(message, now) };
    if let Some(end) = end {
        event.insert("expiration".into(), text(&seconds(end)));
    }
    let bytes = serde_json::to_vec(&event).map_err(|error| invalid(format!("cannot write the CloudEvent: {error}")))?;
    Ok(Wrapped { bytes: bytes.into(), expires })
}

/// Tells whether metadata says what it can say about a message.
pub(super) fn check(metadata: &Metadata) -> Result<(), SidecarError> {
    is_raw(metadata).and(time_to_live(metadata)).map(|_| ())
}

/// Makes the envelope of a message that has none, for a subscriber that says so (`rawPayload`).
pub(super) fn wrap_raw(payload: &[u8], component: &str, topic: &str) -> Bytes {
    let event: Event<'_> = [
        ("id", text(&chance::uuid())),
        ("specversion", text("1.0")),
        ("datacontenttype", text("application/octet-stream")),
        ("source", text("Dapr")),
        ("type", text("com.dapr.event.sent")),
        ("topic", text(topic)),
        ("pubsubname", text(component)),
        ("data_base64", text(&BASE64_STANDARD.encode(payload))),
    ]
    .map(|(name, value)| (Cow::Borrowed(name), value))
    .into();
    Bytes::from(json(&event))
}

/// Tells whether metadata asks for a payload without an envelope, or says that there is none.
pub(super) fn is_raw(metadata: &Metadata) -> Result<bool, SidecarError> {
    match metadata.get("rawPayload").map(String::as_str) {
        None | Some("" | "0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some(other) => Err(invalid(format!("metadata rawPayload: {other:?} is neither true nor false"))),
    }
}

/// Reads `ttlInSeconds`.
fn time_to_live(metadata: &Metadata) -> Result<Option<Duration>, SidecarError> {
    let Some(text) = metadata.get("ttlInSeconds").filter(|text| !text.is_empty()) else { return Ok(None) };
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| invalid(format!("metadata ttlInSeconds: {text:?}: expected a number from 1")))?;
    Ok(Some(Duration::from_secs(seconds)))
}

/// The members of an event, in the order of their names as Dapr writes them; values as they were given, so that no number
/// changes.
type Event<'a> = BTreeMap<Cow<'a, str>, Cow<'a, RawValue>>;

/// The event that the payload is.
fn given<'a>(message: &Published<'a>, now: Timestamp) -> Result<Event<'a>, SidecarError> {
    let event: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(message.payload);
    let event = event.map_err(|error| invalid(format!("the payload is no CloudEvent in JSON: {error}")))?;
    let mut event: Event<'_> = event.into_iter().map(|(name, value)| (Cow::Owned(name), Cow::Borrowed(value))).collect();
    event.insert("topic".into(), text(message.topic));
    event.insert("pubsubname".into(), text(message.component));
    let missing = |event: &Event<'_>, name: &str| event.get(name).is_none_or(|value| value.get() == "null");
    let parent = message.trace.traceparent.as_deref().unwrap_or(NO_TRACE);
    let defaults = [
        ("source", Cow::Borrowed("Dapr")),
        ("type", "com.dapr.event.sent".into()),
        ("specversion", "1.0".into()),
        ("time", seconds(now).into()),
        ("traceid", parent.into()),
        ("traceparent", parent.into()),
        ("tracestate", message.trace.tracestate.as_deref().unwrap_or_default().into()),
    ];
    for (name, value) in defaults {
        if missing(&event, name) {
            event.insert(name.into(), text(&value));
        }
    }
    Ok(event)
}

/// The event that has the payload as its data.
fn made<'a>(message: &Published<'a>, now: Timestamp) -> Event<'a> {
    // Metadata of these names says otherwise, in whatever case; an empty one says nothing.
    let said = |name: &str| {
        let said = message.metadata.iter().find(|(key, value)| {
            !value.is_empty()
                && key
                    .split_once('.')
                    .is_some_and(|(prefix, rest)| prefix.eq_ignore_ascii_case("cloudevent") && rest.eq_ignore_ascii_case(name))
        });
        said.map(|(_, value)| value.as_str())
    };
    let traced = |name| said(name).or(message.trace.traceparent.as_deref()).unwrap_or(NO_TRACE);
    let state = said("tracestate").or(message.trace.tracestate.as_deref()).unwrap_or_default();
    let content_type = if message.content_type.is_empty() { "text/plain" } else { message.content_type };
    let id = said("id").map_or_else(|| text(&chance::uuid()), text);
    let mut event: Event<'_> = [
        ("id", id),
        ("specversion", text("1.0")),
        ("datacontenttype", text(content_type)),
        ("source", text(said("source").unwrap_or(message.app))),
        ("type", text(said("type").unwrap_or("com.dapr.event.sent"))),
        ("topic", text(message.topic)),
        ("pubsubname", text(message.component)),
        ("traceid", text(said("traceid").unwrap_or_else(|| traced("traceparent")))),
        ("traceparent", text(traced("traceparent"))),
        ("tracestate", text(state)),
        ("time", text(&seconds(now))),
    ]
    .map(|(name, value)| (Cow::Borrowed(name), value))
    .into();
    if let Some(subject) = said("subject") {
        event.insert("subject".into(), text(subject));
    }
    let (name, data) = data(content_type, message.payload);
    event.insert(name.into(), data);
    event
}

/// The event in structured mode that one in binary mode is: its attributes, and the data that they are about.
pub(super) fn of_binary(attributes: &BTreeMap<&str, &str>, content_type: &str, payload: &Bytes) -> Bytes {
    let mut event: Event<'_> = attributes.iter().map(|(name, value)| (Cow::Borrowed(*name), text(value))).collect();
    if !content_type.is_empty() {
        event.insert("datacontenttype".into(), text(content_type));
    }
    if !payload.is_empty() {
        let (name, data) = data(content_type, payload);
        event.insert(name.into(), data);
    }
    Bytes::from(json(&event))
}

/// The data in an envelope: JSON as it is, bytes in Base64, and whatever else is taken for text.
fn data<'a>(content_type: &str, payload: &'a Bytes) -> (&'static str, Cow<'a, RawValue>) {
    if is_type(content_type, "application/octet-stream") || is_type(content_type, "application/cloudevents+protobuf") {
        return ("data_base64", text(&BASE64_STANDARD.encode(payload)));
    }
    if is_type(content_type, "application/json")
        && let Ok(json) = serde_json::from_slice(payload)
    {
        return ("data", Cow::Borrowed(json));
    }
    let lossy = String::from_utf8_lossy(payload);
    let repaired = match &lossy {
        Cow::Owned(changed) if is_type(content_type, "application/json") => serde_json::from_str(changed).ok(),
        _ => None,
    };
    ("data", repaired.map_or_else(|| text(&lossy), Cow::<RawValue>::Owned))
}

/// Tells whether a content type is this one, whatever its case and its parameters.
pub(super) fn is_type(content_type: &str, expected: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().eq_ignore_ascii_case(expected)
}

/// A time as Dapr writes it: RFC 3339, to the second.
fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn text<'a>(value: &str) -> Cow<'a, RawValue> {
    raw(json(value))
}

fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    // Neither a text nor a map with texts as its names can fail to be JSON.
    serde_json::to_string(value).unwrap_or_default()
}

fn raw<'a>(json: String) -> Cow<'a, RawValue> {
    RawValue::from_string(json).map_or_else(|_| Cow::Borrowed(RawValue::NULL), Cow::Owned)
}

fn invalid(what: String) -> SidecarError {
    SidecarError::new(SidecarCode::InvalidArgument, what)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn wrapped(content_type: &str, payload: &[u8], metadata: &[(&str, &str)], trace: &Trace) -> Result<Wrapped, SidecarError> {
        let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (payload, app, component, topic) = (Bytes::copy_from_slice(payload), "shop", "bus", "orders");
        wrap(&Published { app, component, topic, content_type, payload: &payload, metadata: &metadata, trace })
    }

    fn event(content_type: &str, payload: &[u8], metadata: &[(&str, &str)]) -> Value {
        serde_json::from_slice(&wrapped(content_type, payload, metadata, &Trace::default()).unwrap().bytes).unwrap()
    }

    #[test]
    fn an_envelope_says_what_dapr_says() {
        let event = event("text/plain", b"hello", &[]);
        assert_eq!(event["id"].as_str().unwrap().len(), 36);
        assert_eq!(event["time"].as_str().unwrap().len(), 20);
        for (name, value) in [
            ("specversion", "1.0"),
            ("datacontenttype", "text/plain"),
            ("source", "shop"),
            ("type", "com.dapr.event.sent"),
            ("topic", "orders"),
            ("pubsubname", "bus"),
            ("traceid", NO_TRACE),
            ("traceparent", NO_TRACE),
            ("tracestate", ""),
            ("data", "hello"),
        ] {
            assert_eq!(event[name], value, "{name}");
        }
        assert_eq!(event.as_object().unwrap().len(), 12);
    }

    #[test]
    fn the_content_type_says_how_the_data_is_written() {
        for (content_type, payload, name, data) in [
            ("", &b"x"[..], "data", json!("x")),
            ("application/json", br#"{"b":1,"a":[2]}"#, "data", json!({"a": [2], "b": 1})),
            ("APPLICATION/JSON; charset=utf-8", b"1", "data", json!(1)),
            ("application/json", b"{broken", "data", json!("{broken")),
            ("application/json", b"", "data", json!("")),
            ("application/vnd.x+json", br#"{"a":1}"#, "data", json!(r#"{"a":1}"#)),
            ("application/octet-stream", &[0, 255], "data_base64", json!("AP8=")),
            ("image/png", &[b'a', 255], "data", json!("a\u{fffd}")),
            ("application/xml", b"<a/>", "data", json!("<a/>")),
        ] {
            let event = event(content_type, payload, &[]);
            assert_eq!(event[name], data, "{content_type}");
            assert_eq!(event["datacontenttype"], if content_type.is_empty() { "text/plain" } else { content_type });
        }
    }

    #[test]
    fn no_number_changes() {
        let number = b"123456789012345678901234567890.10e400";
        let bytes = wrapped("application/json", number, &[], &Trace::default()).unwrap().bytes;
        assert!(String::from_utf8_lossy(&bytes).contains(r#""data":123456789012345678901234567890.10e400"#));
        let given = br#"{"specversion":"1.0","id":"7","data":9007199254740993}"#;
        let bytes = wrapped("application/cloudevents+json", given, &[], &Trace::default()).unwrap().bytes;
        assert!(String::from_utf8_lossy(&bytes).contains(r#""data":9007199254740993"#));
    }

    #[test]
    fn metadata_and_the_trace_of_the_caller_are_in_it() {
        let metadata = [
            ("cloudevent.id", "7"),
            ("CloudEvent.Type", "order.placed"),
            ("cloudevent.source", "/s"),
            ("cloudevent.subject", "x"),
        ];
        let event = event("text/plain", b"", &metadata);
        let read = |name: &str| event[name].as_str().unwrap().to_owned();
        assert_eq!(["id", "type", "source", "subject"].map(read), ["7", "order.placed", "/s", "x"]);
        let trace = Trace { traceparent: Some("00-1-2-01".into()), tracestate: Some("a=b".into()), ..Trace::default() };
        let bytes = wrapped("text/plain", b"", &[], &trace).unwrap().bytes;
        let event: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!([&event["traceparent"], &event["traceid"], &event["tracestate"]], ["00-1-2-01", "00-1-2-01", "a=b"]);
    }

    #[test]
    fn an_event_that_is_given_is_completed() {
        let event = event(
            "application/cloudevents+json; charset=utf-8",
            br#"{"type":"t","data":{"a":1},"topic":"x","source":null}"#,
            &[],
        );
        assert_eq!([&event["type"], &event["topic"], &event["pubsubname"], &event["source"]], ["t", "orders", "bus", "Dapr"]);
        assert_eq!((&event["data"], event.get("id")), (&json!({"a": 1}), None), "no id is made up");
        for broken in [&b"[]"[..], b"null", b"{", b"\"x\""] {
            let refused = wrapped("application/cloudevents+json", broken, &[], &Trace::default()).unwrap_err();
            assert_eq!(refused.code(), SidecarCode::InvalidArgument);
        }
    }

    #[test]
    fn a_raw_payload_is_not_touched() {
        let raw = wrapped("text/plain", &[1, 2, 255], &[("rawPayload", "true")], &Trace::default()).unwrap();
        assert_eq!(&raw.bytes[..], [1, 2, 255]);
        let refused = wrapped("text/plain", b"", &[("rawPayload", "yes")], &Trace::default()).unwrap_err();
        assert_eq!(refused.code(), SidecarCode::InvalidArgument);
        let event: Value = serde_json::from_slice(&wrap_raw(&[1, 2, 255], "bus", "orders")).unwrap();
        assert_eq!((&event["data_base64"], &event["datacontenttype"]), (&json!("AQL/"), &json!("application/octet-stream")));
    }

    #[test]
    fn a_time_to_live_is_written_and_kept() {
        let short = wrapped("text/plain", b"", &[("ttlInSeconds", "60")], &Trace::default()).unwrap();
        let event: Value = serde_json::from_slice(&short.bytes).unwrap();
        let end: Timestamp = event["expiration"].as_str().unwrap().parse().unwrap();
        let expires = i64::try_from(short.expires.unwrap()).unwrap();
        assert_eq!(end.as_second(), expires / 1000);
        assert!((55..=60).contains(&(end.as_second() - Timestamp::now().as_second())));
        for wrong in ["0", "-1", "x", "1.5"] {
            assert!(wrapped("text/plain", b"", &[("ttlInSeconds", wrong)], &Trace::default()).is_err(), "{wrong}");
        }
    }
}
