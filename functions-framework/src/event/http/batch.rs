//! Batched mode: a JSON array of events (JSON batch format).

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};

use super::structured::{self, EventSeed};
use crate::{error::Error, event::Event};

/// Decodes the body of a batch; an empty one is valid.
pub(super) fn decode(body: &Bytes) -> Result<Vec<Event>, Error> {
    structured::whole(body, Batch { body })
}

struct Batch<'b> {
    body: &'b Bytes,
}

impl<'de> DeserializeSeed<'de> for Batch<'de> {
    type Value = Vec<Event>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Batch<'de> {
    type Value = Vec<Event>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch of CloudEvents, a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<Self::Value, A::Error> {
        let mut batch = Vec::new();
        loop {
            match events.next_element_seed(EventSeed { body: self.body }) {
                Ok(Some(event)) => batch.push(event),
                Ok(None) => return Ok(batch),
                Err(error) => {
                    return Err(A::Error::custom(format!("event {} of the batch, counted from 0: {error}", batch.len())));
                }
            }
        }
    }
}

/// Encodes events as the body of a batch.
pub(crate) fn encode(events: &[Event]) -> Bytes {
    let mut body = Vec::with_capacity(2 + events.len() * 256);
    body.push(b'[');
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        structured::write(&mut body, event);
    }
    body.push(b']');
    body.into()
}
