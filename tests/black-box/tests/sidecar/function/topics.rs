//! Topics: what an event brings, where it goes, and what becomes of one that fails.

use black_box_tests::{AppProtocol, Daprd, Nats, Program, Redis, Sidecar, component};
use serde_json::{Value, json};

use super::{Declared, over_both, received_at, serve};

over_both! {
    an_event_brings_its_attributes,
    a_raw_message_is_its_bytes,
    an_event_that_is_not_dapr_s_comes_whole,
    an_event_comes_by_the_route_that_it_matches,
    after_its_retries_an_event_is_a_dead_letter,
    without_retries_it_is_one_at_once,
    a_batch_is_judged_one_by_one,
}

/// Serves `receive` with a topic `orders` on these terms, and with one that is called `dead`.
#[track_caller]
fn receive(sidecar: Sidecar, terms: &Value) -> (Daprd, Program) {
    let sidecar = sidecar.start();
    let declared = Declared::events().topic_with("orders", "events", "orders", terms).topic("dead", "events", "dead");
    let program = serve(&sidecar, "receive", &declared);
    (sidecar, program)
}

fn memory(protocol: AppProtocol) -> Sidecar {
    Sidecar::new("shop").app(protocol).with(component::memory_topics("events"))
}

fn an_event_brings_its_attributes(protocol: AppProtocol) {
    let (sidecar, program) = receive(memory(protocol), &json!({}));
    let event = json!({
        "specversion": "1.0", "id": "a & b", "source": "/somewhere/é", "type": "placed", "subject": "17", "shelf": "3",
        "time": "2026-01-31T12:00:00.5+02:00", "datacontenttype": "application/json", "data": { "z": [1, "<é>"] },
    });
    sidecar.publish("events", "orders", "application/cloudevents+json", event.to_string());
    let got = &received_at(program.log(), "orders", 1)[0];
    let expected = ["id", "source", "type", "subject", "datacontenttype"];
    assert!(expected.iter().all(|name| got["event"][name] == event[name]), "{got}");
    assert_eq!(got["event"]["time"], "2026-01-31T12:00:00.500+02:00");
    let extensions = &got["event"]["extensions"];
    assert_eq!((&extensions["shelf"], &extensions["pubsubname"]), (&json!("3"), &json!("events")), "{got}");
    let payload: Value = serde_json::from_str(got["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload, event["data"]);
    let input = &got["input"];
    assert_eq!((&input["kind"], &input["component"], &input["topic"]), (&json!("pubsub"), &json!("events"), &json!("orders")));
}

fn a_raw_message_is_its_bytes(protocol: AppProtocol) {
    let (sidecar, program) = receive(memory(protocol), &json!({ "rawPayload": "true" }));
    sidecar.publish_with("events", "orders", "application/octet-stream", b"\x00\xff{", &[("rawPayload", "true")]);
    assert_eq!(received_at(program.log(), "orders", 1)[0]["payload"], json!(b"\x00\xff{"));
    // One that has an envelope is that, whole.
    sidecar.publish_with("events", "orders", "text/plain", "wrapped", &[("cloudevent.id", "7")]);
    let whole: Value = serde_json::from_str(received_at(program.log(), "orders", 2)[1]["payload"].as_str().unwrap()).unwrap();
    assert_eq!((&whole["id"], &whole["data"], &whole["topic"]), (&json!("7"), &json!("wrapped"), &json!("orders")));
}

fn an_event_that_is_not_dapr_s_comes_whole(protocol: AppProtocol) {
    let nats = Nats::start();
    nats.create_stream("shop", &["orders", "dead"]);
    let sidecar = Sidecar::new("shop").app(protocol).with(component::jetstream_topics("events", &nats));
    // Published before anybody is there, and with a number for an attribute.
    let data = r#"{"specversion":"1.0","id":"7","source":"/elsewhere","type":"t","n":5,"datacontenttype":"text/plain","data":"hello"}"#;
    nats.client().publish("orders", data);
    let (_sidecar, program) = receive(sidecar, &json!({}));
    let got = &received_at(program.log(), "orders", 1)[0];
    assert_eq!((&got["payload"], &got["event"]["source"]), (&json!("hello"), &json!("/elsewhere")));
    assert_eq!((&got["event"]["id"], &got["event"]["extensions"]["n"]), (&json!("7"), &json!("5")));
}

fn an_event_comes_by_the_route_that_it_matches(protocol: AppProtocol) {
    let routes = json!({
        "rules": [
            { "match": r#"event.type == "placed""#, "path": "/placed" },
            { "match": r"int(event.data.cents) > 1000", "path": "/large orders" },
        ],
        "default": "/rest",
    });
    let (sidecar, program) = receive(memory(protocol), &json!({ "routes": routes.to_string() }));
    for (number, (ty, cents, route)) in
        [("placed", 1, "/placed"), ("other", 2000, "/large orders"), ("other", 2, "/rest")].into_iter().enumerate()
    {
        let data = json!({ "cents": cents }).to_string();
        sidecar.publish_with("events", "orders", "application/json", data, &[("cloudevent.type", ty)]);
        let got = &received_at(program.log(), "orders", number + 1)[number];
        assert_eq!((&got["input"]["route"], &got["event"]["type"]), (&json!(route), &json!(ty)));
    }
}

fn after_its_retries_an_event_is_a_dead_letter(protocol: AppProtocol) {
    let sidecar = memory(protocol).with(component::retries(&["events"], 3));
    let (sidecar, program) = receive(sidecar, &json!({ "deadLetterTopic": "dead" }));
    let publish = |text: &str| sidecar.publish_with("events", "orders", "text/plain", text, &[("cloudevent.id", text)]);
    publish("fail");
    let dead = &received_at(program.log(), "dead", 1)[0];
    assert_eq!((&dead["event"]["id"], &dead["payload"]), (&json!("fail"), &json!("fail")));
    let tries = received_at(program.log(), "orders", 4);
    assert!(tries.len() == 4 && tries.iter().all(|got| got["event"]["id"] == "fail"), "{tries:?}");
    // What is given up is one without a second try.
    publish("drop");
    assert_eq!(received_at(program.log(), "dead", 2)[1]["event"]["id"], "drop");
    assert_eq!(received_at(program.log(), "orders", 5).len(), 5);
}

fn without_retries_it_is_one_at_once(protocol: AppProtocol) {
    let (sidecar, program) = receive(memory(protocol), &json!({ "deadLetterTopic": "dead" }));
    for (number, text) in ["retry", "fail", "panic", "drop"].into_iter().enumerate() {
        sidecar.publish("events", "orders", "text/plain", text);
        assert_eq!(received_at(program.log(), "dead", number + 1)[number]["payload"], text);
        assert_eq!(received_at(program.log(), "orders", number + 1).len(), number + 1);
    }
}

fn a_batch_is_judged_one_by_one(protocol: AppProtocol) {
    let redis = Redis::start();
    let sidecar = Sidecar::new("shop").app(protocol).with(component::redis_topics("events", &redis));
    let terms =
        json!({ "bulkSubscribe": "true", "bulkSubscribe.maxMessagesCount": "4", "bulkSubscribe.maxAwaitDurationMs": "40" });
    let (sidecar, program) = receive(sidecar.with(component::retries(&["events"], 3)), &terms);
    for text in ["one", "fail", "two", "drop"] {
        sidecar.publish("events", "orders", "text/plain", text);
    }
    let mut got: Vec<String> =
        received_at(program.log(), "orders", 7).iter().map(|got| got["payload"].as_str().unwrap().to_owned()).collect();
    got.sort();
    assert_eq!(got, ["drop", "fail", "fail", "fail", "fail", "one", "two"]);
    black_box_tests::eventually("they came in batches", || {
        (sidecar.metric("dapr_component_pubsub_ingress_bulk_count", &[("topic", "orders")]) >= 1.0).then_some(())
    });
}
