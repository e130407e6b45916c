//! Inner events: what frameworks of `OpenFunction` put around a payload while functions are traced by SkyWalking, so that its headers
//! come along where nothing else carries them.
//!
//! It is a CloudEvent in JSON whose type begins with `io.openfunction.function`, whose data is an object with `metadata`, and the
//! payload in base64 as `userData`.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// With what the type of every inner event begins.
const TYPE: &str = "io.openfunction.function";

/// What an inner event holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) payload: Bytes,
}

#[derive(Deserialize)]
struct Event<'a> {
    specversion: String,
    #[serde(rename = "type")]
    ty: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(borrow)]
    user_data: Option<&'a RawValue>,
}

impl Inner {
    /// Unwraps a payload; none when it is no inner event. To tell that costs a payload of any other kind a look at its begin.
    pub(crate) fn of(payload: &Bytes) -> Option<Self> {
        if !may_be_one(payload) {
            return None;
        }
        let event: Event<'_> = serde_json::from_slice(payload).ok()?;
        let rest = event.ty.strip_prefix(TYPE)?;
        if !(rest.is_empty() || rest.starts_with('.')) || !event.specversion.starts_with("1.") {
            return None;
        }
        match (event.data, event.data_base64) {
            (Some(data), _) => Self::of_data(data.get()),
            (None, Some(data)) => Self::of_data(std::str::from_utf8(&BASE64_STANDARD.decode(data).ok()?).ok()?),
            (None, None) => Some(Self { metadata: BTreeMap::new(), payload: Bytes::new() }),
        }
    }

    /// An object with one of the two members; one that has neither is not of a framework.
    fn of_data(data: &str) -> Option<Self> {
        let Data { metadata, user_data } = serde_json::from_str(data).ok()?;
        if metadata.is_none() && user_data.is_none() {
            return None;
        }
        let payload = user_data.map(|data| {
            // Older frameworks wrote data that was no bytes as it was.
            let text: Result<String, _> = serde_json::from_str(data.get());
            match text {
                Ok(text) => BASE64_STANDARD.decode(&text).unwrap_or_else(|_| text.into_bytes()),
                Err(_) => data.get().as_bytes().to_vec(),
            }
        });
        Some(Self { metadata: metadata.unwrap_or_default(), payload: payload.unwrap_or_default().into() })
    }
}

/// The event that came around an inner one, with the payload as its data.
pub(crate) fn around(event: &super::Event, payload: Bytes) -> Option<super::Event> {
    if payload.is_empty() {
        return Some(event.clone().without_data());
    }
    event.clone().into_builder().data(media_type(&payload), payload).build().ok()
}

/// What a payload can be called: an inner event does not tell.
fn media_type(payload: &[u8]) -> &'static str {
    if serde_json::from_slice::<&RawValue>(payload).is_ok() {
        "application/json"
    } else if std::str::from_utf8(payload).is_ok() {
        "text/plain"
    } else {
        "application/octet-stream"
    }
}

/// Whether a payload begins as what writes inner events begins them: in the order of the specification, or of the names.
fn may_be_one(payload: &[u8]) -> bool {
    let Some(rest) = payload.trim_ascii_start().strip_prefix(b"{") else { return false };
    let rest = rest.trim_ascii_start();
    rest.starts_with(b"\"specversion\"") || rest.starts_with(b"\"data\"") || rest.starts_with(b"\"data_base64\"")
}

/// Who wraps payloads.
#[cfg(feature = "skywalking")]
#[derive(Debug)]
pub(crate) struct Wrapper {
    source: String,
    ty: String,
}

#[cfg(feature = "skywalking")]
impl Wrapper {
    pub(crate) fn new(namespace: Option<&str>, function: &str) -> Self {
        match namespace {
            Some(namespace) => Self { source: format!("{namespace}/{function}"), ty: format!("{TYPE}.{namespace}.{function}") },
            None => Self { source: function.to_owned(), ty: format!("{TYPE}.{function}") },
        }
    }

