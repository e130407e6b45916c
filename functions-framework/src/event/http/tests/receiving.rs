//! From headers and body to an event, or to words about what is wrong.

use super::*;

#[test]
fn the_content_type_decides_the_mode() {
    for (content_type, expected) in [
        ("application/cloudevents+json", Mode::Structured),
        ("Application/CloudEvents+JSON; charset=UTF-8", Mode::Structured),
        ("application/cloudevents-batch+json", Mode::Batched),
        ("APPLICATION/CLOUDEVENTS-BATCH+JSON ; x=y", Mode::Batched),
        ("application/cloudevents+avro", Mode::Unknown("application/cloudevents+avro".into())),
        ("application/cloudevents-batch+protobuf", Mode::Unknown("application/cloudevents-batch+protobuf".into())),
        ("application/cloudevents", Mode::Unknown("application/cloudevents".into())),
        ("application/json", Mode::NotAnEvent),
        ("application/cloud", Mode::NotAnEvent),
    ] {
        assert_eq!(mode(&map(&[("content-type", content_type)])), expected, "{content_type}");
    }
    for name in ["ce-specversion", "ce-id", "ce-type", "ce-source"] {
        assert_eq!(mode(&map(&[(name, "1"), ("content-type", "application/json")])), Mode::Binary, "{name}");
    }
    assert_eq!(mode(&map(&[("ce-other", "1")])), Mode::NotAnEvent);
    // The content type has precedence over headers.
    assert_eq!(mode(&map(&[("ce-id", "1"), ("content-type", "application/cloudevents+json")])), Mode::Structured);
}

#[test]
fn other_messages_are_not_understood() {
    refused(one(&HeaderMap::new(), "{}"), 415, "ce-specversion");
    refused(one(&map(&[("content-type", "application/json")]), "{}"), 415, "application/json");
    // Without a mark of an event `ce-` is anyone's prefix.
    refused(one(&map(&[("ce-bad_name", "x")]), "{}"), 415, "no CloudEvent");
    refused(one(&map(&[("content-type", "application/cloudevents+avro")]), "x"), 415, "application/cloudevents+avro");
    refused(one(&map(&[("content-type", "application/cloudevents+json; charset=utf-16")]), "x"), 415, "utf-16");
    refused(batch("{}"), 400, "a batch of CloudEvents");
    let twice = map(&[("content-type", "application/cloudevents+json"), ("content-type", "text/plain")]);
    refused(one(&twice, "{}"), 400, "twice");
}

#[test]
fn a_binary_event_is_headers_and_a_body() {
    let event = binary(
        &[
            ("CE-Subject", "Euro%20%E2%82%AC"),
            ("ce-time", "2026-01-31T12:00:00+02:00"),
            ("ce-dataschema", "http://example.com/schema"),
            ("ce-tenant", "acme"),
            ("content-type", "Application/JSON"),
            ("accept", "*/*"),
        ],
        "{ \"broken\"",
    )
    .unwrap();
    assert_eq!((event.id(), event.source(), event.ty()), ("1", "/s", "t"));
    assert_eq!(event.subject(), Some("Euro €"));
    assert_eq!(event.time().unwrap().to_rfc3339(), "2026-01-31T12:00:00+02:00");
    assert_eq!(event.dataschema().unwrap(), "http://example.com/schema");
    assert_eq!(text(event.extension("tenant")), Some("acme"));
    assert_eq!(event.extensions().count(), 1);
    assert_eq!(event.datacontenttype(), Some("Application/JSON"));
    // The body is data, and nobody's business.
    assert_eq!(data(&event), Some((&b"{ \"broken\""[..], Form::Bytes)));
    assert_eq!(binary(&[], "").unwrap().data(), None);
}

