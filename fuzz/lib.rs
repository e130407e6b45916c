//! What the targets share: an event that was accepted can be sent, and is the same when it comes back.
//!
//! `cargo +nightly fuzz run <target> fuzz/corpus/<target> fuzz/seeds/<target> -- -dict=fuzz/cloudevents.dict`
#![cfg(fuzzing)]

use bytes::Bytes;
use functions_framework::event::{__fuzz, Event};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

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
    let received = decode_one(&headers, event.to_json()).expect("what was accepted is accepted in structured mode");
    assert_same(event, &received, true);
    assert_eq!(received.to_json(), event.to_json(), "what was written is written again");
    let headers = content_type("application/cloudevents-batch+json");
    let received = decode_one(&headers, __fuzz::encode_batch(std::slice::from_ref(event))).expect("and in a batch");
    assert_same(event, &received, true);
    match __fuzz::encode_binary(event.clone()) {
        Ok((headers, body)) => {
            let received = decode_one(&headers, body).expect("what was sent in binary mode is accepted");
            assert_same(event, &received, false);
            let (headers, body) = __fuzz::encode_binary(received.clone()).expect("what came back can be sent");
            let again = decode_one(&headers, body).expect("what was sent twice is accepted");
            assert_eq!(again, received);
        }
        Err(error) => assert!(format!("{error:#}").contains("would say that the body is an event"), "{error:#}"),
    }
    let rebuilt = event.clone().into_builder().build().expect("what was accepted can be built");
    assert_eq!(&rebuilt, event);
}

fn assert_same(sent: &Event, received: &Event, typed: bool) {
    assert_eq!(
        (sent.id(), sent.ty(), sent.subject(), sent.time()),
        (received.id(), received.ty(), received.subject(), received.time())
    );
    assert_eq!(sent.time().map(|time| *time.offset()), received.time().map(|time| *time.offset()));
    // What is no URI may come back with escapes.
    if typed || is_plain(sent.source()) {
        assert_eq!(sent.source(), received.source());
    }
    if typed || sent.dataschema().is_none_or(is_plain) {
        assert_eq!(sent.dataschema(), received.dataschema());
    }
    let extensions = |event: &Event| -> Vec<_> {
        event.extensions().map(|(name, value)| (name.to_owned(), value.to_string())).collect()
    };
    assert_eq!(extensions(sent), extensions(received));
    assert_eq!(sent.datacontenttype(), received.datacontenttype());
    if typed {
        // The spaces around JSON are not its own.
        assert_eq!(sent.data().map(|data| data.trim_ascii()), received.data().map(|data| data.trim_ascii()));
    } else {
        // In binary mode nothing tells empty data from none.
        assert_eq!(sent.data().filter(|data| !data.is_empty()), received.data());
    }
}

fn is_plain(uri: &str) -> bool {
    uri.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'%'))
}
