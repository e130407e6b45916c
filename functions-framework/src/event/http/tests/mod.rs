//! The rules of the binding, and what senders do in spite of them, from headers and body to event and back.

mod receiving;
mod sending;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{Mode, Received, decode, encode_batch, encode_binary, encode_structured, mode};
use crate::{
    error::Error,
    event::{Data, Event, ExtensionValue, data::Form},
};

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let pairs = headers
        .iter()
        .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap()));
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

/// A binary event with the required attributes, and `headers`, which take the place of those.
fn binary(headers: &[(&str, &str)], body: &'static str) -> Result<Event, Error> {
    let mut all = map(&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")]);
    for name in headers.iter().map(|(name, _)| *name) {
        all.remove(name);
    }
    all.extend(map(headers));
    one(&all, body)
}

fn one(headers: &HeaderMap, body: impl Into<Bytes>) -> Result<Event, Error> {
    match decode(headers, body.into())? {
        Received::One(event) => Ok(event),
        Received::Many(_) => panic!("a batch"),
    }
}

fn structured_text(body: impl Into<Bytes>) -> Result<Event, Error> {
    one(&map(&[("content-type", "application/cloudevents+json")]), body)
}

/// A structured event with the required attributes and `members`, which take the place of those.
fn structured(members: &Value) -> Result<Event, Error> {
    let mut event = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t" });
    event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    structured_text(event.to_string())
}

fn batch(body: &'static str) -> Result<Vec<Event>, Error> {
    match decode(&map(&[("content-type", "application/cloudevents-batch+json")]), body.into())? {
        Received::One(_) => panic!("one event"),
        Received::Many(batch) => Ok(batch),
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, status: u16, words: &str) {
    let error = result.unwrap_err();
    let text = format!("{error:#}");
    assert_eq!(error.status_code(), status, "{text}");
    assert!(text.contains(words), "{text:?} does not say {words:?}");
}

fn blank() -> Event {
    Event::builder().id("1").source("/s").ty("t").build().unwrap()
}

fn with_data(media_type: &str, data: impl Into<Data>) -> Event {
    blank().into_builder().data(media_type, data).build().unwrap()
}

/// The data, and what the JSON format would write it as.
fn data(event: &Event) -> Option<(&[u8], Form)> {
    event.data.as_ref().map(|data| (&data.bytes()[..], data.form()))
}

/// Sends an event and receives it, in binary mode.
fn through_binary(event: &Event) -> Event {
    let (headers, body) = encode_binary(event.clone()).unwrap();
    one(&headers, body).unwrap()
}

fn through_structured(event: &Event) -> Event {
    structured_text(encode_structured(event)).unwrap()
}

fn text(value: Option<&ExtensionValue>) -> Option<&str> {
    value?.as_str()
}
