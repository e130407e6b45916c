//! OpenFunction functions, over HTTP.

use black_box_tests::Request;
use serde_json::json;

use crate::serve;

#[test]
fn the_payload_is_the_body_of_a_plain_request() {
    let program = serve("payload");
    for content_type in ["text/plain", "application/json", "application/octet-stream"] {
        let response = program.post("/", content_type, b"\x00\xff{").expect(200);
        assert_eq!(response.body, b"\x00\xff{");
        assert_eq!((response.header("x-event"), response.header("x-function")), (Some("none"), Some("payload")));
    }
    assert_eq!(program.get("/any/path").expect(200).body, b"");
}

#[test]
fn the_payload_is_the_data_of_an_event() {
    let program = serve("payload");
    let binary = Request::post("/", "text/plain", "data")
        .header("ce-specversion", "1.0")
        .header("ce-id", "7")
        .header("ce-source", "/s")
        .header("ce-type", "t");
    let response = program.send(&binary).expect(200);
    assert_eq!((response.text(), response.header("x-event")), ("data", Some("7")));

    let structured = |data: serde_json::Value| {
        let mut event = json!({ "specversion": "1.0", "id": "8", "source": "/s", "type": "t" });
        event.as_object_mut().unwrap().append(&mut data.as_object().unwrap().clone());
        program.post("/", "application/cloudevents+json", event.to_string()).expect(200)
    };
    let response = structured(json!({ "data": { "a": [1, "é"] } }));
    assert_eq!((response.json(), response.header("x-event")), (json!({ "a": [1, "é"] }), Some("8")));
    assert_eq!(structured(json!({ "datacontenttype": "text/plain", "data": "plain" })).text(), "plain");
    assert_eq!(structured(json!({ "data_base64": "AP8=" })).body, b"\x00\xff");
    assert!(structured(json!({})).body.is_empty());
}

#[test]
fn a_broken_event_is_refused_and_a_batch_too() {
    let program = serve("payload");
    program.send(&Request::post("/", "text/plain", "x").header("ce-id", "1")).expect_problem(400, "ce-");
    program.post("/", "application/cloudevents+json", "{").expect_problem(400, "");
    program.post("/", "application/cloudevents-batch+json", "[]").expect_problem(415, "batch");
}

#[test]
fn json_is_taken_from_curl_without_a_header() {
    let program = serve("total");
    let order = r#"{"items":[{"price":20},{"price":22}]}"#;
    for content_type in ["application/x-www-form-urlencoded", "application/json", "application/vnd.order+json; charset=utf-8"] {
        let response = program.post("/", content_type, order).expect(200);
        assert_eq!((response.text(), response.header("content-type")), ("42", Some("application/json")));
    }
    program.send(&Request::new("POST", "/").body(order)).expect(200);
    program.post("/", "text/plain", order).expect_problem(415, "application/json");
    program.post("/", "application/json", r#"{"items":[{"price":"x"}]}"#).expect_problem(422, "payload.items[0].price");
    program.post("/", "application/json", "{").expect_problem(400, "payload");
}

#[test]
fn the_answer_has_the_status_and_the_headers_it_was_given() {
    let program = serve("relay");
    let response = program.post("/relay/peter", "text/plain", "hello").expect(202);
    assert_eq!((response.text(), response.header("x-relayed")), ("peter: hello", Some("yes")));
    assert_eq!(program.post("/relay/a%20b%2Fc", "text/plain", "x").expect(202).text(), "a b/c: x");
    program.post("/relay/peter", "text/plain", b"\xff").expect_problem(400, "UTF-8");
    program.post("/other", "text/plain", "x").expect(404);
}

#[test]
fn the_verdict_is_a_status() {
    let program = serve("verdict");
    for (verdict, status) in [("ok", 200), ("retry", 503), ("drop", 200)] {
        program.post("/", "text/plain", verdict).expect(status);
    }
    program.post("/", "text/plain", "invalid").expect_problem(500, "");
    program.log().wait_text("42 is no HTTP status");
}

#[test]
fn an_unknown_output_is_an_error_that_the_log_explains() {
    let program = serve("unsent");
    program.post("/", "text/plain", "").expect_problem(500, "");
    program.log().wait("the output", |line| line.level() == "ERROR" && line.field("error").contains("orders"));
}

#[test]
fn every_kind_says_how_it_went() {
    let event = Request::post("/", "text/plain", "x")
        .header("ce-specversion", "1.0")
        .header("ce-id", "1")
        .header("ce-source", "/s")
        .header("ce-type", "t");
    let plain = Request::get("/");
    for (target, request, said) in [
        ("echo", &plain, "success"),
        ("error", &plain, "error"),
        ("boom", &plain, "crash"),
        ("seen", &event, "success"),
        ("event_error", &event, "error"),
        ("event_boom", &event, "crash"),
        ("payload", &plain, "success"),
        ("open_error", &plain, "error"),
        ("open_boom", &plain, "crash"),
    ] {
        let response = serve(target).send(request);
        assert_eq!(response.header("x-openfunction-status"), Some(said), "{target}");
        assert_eq!(response.status >= 500, said != "success", "{target}");
    }
}