#[test]
fn an_invalid_binary_event_is_told_what_is_wrong() {
    for (headers, words) in [
        (&[("ce-id", "")][..], "`id` is empty"),
        (&[("ce-id", "\"\"")], "`id` is empty"),
        (&[("ce-type", "")], "`type` is empty"),
        (&[("ce-source", "")], "`source` is empty"),
        (&[("ce-subject", "")], "`subject` is empty"),
        (&[("ce-specversion", "0.3")], "`specversion` is `0.3`: `1.0` is expected"),
        (&[("ce-specversion", "")], "`1.0` is expected"),
        (&[("ce-time", "yesterday")], "`time` is `yesterday`"),
        (&[("ce-time", "")], "`time`"),
        (&[("ce-dataschema", "#")], "`dataschema` is `#`: an absolute URI"),
        (&[("ce-dataschema", "")], "`dataschema` is empty"),
        (&[("ce-dataschema", "schema.json")], "`dataschema`"),
        (&[("content-type", "json")], "`datacontenttype` is `json`"),
        (&[("content-type", "")], "`datacontenttype`"),
        (&[("ce-bad_ext", "x")], "`ce-bad_ext`"),
        (&[("ce-bad-ext", "x")], "`ce-bad-ext`"),
        (&[("ce-", "x")], "`ce-`"),
        (&[("ce-data", "x")], "`ce-data` must not be present"),
        (&[("ce-datacontenttype", "text/plain")], "`ce-datacontenttype` must not be present"),
        (&[("ce-subject", "%C0%A0")], "`subject` is not valid UTF-8"),
        (&[("ce-tenant", "%FF")], "`tenant` is not valid UTF-8"),
        (&[("ce-subject", "a%0Ab")], "`subject` holds the control character U+000A"),
        (&[("ce-tenant", "%C2%85")], "U+0085"),
        (&[("ce-id", "1"), ("ce-id", "2")], "`id` is given twice"),
        (&[("ce-time", "2026-01-31T12:00:00Z"), ("ce-time", "2026-01-31T12:00:00Z")], "`time` is given twice"),
        (&[("ce-specversion", "1.0"), ("ce-specversion", "1.0")], "`specversion` is given twice"),
        (&[("ce-tenant", "1"), ("ce-tenant", "1")], "`tenant` is given twice"),
        (&[("content-type", "a/b"), ("content-type", "a/b")], "Content-Type header is given twice"),
    ] {
        refused(binary(headers, "{}"), 400, words);
    }
    for name in ["specversion", "id", "source", "type"] {
        let mut headers = map(&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")]);
        headers.remove(format!("ce-{name}"));
        refused(one(&headers, ""), 400, &format!("`{name}` is missing"));
    }
    let mut headers = map(&[("ce-id", "1")]);
    headers.insert("ce-subject", HeaderValue::from_bytes(b"a\xffb").unwrap());
    refused(one(&headers, ""), 400, "`subject` is not valid UTF-8");
    // What is shown of a sender's text is short.
    let long: &'static str = "x".repeat(100_000).leak();
    assert!(format!("{:#}", binary(&[("ce-time", long)], "").unwrap_err()).len() < 250);
}

#[test]
fn what_senders_do_to_header_values_is_understood() {
    let subject = |value| binary(&[("ce-subject", value)], "").unwrap().subject().unwrap().to_owned();
    assert_eq!(subject("\"a \\\"q\\\" b\""), "a \"q\" b");
    assert_eq!(subject("100% é"), "100% é");
    assert_eq!(subject("a b"), "a b");
    let source = |value| binary(&[("ce-source", value)], "").unwrap().source().to_owned();
    // sdk-go sends the URI as it is: its own escapes stay.
    assert_eq!(source("/a%20b"), "/a%20b");
    assert_eq!(source("/%E2%82%AC?q=%22"), "/%E2%82%AC?q=%22");
    // By the book, the escapes are the header's.
    assert_eq!(source("/a%2520b"), "/a%20b");
    assert_eq!(source("/a%2Fb"), "/a/b");
    assert_eq!(text(binary(&[("ce-traceid", "")], "").unwrap().extension("traceid")), Some(""));
}

#[test]
fn a_structured_event_is_one_object() {
    let event = structured(&json!({
        "subject": "s", "time": "2026-01-31T12:00:00.5Z", "dataschema": "urn:x", "datacontenttype": "text/xml",
        "data": "<a b=\"c\"/>", "tenant": "acme", "unset": null,
    }))
    .unwrap();
    assert_eq!((event.id(), event.source(), event.ty(), event.subject()), ("1", "/s", "t", Some("s")));
    assert_eq!(event.dataschema().unwrap(), "urn:x");
    assert_eq!(data(&event), Some((&b"<a b=\"c\"/>"[..], Form::Text)));
    assert_eq!(event.extensions().count(), 1);
    let nothing = structured(&json!({
        "subject": null, "time": null, "dataschema": null, "datacontenttype": null, "data_base64": null,
    }))
    .unwrap();
    assert_eq!(nothing, blank());
    // Escapes in names and values are undone.
    let escaped = structured_text(r#"{"spec\u0076ersion":"1.0","id":"\u0031","source":"/s","type":"t"}"#).unwrap();
    assert_eq!(escaped, blank());
}

#[test]
fn the_media_type_says_what_structured_data_is() {
    #[track_caller]
    fn is(members: &Value, media_type: Option<&str>, expected: Option<(&str, Form)>) {
        let event = structured(members).unwrap();
        assert_eq!(event.datacontenttype(), media_type, "{members}");
        assert_eq!(data(&event), expected.map(|(text, form)| (text.as_bytes(), form)), "{members}");
    }
    for media_type in ["application/json", "Application/JSON", "application/vnd.x+json; charset=utf-8", "text/json"] {
        for value in [json!({ "a": [1, null] }), json!("text"), json!("{\"never\":\"parsed\"}"), json!(1.5), json!(null)] {
            let members = json!({ "datacontenttype": media_type, "data": value });
            is(&members, Some(media_type), Some((&value.to_string(), Form::Json)));
        }
    }
    let json_type = Some("application/json");
    is(&json!({ "data": "text" }), json_type, Some(("\"text\"", Form::Json)));
    is(&json!({ "data": 1 }), json_type, Some(("1", Form::Json)));
    let text_type = Some("text/plain");
    is(&json!({ "datacontenttype": "text/plain", "data": { "a": 1 } }), text_type, Some(("{\"a\":1}", Form::Json)));
    is(&json!({ "datacontenttype": "text/plain", "data": "a \\ \"b\"\n" }), text_type, Some(("a \\ \"b\"\n", Form::Text)));
    is(&json!({ "datacontenttype": "text/plain", "data": "" }), text_type, Some(("", Form::Text)));
    is(&json!({ "datacontenttype": "text/plain", "data": null }), text_type, None);
    // Base64 stays binary, whatever it holds and whatever the content type.
    is(&json!({ "data_base64": "e30=" }), None, Some(("{}", Form::Bytes)));
    is(&json!({ "datacontenttype": "application/json", "data_base64": "e30=" }), json_type, Some(("{}", Form::Bytes)));
    is(&json!({ "data": null, "data_base64": "e30=" }), None, Some(("{}", Form::Bytes)));
    is(&json!({}), None, None);
}

#[test]
fn data_is_a_part_of_the_body_and_not_a_copy() {
    let event = r#""specversion":"1.0","id":"1","source":"/s","type":"t""#;
    for (data, kept) in
        [("{ \"a\" :1.0,\"a\":2 } ", "{ \"a\" :1.0,\"a\":2 }"), ("\"plain\",\"datacontenttype\":\"text/plain\"", "plain")]
    {
        let body = Bytes::from(format!("{{\"data\": {data},{event}}}"));
        let event = structured_text(body.clone()).unwrap();
        assert_eq!(event.data().unwrap(), kept);
        assert!(body.as_ptr_range().contains(&event.data().unwrap().as_ptr()), "the data {kept} was copied");
    }
    let body = Bytes::from("data".repeat(100));
    let headers = map(&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")]);
    let event = one(&headers, body.clone()).unwrap();
    assert_eq!(event.data().unwrap().as_ptr_range(), body.as_ptr_range());
    assert_eq!(encode_binary(event).unwrap().1.as_ptr_range(), body.as_ptr_range());
}

#[test]
fn extensions_that_are_none_by_the_book_are_kept() {
    let event = structured(&json!({
        "traceid": "", "float": 1.5, "object": { "a": [1] }, "array": [true, null], "flag": true, "no": false, "number": -7,
        "long": 5_000_000_000_i64, "huge": 18_446_744_073_709_551_615_u64,
    }))
    .unwrap();
    assert_eq!(text(event.extension("traceid")), Some(""));
    assert_eq!(text(event.extension("float")), Some("1.5"));
    assert_eq!(text(event.extension("object")), Some("{\"a\":[1]}"));
    assert_eq!(text(event.extension("array")), Some("[true,null]"));
    assert_eq!(event.extension("flag"), Some(&ExtensionValue::Boolean(true)));
    assert_eq!(event.extension("no"), Some(&ExtensionValue::Boolean(false)));
    assert_eq!(event.extension("number"), Some(&ExtensionValue::Integer(-7)));
    assert_eq!(event.extension("long"), Some(&ExtensionValue::Integer(5_000_000_000)));
    assert_eq!(text(event.extension("huge")), Some("18446744073709551615"));
    assert_eq!(through_structured(&event), event);
    // Its text is a value in a header, too, so line breaks between members go.
    let event =
        structured_text("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"x\":{\n\"a\":\"\u{85}\"}}");
    refused(event, 400, "U+0085");
    let event =
        structured_text("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"x\":{\n\"a\": 1}}").unwrap();
    assert_eq!(text(event.extension("x")), Some("{\"a\":1}"));
}

#[test]
fn an_invalid_structured_event_is_told_what_is_wrong() {
    for (members, words) in [
        (json!({ "specversion": "0.3" }), "`specversion` is `0.3`: `1.0` is expected"),
        (json!({ "specversion": 1.0 }), "`specversion`"),
        (json!({ "specversion": null }), "`specversion` is missing"),
        (json!({ "id": null }), "`id` is missing"),
        (json!({ "id": "" }), "`id` is empty"),
        (json!({ "id": 1 }), "`id`"),
        (json!({ "type": "" }), "`type` is empty"),
        (json!({ "type": ["t"] }), "`type`"),
        (json!({ "source": "" }), "`source` is empty"),
        (json!({ "source": {} }), "`source`"),
        (json!({ "subject": "" }), "`subject` is empty"),
        (json!({ "subject": true }), "`subject`"),
        (json!({ "time": "2026-01-31" }), "`time` is `2026-01-31`"),
        (json!({ "time": 12 }), "`time`"),
        (json!({ "dataschema": "" }), "`dataschema` is empty"),
        (json!({ "dataschema": "#" }), "`dataschema` is `#`"),
        (json!({ "dataschema": "a/b" }), "`dataschema` is `a/b`"),
        (json!({ "datacontenttype": "" }), "`datacontenttype`"),
        (json!({ "datacontenttype": "json" }), "`datacontenttype` is `json`"),
        (json!({ "datacontenttype": "a/b\n" }), "`datacontenttype`"),
        (json!({ "Capital": "x" }), "`Capital`"),
        (json!({ "punctu.ated": "x" }), "`punctu.ated`"),
        (json!({ "under_score": "x" }), "`under_score`"),
        (json!({ "": "x" }), "``"),
        (json!({ "id": "a\u{0}" }), "`id` holds the control character U+0000"),
        (json!({ "tenant": "a\u{9f}" }), "`tenant` holds the control character U+009F"),
        (json!({ "data": 1, "data_base64": "e30=" }), "both `data` and `data_base64`"),
        (json!({ "data_base64": "e30" }), "`data_base64` is not Base64"),
        (json!({ "data_base64": "e3 0=" }), "`data_base64` is not Base64"),
        (json!({ "data_base64": "_-8=" }), "`data_base64` is not Base64"),
        (json!({ "data_base64": "e31=" }), "`data_base64` is not Base64"),
        (json!({ "data_base64": {} }), "`data_base64`"),
    ] {
        refused(structured(&members), 400, words);
    }
    for name in ["specversion", "id", "source", "type"] {
        let mut event = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t" });
        event.as_object_mut().unwrap().remove(name);
        refused(structured_text(event.to_string()), 400, &format!("`{name}` is missing"));
    }
}

#[test]
fn a_structured_body_is_one_json_object_in_utf8() {
    let valid = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
    assert!(structured_text(format!(" \n{valid}\n")).is_ok());
    for (body, words) in [
        (format!("\u{feff}{valid}"), "byte order mark"),
        (format!("{valid} x"), "broken JSON: trailing"),
        (format!("{valid}{valid}"), "trailing"),
        (valid[1..].to_owned(), "JSON object"),
        (valid[..20].to_owned(), "broken JSON: EOF"),
        (String::new(), "broken JSON: EOF"),
        ("[]".to_owned(), "a CloudEvent, a JSON object"),
        ("null".to_owned(), "a CloudEvent, a JSON object"),
        (valid.replace("\"/s\"", "\"\\ud800\""), "broken JSON"),
        (valid.replace("\"id\"", "\"id\":\"2\",\"id\""), "`id` is given twice"),
        (valid.replace("\"id\"", "\"data\":1,\"data\":1,\"id\""), "`data` is given twice"),
        (valid.replace("\"id\"", "\"tenant\":\"a\",\"tenant\":\"a\",\"id\""), "`tenant` is given twice"),
    ] {
        refused(structured_text(body), 400, words);
    }
    // However deep data is, it is not walked into until it is decoded.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let event = structured_text(valid.replace("\"id\"", &format!("\"data\":{deep},\"id\""))).unwrap();
    assert_eq!(event.json::<Value>().unwrap_err().status_code(), 400);
    refused(structured_text(b"{\"id\":\"\xff\"}".to_vec()), 400, "not valid UTF-8 at byte 7");
}

#[test]
fn a_batch_is_an_array_of_events() {
    assert_eq!(batch("[]").unwrap(), []);
    assert_eq!(batch(" [ ] ").unwrap(), []);
    let event = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
    assert_eq!(batch(format!("[{event},{event}]").leak()).unwrap(), [blank(), blank()]);
    for (body, words) in [
        (format!("[{event},{}]", event.replace("1.0", "0.3")), "event 1 of the batch"),
        (format!("[{event},7]"), "event 1 of the batch"),
        (format!("[{event},]"), "trailing comma"),
        (format!("[{event}"), "EOF"),
        (format!("[{event}]]"), "trailing"),
        (event.to_owned(), "a JSON array"),
    ] {
        refused(batch(body.leak()), 400, words);
    }
    let sent = [blank(), with_data("application/json", json!(1))];
    let body = encode_batch(&sent);
    assert_eq!(batch(String::from_utf8(body.to_vec()).unwrap().leak()).unwrap(), sent);
    assert_eq!(encode_batch(&[]), "[]");
}
