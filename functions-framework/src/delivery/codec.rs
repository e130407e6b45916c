//! Reads events as they come: `CloudEvents` as a sidecar passes them on, whatever their publisher made of the rules.
//!
//! The payload is as exact as the channel allows; an event that breaks the rules is mended as far as its payload needs it, and its
//! function called all the same: a refusal would only bring it again.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Deserialize as _;
use serde_json::value::RawValue;

use super::Incoming;
use crate::{
    event::{Event, is_absolute_uri, media_type, parse_time},
    sidecar::Metadata,
};

/// What the body of a topic delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A sidecar: the bytes are those of the broker.
    Sidecar,
    /// dapr-proxy: the `TopicEvent` of Dapr's Go SDK, in which bytes are Base64 under the name of `data`.
    Proxy,
}

/// The body of a topic delivery over HTTP, with what its headers say.
pub(crate) fn topic_event(body: &Bytes, metadata: Metadata, origin: Origin) -> Incoming {
    let (event, payload) = match read(body, &metadata, origin) {
        Some((Some(event), _)) => {
            let payload = event.data().cloned().unwrap_or_default();
            (Some(event), payload)
        }
        Some((None, payload)) => (None, payload),
        None => (None, body.clone()),
    };
    Incoming { payload, event: event.into(), metadata, ..Incoming::default() }
}

/// Which topic of which component an event says it is of.
pub(crate) fn subscription(body: &[u8]) -> Option<(String, String)> {
    let members = members(body)?;
    let text = |name: &str| serde_json::from_str::<String>(members.get(name)?.get()).ok();
    Some((text("pubsubname")?, text("topic")?))
}

/// Reads an event, or its payload alone where there is no event to be made of it; none where the body is no event at all.
fn read(body: &Bytes, metadata: &Metadata, origin: Origin) -> Option<(Option<Event>, Bytes)> {
    if origin == Origin::Sidecar
        && let Ok(event) = Event::from_json(body.clone())
    {
        return Some((Some(event), Bytes::new()));
    }
    let Some(members) = members(body).filter(|members| members.contains_key("specversion")) else {
        return of_metadata(body, metadata);
    };
    let payload = payload(body, &members, origin);
    Some((mended(&members, payload.clone()), payload.unwrap_or_default()))
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The members of a JSON object, not looked into.
fn members(body: &[u8]) -> Option<Members<'_>> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let members = Members::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok().map(|()| members)
}

/// The data, as the bytes the publisher meant.
fn payload(body: &Bytes, members: &Members<'_>, origin: Origin) -> Option<Bytes> {
    let text = |name: &str| serde_json::from_str::<String>(members.get(name)?.get()).ok();
    if let Some(base64) = text("data_base64").filter(|base64| !base64.is_empty()) {
        // What is no Base64 is at least what was sent.
        return Some(BASE64_STANDARD.decode(&base64).map_or_else(|_| base64.into(), Bytes::from));
    }
    let data = members.get("data")?.get();
    let media_type = text("datacontenttype").unwrap_or_default();
    if data == "null" && !media_type.is_empty() && !media_type::is_json(&media_type) {
        return None;
    }
    let is_text = data.starts_with('"') && !media_type.is_empty() && !media_type::is_json(&media_type);
    if !is_text {
        return Some(body.slice_ref(data.as_bytes()));
    }
    let data = text("data")?;
    if origin == Origin::Proxy
        && !media_type.starts_with("text/")
        && media_type != "application/xml"
        && let Ok(bytes) = BASE64_STANDARD.decode(&data)
    {
        return Some(bytes.into());
    }
    Some(data.into())
}

/// An event of the attributes that can be used, when those are there that every event has.
fn mended(members: &Members<'_>, payload: Option<Bytes>) -> Option<Event> {
    let mut attributes = Attributes::default();
    for (name, value) in members {
        // Numbers and truth values are written out; null and an empty text are the same.
        match value.get() {
            "null" => {}
            raw => attributes.set(name, serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())),
        }
    }
    attributes.event(payload)
}

/// Attributes of which some may be wrong; those are left out.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    id: Option<String>,
    source: Option<String>,
    ty: Option<String>,
    subject: Option<String>,
    time: Option<String>,
    datacontenttype: Option<String>,
    dataschema: Option<String>,
    extensions: Vec<(String, String)>,
}

