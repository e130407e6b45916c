//! From an event to headers and body, and back.

use super::*;

#[test]
fn a_reply_is_headers_that_http_can_hold() {
    let mut event = with_data(Some("application/json"), b"{ }".to_vec());
    event.set_subject(Some("Euro € 100%"));
    event.set_extension("flag", true);
    event.set_extension("number", 7);
    event.set_extension("empty", "");
    event.set_time(chrono::DateTime::from_timestamp(0, 0));
    event.set_dataschema(cloudevents::event::TryIntoUrl::into_url("http://s/a%20b").ok());
    let (headers, body) = encode_binary(event.clone()).unwrap();
    let expected = map(&[
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/s"),
        ("ce-type", "t"),
        ("ce-subject", "Euro%20%E2%82%AC%20100%25"),
        ("ce-time", "1970-01-01T00:00:00Z"),
        ("ce-dataschema", "http://s/a%2520b"),
        ("ce-flag", "true"),
        ("ce-number", "7"),
        ("ce-empty", ""),
        ("content-type", "application/json"),
    ]);
    assert_eq!((headers, &body[..]), (expected, &b"{ }"[..]));
    let received = through_binary(&event);
    assert_eq!(
        (received.subject(), received.time(), received.dataschema()),
        (event.subject(), event.time(), event.dataschema())
    );
}

#[test]
fn the_body_of_a_reply_is_the_data() {
    let json_text = Some("application/json");
    for (media_type, data, header, body) in [
        // Data without a content type is JSON, which the receiver of a body has to be told.
        (None, Data::Json(json!({ "a": 1 })), json_text, "{\"a\":1}"),
        (None, Data::Json(json!("x")), json_text, "\"x\""),
        (None, Data::String("x".into()), json_text, "\"x\""),
        // Of bytes without a content type nothing is known.
        (None, Data::Binary(b"x".to_vec()), None, "x"),
        (json_text, Data::Json(json!("x")), json_text, "\"x\""),
        (json_text, Data::String("{ }".into()), json_text, "{ }"),
        (json_text, Data::Binary(b"{ ".to_vec()), json_text, "{ "),
        (Some("text/plain"), Data::String("x".into()), Some("text/plain"), "x"),
        (Some("text/plain"), Data::Json(json!("x")), Some("text/plain"), "x"),
        (Some("text/plain"), Data::Json(json!([1])), Some("text/plain"), "[1]"),
    ] {
        let (headers, sent) = encode_binary(with_data(media_type, data.clone())).unwrap();
        assert_eq!(headers.get("content-type").map(|value| value.to_str().unwrap()), header, "{data:?}");
        assert_eq!(sent, body, "{data:?}");
    }
    let (headers, body) = encode_binary(blank()).unwrap();
    assert_eq!((headers.len(), body.len()), (4, 0));
}

