use black_box_tests::{Program, Request, Response};
use serde_json::{Value, json};

use super::{event, last, only, only_with, received, receiver, serve};

const CLOUD_EVENT: &str = "application/cloudevents+json";

/// Where the program wants the events of a topic.
#[track_caller]
fn route(program: &Program, topic: &str) -> String {
    let subscriptions = program.get("/dapr/subscribe").expect(200).json();
    let found = subscriptions.as_array().expect("a list").iter().find(|entry| entry["topic"] == topic).cloned();
    found.unwrap_or_else(|| panic!("no {topic} in {subscriptions}"))["route"].as_str().expect("a route").to_owned()
}

#[track_caller]
fn deliver(program: &Program, topic: &str, event: &Value) -> Response {
    program.post(&route(program, topic), CLOUD_EVENT, event.to_string())
}

#[test]
fn a_sidecar_finds_what_it_asks_for() {
    let program = serve("receive");
    let subscriptions = program.get("/dapr/subscribe").expect(200);
    assert_eq!(subscriptions.header("content-type"), Some("application/json"));
    let route = route(&program, "orders");
    assert_eq!(subscriptions.json(), json!([{ "pubsubname": "bus", "topic": "orders", "route": route }]));
    program.get("/dapr/config").expect(200);
    program.send(&Request::new("OPTIONS", "/tick")).expect(200);
    program.send(&Request::new("OPTIONS", "/other")).expect(404);
    program.get("/healthz").expect(200);
    // Nobody calls a function of events with a request.
    program.get("/").expect(404);
    assert!(program.log().all(|line| line.message() == "received").is_empty());
}

#[test]
fn a_binding_is_answered_with_200_and_its_reply() {
    let program = serve("receive");
    let request = Request::post("/tick", "application/json", b"\x00\xffhello").header("readTimeUTC", "now");
    let response = program.send(&request).expect(200);
    assert_eq!(response.body, b"\x00\xffhello");
    assert_eq!(response.header("x-openfunction-status"), Some("success"));
    let got = last(program.log(), 1);
    assert_eq!(got["payload"], json!(b"\x00\xffhello"));
    assert_eq!(got["event"], Value::Null);
    assert_eq!(
        got["input"],
        json!({
            "name": "ticks", "kind": "binding", "component": "tick", "type": "bindings.cron", "topic": null,
            "route": null, "metadata": { "readtimeutc": "now" }, "attempt": null,
        })
    );
    assert!(program.post("/tick", "application/json", "").expect(200).body.is_empty());
}

#[test]
fn an_event_of_a_topic_brings_its_data_untouched() {
    let program = serve("receive");
    let body = r#"{"specversion":"1.0","id":"7","source":"shop","type":"order.placed","subject":"17","traceparent":"","n":5,
        "datacontenttype":"application/json","data":{"z":1.0,"a":9007199254740993, "<>":[]}}"#;
    let response = program.post(&route(&program, "orders"), CLOUD_EVENT, body).expect(200);
    assert_eq!(response.json(), json!({ "status": "SUCCESS" }));
    let got = last(program.log(), 1);
    assert_eq!(got["payload"], r#"{"z":1.0,"a":9007199254740993, "<>":[]}"#);
    assert_eq!(
        (&got["event"]["id"], &got["event"]["type"], &got["event"]["subject"]),
        (&"7".into(), &"order.placed".into(), &"17".into())
    );
    assert_eq!((&got["input"]["name"], &got["input"]["topic"]), (&"orders".into(), &"orders".into()));
    assert_eq!(got["input"]["kind"], "pubsub");
}

