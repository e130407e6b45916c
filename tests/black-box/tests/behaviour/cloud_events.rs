//! CloudEvent functions: the three modes in, replies out, and a status for every way to be wrong.

use black_box_tests::{Request, Response};
use serde_json::{Value, json};

use crate::{fixture, serve};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

/// An event in binary mode, to which a test adds.
fn binary(body: impl AsRef<[u8]>) -> Request {
    Request::post("/", "application/json", body)
        .header("ce-specversion", "1.0")
        .header("ce-id", "7")
        .header("ce-source", "/source")
        .header("ce-type", "order.created")
}

/// An event in structured mode, with members of its own.
fn structured(members: &Value) -> Value {
    let mut event = json!({ "specversion": "1.0", "id": "7", "source": "/source", "type": "order.created" });
    for (name, value) in members.as_object().expect("members are given as an object") {
        event[name] = value.clone();
    }
    event
}

#[test]
fn a_binary_event_arrives_with_all_it_has() {
    let program = serve("described");
    let request = binary(r#"{"a":1}"#)
        .header("ce-subject", "Euro%20%E2%82%AC%20%c3%a9")
        .header("ce-time", "2026-01-31T12:00:00+02:00")
        .header("ce-kind", "\"quoted \\\"text\\\"\"");
    let seen = program.send(&request).expect(200).json();
    assert_eq!((&seen["id"], &seen["source"], &seen["type"]), (&json!("7"), &json!("/source"), &json!("order.created")));
    assert_eq!(seen["subject"], "Euro € é");
    assert_eq!(seen["time"], "2026-01-31T12:00:00+02:00");
    assert_eq!(seen["datacontenttype"], "application/json");
    assert_eq!(seen["extensions"], json!({ "kind": "quoted \"text\"" }));
    assert_eq!(seen["data"], "{\"a\":1}");
}

#[test]
fn senders_that_do_not_encode_are_understood() {
    let program = serve("described");
    let seen = program.send(&binary("1").header("ce-subject", "a b é 100% %zz")).expect(200).json();
    assert_eq!(seen["subject"], "a b é 100% %zz");
}

#[test]
fn a_structured_event_arrives_with_all_it_has() {
    let program = serve("described");
    let event = structured(&json!({
        "subject": "a b €", "time": "2026-01-31T12:00:00Z", "empty": "", "count": 3, "flag": true, "none": null,
        "object": { "a": 1 }, "data": { "a": [1.5, "é"] },
    }));
    for content_type in [STRUCTURED, "Application/CloudEvents+JSON; charset=UTF-8"] {
        let seen = program.post("/", content_type, event.to_string()).expect(200).json();
        assert_eq!((&seen["id"], &seen["subject"]), (&json!("7"), &json!("a b €")));
        assert_eq!(seen["data"], r#"{"a":[1.5,"é"]}"#);
        let extensions = json!({ "empty": "", "count": "3", "flag": "true", "object": r#"{"a":1}"# });
        assert_eq!(seen["extensions"], extensions);
    }
    let data =
        |members: &Value| program.post("/", STRUCTURED, structured(members).to_string()).expect(200).json()["data"].clone();
    assert_eq!(data(&json!({ "data_base64": "e30=" })), "{}");
    assert_eq!(data(&json!({ "datacontenttype": "text/plain", "data": "{}" })), "{}");
    assert_eq!(data(&json!({ "data": "{}" })), r#""{}""#);
    assert_eq!(data(&json!({})), Value::Null);
}

#[test]
fn a_batch_arrives_where_a_function_takes_many() {
    let program = serve("batch");
    let events = json!([structured(&json!({ "data": 1 })), structured(&json!({ "id": "8" }))]);
    let response = program.post("/", BATCH, events.to_string()).expect(200);
    assert_eq!(response.header("content-type"), Some(BATCH));
    let replied: Vec<Value> = response.json().as_array().expect("a batch answers a batch").clone();
    assert_eq!(replied.iter().map(|event| event["id"].as_str().unwrap()).collect::<Vec<_>>(), ["7", "8"]);
    assert_eq!(program.post("/", BATCH, "[]").expect(200).json(), json!([]));
    // One event is a batch of one, and its reply one event.
    assert_eq!(program.send(&binary("1")).expect(200).header("ce-id"), Some("7"));
    program.post("/", BATCH, "{}").expect_problem(400, "batch");
    program.post("/", BATCH, json!([structured(&json!({})), {}]).to_string()).expect_problem(400, "event 1");
}

#[test]
fn a_batch_to_a_function_that_takes_one_is_not_understood() {
    for target in ["seen", "created", "described"] {
        let program = serve(target);
        program.post("/", BATCH, json!([structured(&json!({}))]).to_string()).expect_problem(415, "batch");
    }
}

/// An answer without a reply: Knative takes any body for a reply that is none.
#[track_caller]
fn no_reply(response: Response) {
    let response = response.expect(204);
    assert!(response.body.is_empty());
    assert_eq!((response.header("content-type"), response.header("content-length")), (None, None));
}

#[test]
fn without_a_reply_the_answer_is_204_and_empty() {
    let program = serve("seen");
    no_reply(program.send(&binary("{}")));
    no_reply(program.post("/any/path?query", STRUCTURED, structured(&json!({})).to_string()));
    no_reply(serve("reply").send(&binary("{}")));
    assert_eq!(program.terminate().log.all(|line| line.message() == "seen" && line.field("id") == "7").len(), 2);
}

#[test]
fn a_reply_is_200_in_binary_mode_and_encoded() {
    let program = serve("reply");
    let event = structured(&json!({ "type": "question" })).to_string();
    let response = program.post("/", STRUCTURED, event).expect(200);
    let header = |name| response.header(name).unwrap_or_default();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!((header("ce-specversion"), header("ce-id"), header("ce-type")), ("1.0", "r1", "answer"));
    assert_eq!((header("ce-subject"), header("ce-kind")), ("Euro%20%E2%82%AC%20100%25", "a%20b"));
    assert_eq!(response.json(), json!({ "answer": 42 }));
}

#[test]
fn func_invoke_is_understood() {
    let program = serve("described");
    let invoked = Request::post("/", "application/json", r#"{"message":"Hello World"}"#)
        .header("Ce-Id", "8e2b1f3a-0b7c-4e0e-8f2c-5b9c1f0f6a11")
        .header("Ce-Source", "/boson/fn")
        .header("Ce-Type", "boson.fn")
        .header("Ce-Specversion", "1.0")
        .header("Ce-Time", "2026-01-31T12:00:00.123456789Z");
    let seen = program.send(&invoked).expect(200).json();
    assert_eq!((&seen["source"], &seen["type"]), (&json!("/boson/fn"), &json!("boson.fn")));
    assert_eq!(seen["data"], r#"{"message":"Hello World"}"#);
}

#[test]
fn what_is_no_event_is_not_understood() {
    let program = serve("seen");
    program.post("/", "application/json", "{}").expect_problem(415, "no CloudEvent");
    program.send(&Request::new("POST", "/")).expect_problem(415, "no CloudEvent");
    program.post("/", "application/cloudevents+avro", "x").expect_problem(415, "application/cloudevents+avro");
    program.post("/", "application/cloudevents+json; charset=utf-16", "x").expect_problem(415, "utf-16");
}

#[test]
fn an_invalid_event_is_refused_with_the_name_of_what_is_wrong() {
    let program = serve("seen");
    let plain = |headers: &[(&str, &[u8])]| {
        let request = Request::post("/", "application/json", "{}");
        program.send(&headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
    };
    let all: [(&str, &[u8]); 4] = [("ce-specversion", b"1.0"), ("ce-id", b"1"), ("ce-source", b"/s"), ("ce-type", b"t")];
    for (index, (header, _)) in all.iter().enumerate() {
        let name = header.trim_start_matches("ce-");
        let mut wrong = all;
        wrong[index].1 = b"";
        plain(&wrong).expect_problem(400, name);
        let without: Vec<_> = all.iter().filter(|(known, _)| known != header).copied().collect();
        plain(&without).expect_problem(400, name);
    }
    for (header, value) in [
        ("ce-specversion", &b"0.3"[..]),
        ("ce-subject", b""),
        ("ce-subject", b"%C0%A0"),
        ("ce-subject", b"\xff"),
        ("ce-subject", b"a%0Ab"),
        ("ce-time", b"yesterday"),
        ("ce-bad_name", b"x"),
        ("ce-data", b"x"),
        ("ce-datacontenttype", b"text/plain"),
    ] {
        let mut request = Request::post("/", "application/json", "{}").header(header, value);
        for (known, value) in all {
            if known != header {
                request = request.header(known, value);
            }
        }
        program.send(&request).expect_problem(400, header.trim_start_matches("ce-"));
    }
    for (members, name) in [
        (json!({ "id": "" }), "id"),
        (json!({ "id": null }), "id"),
        (json!({ "id": 7 }), "id"),
        (json!({ "specversion": "2.0" }), "specversion"),
        (json!({ "time": "noon" }), "time"),
        (json!({ "Bad": "x" }), "Bad"),
        (json!({ "data": 1, "data_base64": "AA==" }), "data_base64"),
        (json!({ "data_base64": "?" }), "data_base64"),
    ] {
        program.post("/", STRUCTURED, structured(&members).to_string()).expect_problem(400, name);
    }
    program.post("/", STRUCTURED, b"{\"id\":\"\xff\"}").expect(400);
    for broken in ["", "{", "[]", "null", "{} {}"] {
        program.post("/", STRUCTURED, broken).expect(400).header("content-type").expect("it says why");
    }
    let log = program.terminate().log;
    assert!(log.all(|line| line.message() == "seen").is_empty(), "the function was not called");
    // An event that is lost is something an operator must see.
    log.wait("a refusal", |line| line.level() == "WARN" && line.message() == "event refused");
}

#[test]
fn data_that_does_not_fit_is_refused_with_its_path() {
    let program = serve("created");
    no_reply(program.send(&binary(r#"{"items":[{"price":20}]}"#)));
    program.send(&binary(r#"{"items":[{"price":1},{"price":"x"}]}"#)).expect_problem(422, "data.items[1].price");
    program.send(&binary(r#"{"items":["#)).expect_problem(400, "data");
    program.send(&binary("")).expect_problem(422, "no data");
    let text = structured(&json!({ "datacontenttype": "text/plain", "data": "x" }));
    program.post("/", STRUCTURED, text.to_string()).expect_problem(415, "text/plain");
    let wrong = structured(&json!({ "data": { "items": [{}] } }));
    program.post("/", STRUCTURED, wrong.to_string()).expect_problem(422, "data.items[0]");
    program.log().wait("the event", |line| line.message() == "created" && line.json["total"] == 20);
}

#[test]
fn events_are_sent_with_post_only() {
    let program = serve("seen");
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        let response = program.send(&Request::new(method, "/")).expect(405);
        assert_eq!(response.header("allow"), Some("POST"), "{method}");
    }
}

#[test]
fn the_webhook_handshake_is_off_unless_an_origin_is_allowed() {
    let handshake = |origin: &str| {
        Request::new("OPTIONS", "/").header("WebHook-Request-Origin", origin).header("WebHook-Request-Rate", "120")
    };
    let program = serve("seen");
    let refused = program.send(&handshake("events.example")).expect(405);
    assert_eq!((refused.header("allow"), refused.header("webhook-allowed-origin")), (Some("POST"), None));

    let program = fixture("seen").env("FUNCTION_WEBHOOK_ORIGINS", "events.example, other.example").serve();
    let allowed = program.send(&handshake("events.example"));
    assert!((200..300).contains(&allowed.status), "{allowed:?}");
    assert_eq!(allowed.header("webhook-allowed-origin"), Some("events.example"));
    assert_eq!(allowed.header("webhook-allowed-rate"), Some("*"));
    assert_eq!(allowed.header("allow"), Some("POST"));
    program.send(&handshake("evil.example")).expect(405);
    no_reply(program.send(&binary("{}")));

    let program = fixture("seen").env("FUNCTION_WEBHOOK_ORIGINS", "*").serve();
    assert_eq!(program.send(&handshake("any.example")).header("webhook-allowed-origin"), Some("any.example"));
}

#[test]
fn an_error_is_delivered_again_unless_the_function_says_otherwise() {
    let program = serve("event_error");
    let status = |subject: &str| program.send(&binary("{}").header("ce-subject", subject)).status;
    assert_eq!(status("any"), 500);
    assert_eq!(status("bad"), 400);
    assert_eq!(status("drop"), 422);
    assert_eq!(status("retry bad"), 503);
    program.send(&binary("{}")).expect_problem(500, "");
    serve("event_boom").send(&binary("{}")).expect_problem(500, "");
}

#[test]
fn too_large_and_too_slow_have_their_status() {
    let program = fixture("seen").env("FUNCTION_MAX_BODY_SIZE", "10").serve();
    program.send(&binary("12345678901")).expect_problem(413, "too large");
    let program = fixture("event_blocking").env("FUNCTION_TIMEOUT", "5ms").serve();
    program.send(&binary("{}")).expect_problem(504, "");
}

#[test]
fn a_function_that_is_not_async_takes_events_too() {
    let program = serve("event_blocking");
    let response = program.send(&binary("{\"a\":1}")).expect(200);
    assert_eq!((response.header("ce-id"), response.text()), (Some("7"), "{\"a\":1}"));
}

#[test]
fn an_event_of_64_kib_is_taken() {
    let program = serve("batch");
    let data = "x".repeat(64 << 10);
    let response = program.send(&binary(format!("\"{data}\""))).expect(200);
    assert_eq!(response.body.len(), data.len() + 2);
}