#[test]
fn structured_data_has_the_member_it_needs() {
    let json_text = Some("application/json");
    for (media_type, data, member) in [
        (None, Data::Json(json!({ "a": 1 })), r#""data":{"a":1}"#),
        (None, Data::String("x".into()), r#""data":"x""#),
        (None, Data::Binary(b"{}".to_vec()), r#""data_base64":"e30=""#),
        (json_text, Data::Json(json!(null)), r#""data":null"#),
        // JSON in bytes is JSON, as it was written.
        (json_text, Data::Binary(b" { \"a\" :1.0 } ".to_vec()), r#""data":{ "a" :1.0 }"#),
        (Some("x/Y+JSON;a=b"), Data::Binary(b"[]".to_vec()), r#""data":[]"#),
        (json_text, Data::String("{ }".into()), r#""data":{ }"#),
        (json_text, Data::Binary(b"{ ".to_vec()), r#""data_base64":"eyA=""#),
        (json_text, Data::Binary(b"\"\xff\"".to_vec()), r#""data_base64":"Iv8i""#),
        (json_text, Data::Binary(Vec::new()), r#""data_base64":"""#),
        (Some("text/plain"), Data::Binary(b"{}".to_vec()), r#""data_base64":"e30=""#),
        (Some("text/plain"), Data::String("{}".into()), r#""data":"{}""#),
    ] {
        let body = encode_structured(&with_data(media_type, data)).unwrap();
        let body = std::str::from_utf8(&body).unwrap();
        assert!(body.ends_with(&format!(",{member}}}")), "{body} has no {member}");
    }
    let body = encode_structured(&blank()).unwrap();
    assert_eq!(body, r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#);
}

#[test]
fn an_event_that_is_none_is_not_sent() {
    let with = |change: fn(&mut Event)| {
        let mut event = blank();
        change(&mut event);
        event
    };
    for (event, words) in [
        (with(|event| drop(event.set_id(""))), "`id` is empty"),
        (with(|event| drop(event.set_source(""))), "`source` is empty"),
        (with(|event| drop(event.set_type(""))), "`type` is empty"),
        (with(|event| drop(event.set_subject(Some("")))), "`subject` is empty"),
        (with(|event| drop(event.set_subject(Some("a\nb")))), "U+000A"),
        (with(|event| drop(event.set_id("\u{9f}"))), "U+009F"),
        (with(|event| event.set_extension("a b", "x")), "`a b`"),
        (with(|event| event.set_extension("Upper", "x")), "`Upper`"),
        (with(|event| event.set_extension("", "x")), "a-z"),
        (with(|event| event.set_extension("data", "x")), "`data`"),
        (with(|event| event.set_extension("id", "x")), "`id`"),
        (with(|event| event.set_extension("datacontenttype", "x")), "`datacontenttype`"),
        (with(|event| event.set_extension("tenant", "a\tb")), "U+0009"),
        (with(|event| drop(event.set_datacontenttype(Some("json")))), "`datacontenttype`"),
        (with(|event| drop(event.set_datacontenttype(Some("a/b\r\nx: y")))), "`datacontenttype`"),
        (with(|event| assert!(event.set_time(Some(chrono::DateTime::<chrono::Utc>::MAX_UTC)).is_none())), "`time`"),
    ] {
        refused(encode_binary(event.clone()), 500, words);
        refused(encode_structured(&event), 500, words);
        refused(encode_batch(&[blank(), event]), 500, words);
    }
    // In binary mode the data of such an event would be taken for the event.
    let nested = with_data(Some("application/cloudevents+json"), b"{}".to_vec());
    refused(encode_binary(nested.clone()), 500, "datacontenttype");
    assert_eq!(through_structured(&nested).datacontenttype(), nested.datacontenttype());
}

#[test]
fn bytes_and_media_type_survive_every_mode() {
    for (media_type, body) in
        [("application/json", "{ \"a\" : 1 }"), ("application/json", "{ broken"), ("Text/Plain;a=B", "x"), ("a/b", "\0")]
    {
        let event = binary(&[("content-type", media_type)], body).unwrap();
        assert_eq!(through_binary(&event), event);
        let (headers, sent) = encode_binary(event.clone()).unwrap();
        assert_eq!((headers["content-type"].to_str().unwrap(), &sent[..]), (media_type, body.as_bytes()));
        let headers = map(&[("content-type", "application/cloudevents+json")]);
        let Received::One(envelope) = decode(&headers, encode_structured(&event).unwrap()).unwrap() else { panic!("a batch") };
        let (received, sent) = envelope.into_payload().unwrap();
        assert_eq!((received.datacontenttype(), &sent[..]), (Some(media_type), body.as_bytes()));
    }
}

#[test]
fn dapr_envelopes_are_events() {
    let event = structured(&json!({
        "datacontenttype": "text/plain", "data": "hello", "topic": "orders", "pubsubname": "pubsub", "traceid": "",
        "traceparent": "", "tracestate": "", "expiration": "2026-01-31T12:00:00Z",
    }))
    .unwrap();
    assert_eq!(text(event.extension("traceparent")), Some(""));
    assert_eq!(event.data(), Some(&Data::String("hello".into())));
    let (headers, _) = encode_binary(event).unwrap();
    assert_eq!(headers["ce-traceid"], "");
    let raw =
        structured(&json!({ "datacontenttype": "application/octet-stream", "data_base64": "AAE=", "traceid": 7 })).unwrap();
    assert_eq!(raw.data(), Some(&Data::Binary(vec![0, 1])));
}

#[test]
fn an_event_of_65536_bytes_is_accepted() {
    let data = "x".repeat(65_536);
    let event = with_data(Some("text/plain"), data);
    assert_eq!(through_structured(&event), event);
    assert_eq!(encode_binary(event).unwrap().1.len(), 65_536);
}
