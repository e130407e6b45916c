//! From an event to headers and body, and back.

use super::*;

#[test]
fn a_reply_is_headers_that_http_can_hold() {
    let event = with_data("application/json", "{ }").into_builder().subject("Euro € 100%").time("1970-01-01T00:00:00Z");
    let event = event.extension("flag", true).extension("number", 7).extension("empty", "").dataschema("http://s/a%20b");
    let event = event.build().unwrap();
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
    for (media_type, data, body) in [
        ("application/json", Data::from(json!("x")), "\"x\""),
        ("application/json", "{ }".into(), "{ }"),
        ("application/json", b"{ ".into(), "{ "),
        ("text/plain", "x".into(), "x"),
        ("text/plain", json!("x \n").into(), "x \n"),
        ("text/plain", json!([1]).into(), "[1]"),
    ] {
        let (headers, sent) = encode_binary(with_data(media_type, data.clone())).unwrap();
        assert_eq!(headers["content-type"], media_type, "{data:?}");
        assert_eq!(sent, body, "{data:?}");
    }
    let (headers, body) = encode_binary(blank()).unwrap();
    assert_eq!((headers.len(), body.len()), (4, 0));
    // Of bytes without a content type nothing is known.
    let (headers, body) = encode_binary(structured(&json!({ "data_base64": "e30=" })).unwrap()).unwrap();
    assert_eq!((headers.len(), &body[..]), (4, &b"{}"[..]));
    // Data without a content type is JSON, which the receiver of a body has to be told.
    let (headers, body) = encode_binary(structured(&json!({ "data": {} })).unwrap()).unwrap();
    assert_eq!((&headers["content-type"], &body[..]), (&HeaderValue::from_static("application/json"), &b"{}"[..]));
}

#[test]
fn structured_data_has_the_member_it_needs() {
    for (media_type, data, member) in [
        ("application/json", Data::from(json!(null)), r#""data":null"#),
        // JSON in bytes is JSON, as it was written.
        ("application/json", b" { \"a\" :1.0 } ".into(), r#""data":{ "a" :1.0 }"#),
        ("x/Y+JSON;a=b", b"[]".into(), r#""data":[]"#),
        ("application/json", "{ }".into(), r#""data":{ }"#),
        ("application/json", b"{ ".into(), r#""data_base64":"eyA=""#),
        ("application/json", b"\"\xff\"".into(), r#""data_base64":"Iv8i""#),
        ("application/json", b"".into(), r#""data_base64":"""#),
        ("text/plain", b"{}".into(), r#""data_base64":"e30=""#),
        ("text/plain", "{}".into(), r#""data":"{}""#),
        ("text/plain", json!("{}").into(), r#""data":"{}""#),
        ("text/plain", json!({}).into(), r#""data":{}"#),
    ] {
        let body = encode_structured(&with_data(media_type, data));
        let body = std::str::from_utf8(&body).unwrap();
        assert!(body.ends_with(&format!(",{member}}}")), "{body} has no {member}");
    }
    assert_eq!(encode_structured(&blank()), r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#);
}

#[test]
fn what_was_structured_is_written_as_it_was_read() {
    let event =
        r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","subject":"é \"","time":"2026-01-31T12:00:00.500+02:00""#;
    for rest in [
        "",
        r#","datacontenttype":"application/json","a":true,"b":7,"c":"","data":{ "n" :1.0,"n":2 }"#,
        r#","datacontenttype":"text/plain","data":"a \"b\"\n""#,
        r#","datacontenttype":"text/plain","data":[1]"#,
        r#","datacontenttype":"text/plain","data_base64":"e30=""#,
        r#","dataschema":"http://s","data_base64":"AP8=""#,
    ] {
        let text = format!("{event}{rest}}}");
        assert_eq!(encode_structured(&structured_text(text.clone()).unwrap()), text);
    }
}

#[test]
fn an_event_that_is_none_cannot_be_built() {
    type Change = fn(crate::event::EventBuilder) -> crate::event::EventBuilder;
    let changes: [(Change, &str); 19] = [
        (|event| event.id(""), "`id` is empty"),
        (|event| event.source(""), "`source` is empty"),
        (|event| event.ty(""), "`type` is empty"),
        (|event| event.subject(""), "`subject` is empty"),
        (|event| event.subject("a\nb"), "U+000A"),
        (|event| event.id("\u{9f}"), "U+009F"),
        (|event| event.extension("a b", "x"), "`a b`"),
        (|event| event.extension("Upper", "x"), "`Upper`"),
        (|event| event.extension("", "x"), "a-z"),
        (|event| event.extension("data", "x"), "`data`"),
        (|event| event.extension("id", "x"), "`id`"),
        (|event| event.extension("datacontenttype", "x"), "`datacontenttype`"),
        (|event| event.extension("tenant", "a\tb"), "U+0009"),
        (|event| event.data("json", "x"), "`datacontenttype` is `json`"),
        (|event| event.data("a/b\r\nx: y", "x"), "`datacontenttype`"),
        (|event| event.time(chrono::DateTime::<chrono::Utc>::MAX_UTC), "`time`"),
        (|event| event.time("noon"), "`time` is `noon`"),
        (|event| event.dataschema("schema.json"), "`dataschema` is `schema.json`"),
        // The first mistake is told.
        (|event| event.id("").subject("").id("1"), "`id` is empty"),
    ];
    for (change, words) in changes {
        refused(change(blank().into_builder()).build(), 500, words);
    }
    for (event, name) in [
        (Event::builder().source("/s").ty("t"), "id"),
        (Event::builder().id("1").ty("t"), "source"),
        (Event::builder().id("1").source("/s"), "type"),
    ] {
        refused(event.build(), 500, &format!("`{name}` is missing"));
    }
}

#[test]
fn what_binary_mode_cannot_hold_is_not_sent() {
    // The data of such an event would be taken for the event.
    let nested = with_data("application/cloudevents+json", "{}");
    refused(encode_binary(nested.clone()), 500, "datacontenttype");
    assert_eq!(through_structured(&nested).datacontenttype(), nested.datacontenttype());
    let long = blank().into_builder().extension(&"x".repeat(70_000), "").build().unwrap();
    refused(encode_binary(long), 500, "the name of the attribute `xxx");
    let many = (0..40_000).fold(json!({}), |mut members, number| {
        members[format!("x{number}")] = json!("");
        members
    });
    refused(encode_binary(structured(&many).unwrap()), 500, "binary mode");
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
        let received = through_structured(&event);
        assert_eq!((received.datacontenttype(), &received.data().unwrap()[..]), (Some(media_type), body.as_bytes()));
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
    assert_eq!(data(&event), Some((&b"hello"[..], Form::Text)));
    let (headers, _) = encode_binary(event).unwrap();
    assert_eq!(headers["ce-traceid"], "");
    let raw =
        structured(&json!({ "datacontenttype": "application/octet-stream", "data_base64": "AAE=", "traceid": 7 })).unwrap();
    assert_eq!(data(&raw), Some((&[0, 1][..], Form::Bytes)));
}

#[test]
fn an_event_of_65536_bytes_is_accepted() {
    let data = "x".repeat(65_536);
    let event = with_data("text/plain", data);
    assert_eq!(through_structured(&event), event);
    assert_eq!(encode_binary(event).unwrap().1.len(), 65_536);
}