#[test]
fn the_payload_is_what_the_publisher_meant() {
    let program = serve("receive");
    let path = route(&program, "orders");
    let with = |members: Value| {
        let mut event = json!({ "specversion": "1.0", "id": "1", "source": "shop", "type": "t" });
        event.as_object_mut().unwrap().append(&mut members.as_object().unwrap().clone());
        event
    };
    let cases = [
        (with(json!({ "datacontenttype": "text/plain", "data": "hello" })).to_string(), json!("hello")),
        (with(json!({ "datacontenttype": "application/octet-stream", "data_base64": "AP8=" })).to_string(), json!(b"\x00\xff")),
        (with(json!({ "data": "text" })).to_string(), json!("\"text\"")),
        (with(json!({})).to_string(), json!("")),
        // Nothing of CloudEvents, as it came.
        ("null".to_owned(), json!("null")),
        (r#"{ "a": 1 }"#.to_owned(), json!(r#"{ "a": 1 }"#)),
        ("no JSON".to_owned(), json!("no JSON")),
        // Mended: a number, nothing, an empty text, and names and values that are none.
        (with(json!({ "id": 17, "data": 3 })).to_string(), json!("3")),
        (with(json!({ "id": null, "source": 5, "data": 4 })).to_string(), json!("4")),
        (with(json!({ "subject": "", "Bad_Name": "x", "time": "never", "trace": [1], "data": 5 })).to_string(), json!("5")),
        (with(json!({ "data": "!", "data_base64": "###", "datacontenttype": "text/plain" })).to_string(), json!("###")),
    ];
    for (index, (body, payload)) in cases.into_iter().enumerate() {
        program.post(&path, CLOUD_EVENT, &body).expect(200);
        let got = last(program.log(), index + 1);
        assert_eq!(got["payload"], payload, "{body}");
        if body.contains("\"id\":17") {
            assert_eq!(got["event"]["id"], "17");
        }
        if body.contains("\"id\":null") {
            assert_eq!(got["event"], Value::Null);
        }
        if body.contains("Bad_Name") {
            assert_eq!((&got["event"]["time"], &got["event"]["extensions"]), (&Value::Null, &json!({ "trace": "[1]" })));
        }
    }
}

#[test]
fn an_event_in_binary_mode_has_its_attributes_in_the_metadata() {
    let program = serve("receive");
    let request = Request::post(&route(&program, "orders"), CLOUD_EVENT, b"\xff\x00")
        .header("ce_specversion", "1.0")
        .header("ce_id", "9")
        .header("ce_source", "/s")
        .header("ce_type", "t");
    program.send(&request).expect(200);
    let got = last(program.log(), 1);
    assert_eq!((&got["event"]["id"], &got["payload"]), (&"9".into(), &json!(b"\xff\x00")));
}

#[test]
fn a_verdict_is_told_in_the_way_that_both_sidecar_and_proxy_read() {
    let program = serve("receive");
    for (payload, status, text) in [
        ("drop", 200, "DROP"),
        ("give up", 200, "DROP"),
        ("retry", 500, "RETRY"),
        ("fail", 500, "RETRY"),
        ("panic", 500, "RETRY"),
        ("ok", 200, "SUCCESS"),
    ] {
        let response = deliver(&program, "orders", &event("1", &json!(null)).tap(payload)).expect(status);
        assert_eq!(response.json(), json!({ "status": text }), "{payload}");
        assert!(!response.text().contains("secret"), "{payload}");
        let told = match payload {
            "panic" => "crash",
            "retry" | "fail" => "error",
            _ => "success",
        };
        assert_eq!(response.header("x-openfunction-status"), Some(told), "{payload}");
    }
    for (payload, status) in [("drop", 200), ("retry", 500), ("fail", 500), ("panic", 500)] {
        program.post("/tick", "application/json", payload).expect(status);
    }
    program.log().wait_text("secret of the function");
    program.log().wait_text("panicked: secret panic");
}

trait Tap {
    /// The event with this text as its data.
    fn tap(self, text: &str) -> Value;
}

impl Tap for Value {
    fn tap(mut self, text: &str) -> Value {
        self["datacontenttype"] = "text/plain".into();
        self["data"] = text.into();
        self
    }
}

#[test]
fn dapr_proxy_posts_the_topic_and_the_shape_of_its_sdk() {
    let program = serve("receive");
    let go = |data: Value, media_type: &str| {
        json!({
            "id": "1", "specversion": "1.0", "type": "com.dapr.event.sent", "source": "shop", "datacontenttype": media_type,
            "data": data, "subject": "", "topic": "orders", "pubsubname": "bus",
        })
        .to_string()
    };
    program.post("/orders", CLOUD_EVENT, go(json!({ "n": 1 }), "application/json")).expect(200);
    assert_eq!(last(program.log(), 1)["payload"], r#"{"n":1}"#);
    program.post("/orders", CLOUD_EVENT, go(json!("AP8="), "application/octet-stream")).expect(200);
    assert_eq!(last(program.log(), 2)["payload"], json!(b"\x00\xff"));
    program.post("/orders", CLOUD_EVENT, go(json!("AP8="), "text/plain")).expect(200);
    let got = last(program.log(), 3);
    assert_eq!((&got["payload"], &got["event"]["subject"]), (&json!("AP8="), &Value::Null));
}

#[test]
fn what_is_for_no_input_comes_again_and_is_never_404() {
    let program = serve("receive");
    for path in ["/other", "/job/none", "/dapr/inputs/none", "/"] {
        program.post(path, "application/json", "{}").expect(500);
    }
    let line = program.log().wait("about it", |line| line.message() == "delivery refused");
    assert!(
        line.field("error").contains("inputs: ") && line.field("error").contains("`ticks` (binding `tick`)"),
        "{}",
        line.text
    );

    // With one input a wrong name is the proxy's mistake.
    let program = receiver("receive").env("FUNC_CONTEXT", only("ticks", "tick", "bindings.cron", "tick")).serve();
    program.post("/serving-x-bindings-other", "application/json", "{}").expect(200);
    assert_eq!(last(program.log(), 1)["input"]["name"], "ticks");
}

#[test]
fn a_batch_has_a_verdict_for_each() {
    let context = only_with(
        "orders",
        "bus",
        "pubsub.redis",
        "orders",
        &json!({ "bulkSubscribe": "true", "bulkSubscribe.maxMessagesCount": "10" }),
    );
    let program = receiver("receive").env("FUNC_CONTEXT", context).serve();
    let subscriptions = program.get("/dapr/subscribe").expect(200).json();
    assert_eq!(subscriptions[0]["bulkSubscribe"], json!({ "enabled": true, "maxMessagesCount": 10 }));
    let entry =
        |id: &str, event: Value| json!({ "entryId": id, "event": event, "contentType": CLOUD_EVENT, "metadata": { "k": id } });
    let batch = json!({
        "id": "b", "type": "com.dapr.event.sent.bulk", "topic": "orders", "pubsubname": "bus", "metadata": {},
        "entries": [
            entry("1", event("1", &json!(null)).tap("ok")),
            entry("2", event("2", &json!(null)).tap("retry")),
            entry("3", event("3", &json!(null)).tap("drop")),
            entry("4", json!("cmF3")),
        ],
    });
    let response = program.post(&route(&program, "orders"), "application/json", batch.to_string()).expect(200);
    let statuses =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(id, status)| json!({ "entryId": id, "status": status })).collect::<Value>();
    let expected = statuses(&[("1", "SUCCESS"), ("2", "RETRY"), ("3", "DROP"), ("4", "SUCCESS")]);
    assert_eq!(response.json(), json!({ "statuses": expected }));
    let got = received(program.log(), 4);
    let raw = got.iter().find(|got| got["payload"] == "raw").expect("the raw one");
    assert_eq!(raw["input"]["metadata"], json!({ "k": "4" }));
}

#[test]
fn a_subscription_says_what_its_input_says() {
    let metadata = json!({
        "rawPayload": "true", "deadLetterTopic": "dead",
        "routes": r#"{"rules":[{"match":"event.type == \"a\"","path":"/a"}]}"#,
    });
    let context = only_with("my orders/2", "bus", "pubsub.redis", "orders", &metadata);
    let program = receiver("receive").env("FUNC_CONTEXT", context).serve();
    let subscription = program.get("/dapr/subscribe").expect(200).json()[0].clone();
    assert_eq!(
        (&subscription["metadata"], &subscription["deadLetterTopic"]),
        (&json!({ "rawPayload": "true" }), &json!("dead"))
    );
    let rule = &subscription["routes"]["rules"][0];
    assert_eq!(rule["match"], "event.type == \"a\"");
    for (path, route) in [(&rule["path"], json!("/a")), (&subscription["routes"]["default"], Value::Null)] {
        program.post(path.as_str().unwrap(), CLOUD_EVENT, event("1", &json!(1)).to_string()).expect(200);
        let count = if route.is_null() { 2 } else { 1 };
        let got = last(program.log(), count);
        assert_eq!((&got["input"]["route"], &got["input"]["name"]), (&route, &json!("my orders/2")));
    }
}

#[test]
fn a_job_calls_the_input_of_its_name() {
    let program = serve("receive");
    program.post("/job/ticks", "application/json", "payload").expect(200);
    assert_eq!(last(program.log(), 1)["payload"], "payload");
}

#[test]
fn the_token_is_asked_of_deliveries_only() {
    let program = receiver("receive").env("FUNC_CONTEXT", super::context()).env("APP_API_TOKEN", "s3cret").serve();
    program.get("/dapr/subscribe").expect(200);
    program.get("/dapr/config").expect(200);
    program.get("/healthz").expect(200);
    program.send(&Request::new("OPTIONS", "/tick")).expect(200);
    let post = |tokens: &[&str]| {
        let request = Request::post("/tick", "application/json", "x");
        program.send(&tokens.iter().fold(request, |request, token| request.header("dapr-api-token", token)))
    };
    post(&[]).expect(401);
    post(&["wrong"]).expect(401);
    post(&["fake", "s3cret"]).expect(200);
    let got = last(program.log(), 1);
    assert_eq!(got["input"]["metadata"], json!({}), "the token is nobody's business");
    assert!(!program.log().text().contains("s3cret"));
}