impl Attributes {
    pub(super) fn set(&mut self, name: &str, text: String) {
        if text.is_empty() || text.contains(char::is_control) {
            return;
        }
        let place = match name {
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.ty,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "datacontenttype" => &mut self.datacontenttype,
            "dataschema" => &mut self.dataschema,
            "specversion" | "data" | "data_base64" => return,
            _ => {
                if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
                    self.extensions.push((name.to_owned(), text));
                }
                return;
            }
        };
        *place = Some(text);
    }

    /// Makes the event; none without an id, a source or a type.
    pub(super) fn event(self, payload: Option<Bytes>) -> Option<Event> {
        let mut event = Event::builder().id(self.id?).source(self.source?).ty(self.ty?);
        if let Some(subject) = self.subject {
            event = event.subject(subject);
        }
        if let Some(time) = self.time.and_then(|time| parse_time(&time)) {
            event = event.time(time);
        }
        if let Some(uri) = self.dataschema.filter(|uri| is_absolute_uri(uri)) {
            event = event.dataschema(uri);
        }
        for (name, value) in self.extensions {
            event = event.extension(&name, value);
        }
        let media_type = self.datacontenttype.filter(|text| media_type::is_valid(text));
        match (media_type, payload) {
            (Some(media_type), Some(payload)) => event = event.data(media_type, payload),
            (None, Some(payload)) => event = event.data("application/json", payload),
            (_, None) => {}
        }
        // All that could be wrong has been left out.
        event.build().ok()
    }
}

/// An event in binary mode: its attributes are the headers of the broker's message, `ce_id` and so on (contract dapr.md §1.4).
fn of_metadata(body: &Bytes, metadata: &Metadata) -> Option<(Option<Event>, Bytes)> {
    let mut attributes = Attributes::default();
    for (name, value) in metadata {
        let name = name.to_ascii_lowercase();
        if let Some(attribute) = name.strip_prefix("ce_").or_else(|| name.strip_prefix("ce-")) {
            attributes.set(attribute, value.clone());
        } else if name == "content-type" {
            attributes.set("datacontenttype", value.clone());
        }
    }
    Some((Some(attributes.event(Some(body.clone()))?), body.clone()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read_as(body: &str, origin: Origin) -> Incoming {
        topic_event(&Bytes::copy_from_slice(body.as_bytes()), Metadata::new(), origin)
    }

    fn event(members: &Value) -> String {
        let mut event = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t" });
        if let (Some(event), Some(members)) = (event.as_object_mut(), members.as_object()) {
            event.extend(members.clone());
        }
        event.to_string()
    }

    #[test]
    fn an_attribute_that_is_wrong_costs_itself_and_not_the_event() {
        let incoming = read_as(
            &event(&json!({ "id": 7, "time": "soon", "dataschema": "#", "Bad": 1, "n": 1.5, "data": [1] })),
            Origin::Sidecar,
        );
        assert_eq!(incoming.payload, "[1]");
        let event = incoming.event.get().unwrap();
        assert_eq!((event.id(), event.time(), event.dataschema()), ("7", None, None));
        assert_eq!(event.extensions().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(), ["n=1.5"]);
    }

    #[test]
    fn without_an_id_there_is_a_payload_and_no_event() {
        let incoming = read_as(&event(&json!({ "id": null, "data_base64": "AP8=" })), Origin::Sidecar);
        assert!(incoming.event.get().is_none());
        assert_eq!(incoming.payload, &b"\x00\xff"[..]);
    }

    #[test]
    fn bytes_of_the_proxy_are_base64_and_its_text_is_text() {
        for (media_type, payload) in
            [("application/octet-stream", &b"\x00\xff"[..]), ("text/plain", b"AP8="), ("", b"\"AP8=\"")]
        {
            let body = event(&json!({ "datacontenttype": media_type, "data": "AP8=", "subject": "" }));
            let incoming = read_as(&body, Origin::Proxy);
            assert_eq!(incoming.payload, payload, "{media_type}");
            assert_eq!(incoming.event.get().unwrap().data().unwrap(), payload, "{media_type}");
        }
    }

    #[test]
    fn an_event_says_what_it_is_of() {
        let body = event(&json!({ "pubsubname": "bus", "topic": "orders" }));
        assert_eq!(subscription(body.as_bytes()), Some(("bus".to_owned(), "orders".to_owned())));
        assert_eq!(subscription(b"[]"), None);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            Just(json!("application/json")),
            Just(json!("AP8=")),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::from))
    }

    fn name() -> impl Strategy<Value = String> {
        let known =
            ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"];
        prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), "[a-zA-Z_]{0,6}"]
    }

    proptest! {
        #[test]
        fn whatever_comes_is_delivered(
            members in prop::collection::btree_map(name(), value(), 0..10),
            metadata in prop::collection::btree_map("(ce_)?[a-z-]{1,12}", ".{0,8}", 0..4),
            proxy: bool,
        ) {
            let body = Bytes::from(json!(members).to_string());
            let origin = if proxy { Origin::Proxy } else { Origin::Sidecar };
            let incoming = topic_event(&body, metadata, origin);
            if let Some(event) = incoming.event.get() {
                prop_assert_eq!(event.data().cloned().unwrap_or_default(), incoming.payload);
                prop_assert!(Event::from_json(event.to_json()).is_ok(), "what is made of it is an event by all rules: {}", event);
            }
        }

        #[test]
        fn what_is_no_event_is_delivered_as_it_is(body: Vec<u8>) {
            let body = Bytes::from(body);
            prop_assume!(members(&body).is_none());
            prop_assert_eq!(topic_event(&body, Metadata::new(), Origin::Sidecar).payload, body);
        }
    }
}