    /// Wraps a payload; `id` is that of the event, `subject` the output.
    pub(crate) fn wrap(&self, id: &str, subject: &str, metadata: &BTreeMap<&str, String>, payload: &[u8]) -> Bytes {
        let data = serde_json::json!({ "metadata": metadata, "userData": BASE64_STANDARD.encode(payload) });
        let event = serde_json::json!({
            "specversion": "1.0",
            "id": id,
            "source": self.source,
            "type": self.ty,
            "subject": subject,
            "datacontenttype": "application/json",
            "time": chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).to_rfc3339(),
            "data": data,
        });
        event.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(payload: &str) -> Option<(Vec<(String, String)>, String)> {
        let Inner { metadata, payload } = Inner::of(&Bytes::copy_from_slice(payload.as_bytes()))?;
        Some((metadata.into_iter().collect(), String::from_utf8(payload.to_vec()).unwrap()))
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_event_of_the_framework_for_go_is_unwrapped() {
        // In the order in which its SDK writes, and in the order in which a sidecar writes anew.
        let written = r#"{"specversion":"1.0","id":"96fca9d4-8e1c-4b53-9d8e-4a2e6e6f2f2b","source":"default/publish","type":"io.openfunction.function.default.publish","subject":"publish-topic","datacontenttype":"application/json","time":"2022-08-04T03:22:33.5Z","data":{"metadata":{"sw8":"1-YQ==","sw8-correlation":""},"userData":"eyJoZWxsbyI6IndvcmxkIn0="}}"#;
        let sorted = r#" {"data": {"metadata": {"sw8": "1-YQ==", "sw8-correlation": ""}, "userData": "eyJoZWxsbyI6IndvcmxkIn0="}, "datacontenttype": "application/json", "id": "1", "source": "publish", "specversion": "1.0", "type": "io.openfunction.function.publish"}"#;
        for event in [written, sorted] {
            let (metadata, payload) = of(event).expect(event);
            assert_eq!(metadata, pairs(&[("sw8", "1-YQ=="), ("sw8-correlation", "")]));
            assert_eq!(payload, r#"{"hello":"world"}"#);
        }
    }

    #[test]
    fn data_of_older_frameworks_is_what_it_was() {
        let event = |data: &str| {
            of(&format!(r#"{{"specversion":"1.0","id":"1","source":"f","type":"io.openfunction.function.f",{data}}}"#))
        };
        let payload = |data: &str| event(data).map(|(_, payload)| payload);
        assert_eq!(
            payload(r#""data":{"userData":{"n":12345678901234567890}}"#).as_deref(),
            Some(r#"{"n":12345678901234567890}"#)
        );
        assert_eq!(payload(r#""data":{"userData":"no base64!"}"#).as_deref(), Some("no base64!"));
        assert_eq!(payload(r#""data":{"metadata":{}}"#).as_deref(), Some(""));
        assert_eq!(payload(r#""data":{"metadata":null,"userData":"YQ=="}"#).as_deref(), Some("a"));
        // Decoded once for the event and once for the payload, and not once more though it could be.
        let data = BASE64_STANDARD.encode(format!(r#"{{"userData":"{}"}}"#, BASE64_STANDARD.encode("YWJjZA==")));
        assert_eq!(payload(&format!(r#""data_base64":"{data}""#)).as_deref(), Some("YWJjZA=="));
    }

    #[test]
    fn what_is_of_somebody_else_stays_whole() {
        for other in [
            "",
            "{",
            "plain",
            r#"{"userData":"YQ=="}"#,
            r#"{"data":{"metadata":{},"userData":"YQ=="}}"#,
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"order.placed","data":{"userData":"YQ=="}}"#,
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"io.openfunction.functional","data":{"userData":"YQ=="}}"#,
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"io.openfunction.function.f","data":{"order":7}}"#,
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"io.openfunction.function.f","data":[1]}"#,
            r#"{"specversion":"1.0","id":"1","source":"/s","type":"io.openfunction.function.f","data":{"metadata":{"a":1}}}"#,
            r#"{"specversion":"0.3","id":"1","source":"/s","type":"io.openfunction.function.f","data":{"userData":"YQ=="}}"#,
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_payload_is_called_what_it_can_be() {
        for (payload, expected) in
            [(&b"{}"[..], "application/json"), (b"{", "text/plain"), (b"\xff\xfe", "application/octet-stream")]
        {
            assert_eq!(media_type(payload), expected, "{payload:?}");
        }
    }

    #[cfg(feature = "skywalking")]
    #[test]
    fn a_wrapped_event_has_the_names_of_the_function_and_of_the_output() {
        let wrapped = Wrapper::new(Some("shop"), "relay").wrap("7", "out", &BTreeMap::from([("sw8", "x".to_owned())]), b"one");
        let event = crate::event::Event::from_json(wrapped).unwrap();
        let said = [event.id(), event.source(), event.ty(), event.subject().unwrap()];
        assert_eq!(said, ["7", "shop/relay", "io.openfunction.function.shop.relay", "out"]);
        assert_eq!(event.datacontenttype(), Some("application/json"));
        assert!(event.time().is_some());
        let event =
            crate::event::Event::from_json(Wrapper::new(None, "relay").wrap("7", "out", &BTreeMap::new(), b"")).unwrap();
        assert_eq!([event.source(), event.ty()], ["relay", "io.openfunction.function.relay"]);
    }

    proptest! {
        #[cfg(feature = "skywalking")]
        #[test]
        fn what_is_wrapped_is_unwrapped(payload: Vec<u8>, value in ".*", namespace in proptest::option::of("[a-z]{1,9}"), name in "[a-z]{1,9}") {
            let metadata = BTreeMap::from([("sw8", value.clone())]);
            let wrapped = Wrapper::new(namespace.as_deref(), &name).wrap("1", "out", &metadata, &payload);
            let expected = Inner { metadata: BTreeMap::from([("sw8".to_owned(), value)]), payload: payload.into() };
            prop_assert_eq!(Inner::of(&wrapped), Some(expected));
        }

        #[test]
        fn no_payload_is_a_panic(payload: Vec<u8>, text in r#"\{"(data|specversion)":[ -~]*"#) {
            Inner::of(&payload.into());
            Inner::of(&text.into());
        }
    }
}
