//! What was sent last, for whoever wants to look.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sidecar::{Message, Metadata};

/// The last messages that were sent.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    sent: VecDeque<One>,
    size: usize,
    /// How many were sent in all.
    count: u64,
}

/// One message that was sent.
#[derive(Debug)]
struct One {
    number: u64,
    time: Timestamp,
    component: String,
    /// The topic or the operation.
    address: String,
    content_type: String,
    metadata: Metadata,
    payload: Bytes,
    outcome: Outcome,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// It waits for so many inputs of this process.
    Waits(usize),
    /// A binding has done it.
    Done,
    Failed(String),
}

/// As many are kept,
const MOST: usize = 1000;

/// and as many bytes.
const LARGEST: usize = 16 << 20;

impl Sent {
    pub(super) fn add(&self, message: &Message, outcome: Outcome) {
        let Message { component, address, payload, content_type, metadata } = message.clone();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.count += 1;
        kept.size += payload.len();
        let number = kept.count;
        let time = Timestamp::now();
        kept.sent.push_back(One { number, time, component, address, content_type, metadata, payload, outcome });
        while kept.sent.len() > MOST || kept.size > LARGEST && kept.sent.len() > 1 {
            let oldest = kept.sent.pop_front().map_or(0, |one| one.payload.len());
            kept.size -= oldest;
        }
    }

    /// The last ones, as JSON, the last first.
    pub(super) fn json(&self, most: usize, component: Option<&str>) -> Value {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = kept.sent.iter().rev().filter(|one| component.is_none_or(|component| one.component == component));
        let shown: Vec<_> = wanted.take(most).map(One::json).collect();
        json!({ "sent": kept.count, "outputs": shown })
    }
}

impl One {
    fn json(&self) -> Value {
        let mut value = json!({
            "number": self.number,
            "time": self.time.to_string(),
            "component": self.component,
            "topicOrOperation": self.address,
            "contentType": self.content_type,
            "metadata": self.metadata,
        });
        let (name, data) = data(&self.payload);
        value[name] = data;
        match &self.outcome {
            Outcome::Waits(inputs) => value["queuedFor"] = json!(inputs),
            Outcome::Done => {}
            Outcome::Failed(why) => value["error"] = json!(why),
        }
        value
    }
}

/// Bytes as JSON: a JSON value, a text, or Base64.
pub(super) fn data(bytes: &[u8]) -> (&'static str, Value) {
    match (serde_json::from_slice(bytes), std::str::from_utf8(bytes)) {
        (Ok(value), _) => ("data", value),
        (_, Ok(text)) => ("data", Value::from(text)),
        _ => ("data_base64", Value::from(BASE64_STANDARD.encode(bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(component: &str, payload: &[u8]) -> Message {
        Message {
            component: component.to_owned(),
            address: "topic".to_owned(),
            payload: Bytes::copy_from_slice(payload),
            content_type: "text/plain".to_owned(),
            metadata: Metadata::new(),
        }
    }

    #[test]
    fn the_last_ones_are_shown_in_a_readable_form() {
        let sent = Sent::default();
        sent.add(&message("a", br#"{"n":1}"#), Outcome::Waits(2));
        sent.add(&message("b", b"text"), Outcome::Done);
        sent.add(&message("a", &[0xff]), Outcome::Failed("no".to_owned()));
        let all = sent.json(10, None);
        assert_eq!(all["sent"], 3);
        let of = |index: usize, name: &str| all["outputs"][index][name].clone();
        assert_eq!((of(0, "data_base64"), of(0, "error"), of(0, "number")), (json!("/w=="), json!("no"), json!(3)));
        assert_eq!((of(1, "data"), of(2, "data"), of(2, "queuedFor")), (json!("text"), json!({"n": 1}), json!(2)));
        assert_eq!(sent.json(1, Some("a"))["outputs"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let sent = Sent::default();
        for _ in 0..MOST + 10 {
            sent.add(&message("a", b"x"), Outcome::Done);
        }
        assert_eq!(sent.json(usize::MAX, None)["outputs"].as_array().unwrap().len(), MOST);
        let large = vec![b'x'; LARGEST / 2 + 1];
        for _ in 0..3 {
            sent.add(&message("a", &large), Outcome::Done);
        }
        let kept = sent.0.lock().unwrap();
        assert_eq!((kept.sent.len(), kept.size, kept.count), (1, large.len(), MOST as u64 + 13));
    }
}
