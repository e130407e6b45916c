//! What the targets share: an event that was accepted can be sent, and is the same when it comes back.
//!
//! `cargo +nightly fuzz run <target> fuzz/corpus/<target> fuzz/seeds/<target> -- -dict=fuzz/cloudevents.dict`
#![cfg(fuzzing)]

use bytes::Bytes;
use functions_framework::event::{__fuzz, AttributesReader as _, Data, Event};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use serde_json::Value;

/// Makes the headers of a message that has only a content type.
pub fn content_type(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))])
}

/// Decodes one event.
pub fn decode_one(headers: &HeaderMap, body: Bytes) -> Option<Event> {
    let mut events = __fuzz::decode(headers, body).ok()?;
    assert_eq!(events.len(), 1);
    events.pop()
}

/// Sends an accepted event in every mode and receives it again.
pub fn round_trip(event: &Event) {
    let headers = content_type("application/cloudevents+json");
    let body = __fuzz::encode_structured(event).expect("what was accepted can be sent in structured mode");
    // Bytes that are JSON travel as JSON, which may be nested too deep, or have numbers too large, to be read.
    match __fuzz::decode(&headers, body) {
        Ok(received) => assert_same(event, &received[0], true),
        Err(error) => assert!(format!("{error:#}").contains("the data of the event is broken JSON"), "{error:#}"),
    }
    let headers = content_type("application/cloudevents-batch+json");
    let body = __fuzz::encode_batch(std::slice::from_ref(event)).expect("what was accepted can be sent in a batch");
    if let Ok(received) = __fuzz::decode(&headers, body) {
        assert_same(event, &received[0], true);
    }
    match __fuzz::encode_binary(event.clone()) {
        Ok((headers, body)) => {
            let received = decode_one(&headers, body).expect("what was sent in binary mode is accepted");
            assert_same(event, &received, false);
            let (headers, body) = __fuzz::encode_binary(received.clone()).expect("what came back can be sent");
            let again = decode_one(&headers, body).expect("what was sent twice is accepted");
            assert_eq!(data(&again), data(&received));
        }
        Err(error) => assert!(format!("{error:#}").contains("would say that the body is an event"), "{error:#}"),
    }
}

fn assert_same(sent: &Event, received: &Event, typed: bool) {
    assert_eq!(
        (sent.id(), sent.ty(), sent.subject(), sent.time()),
        (received.id(), received.ty(), received.subject(), received.time())
    );
    // What is no URI may come back with escapes.
    if typed || is_plain(sent.source()) {
        assert_eq!(sent.source(), received.source());
    }
    if typed || sent.dataschema().is_none_or(|uri| is_plain(uri.as_str())) {
        assert_eq!(sent.dataschema(), received.dataschema());
    }
    let extensions = |event: &Event| {
        let mut all: Vec<_> = event.iter_extensions().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
        all.sort();
        all
    };
    assert_eq!(extensions(sent), extensions(received));
    if typed || sent.datacontenttype().is_some() {
        assert_eq!(sent.datacontenttype(), received.datacontenttype());
    }
    // In binary mode nothing tells empty data from none.
    assert_eq!(data(sent).filter(|data| typed || !is_empty(data)), data(received).filter(|data| typed || !is_empty(data)));
}

fn is_plain(uri: &str) -> bool {
    uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%'))
}

fn is_empty(data: &Result<Value, Vec<u8>>) -> bool {
    data.as_ref().is_err_and(Vec::is_empty)
}

/// The data as JSON, or else as bytes, whichever way the event holds it.
fn data(event: &Event) -> Option<Result<Value, Vec<u8>>> {
    let bytes = match event.data()? {
        Data::Json(value) => return Some(parsed(value.to_string().as_bytes())),
        Data::Binary(bytes) => bytes.clone(),
        Data::String(text) => text.clone().into_bytes(),
    };
    Some(parsed(&bytes))
}

fn parsed(bytes: &[u8]) -> Result<Value, Vec<u8>> {
    serde_json::from_slice(bytes).map(without_fractions).map_err(|_| bytes.to_vec())
}

/// The last digit of a fraction need not survive a parser.
fn without_fractions(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => Value::Null,
        Value::Array(items) => items.into_iter().map(without_fractions).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, without_fractions(value))).collect(),
        other => other,
    }
}
