//! What is published to a topic comes to the app that asked for it.

use std::sync::atomic::{AtomicBool, Ordering};

use black_box_tests::{Answer, AppProtocol, Daprd, Mosquitto, Nats, Redis, Resource, Sidecar, component};
use serde_json::json;

use crate::{data, subscriber};

/// An event goes through a broker: published by the sidecar of an app and delivered to it.
#[track_caller]
fn passes(topics: Resource) {
    let app = subscriber("events", "orders", |_| Answer::status(200));
    let sidecar = Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).with(topics).start();
    sidecar.wait_for_subscriptions(1);
    sidecar.publish("events", "orders", "application/json", r#"{"number":9007199254740993}"#);
    let order = &app.wait_for(1, "/orders")[0];
    assert_eq!(order.header("content-type"), "application/cloudevents+json");
    assert_eq!(data(order), json!({ "number": 9_007_199_254_740_993_u64 }));
    let event = order.json();
    assert_eq!((&event["source"], &event["topic"], &event["pubsubname"]), (&json!("shop"), &json!("orders"), &json!("events")));
}

#[test]
fn an_event_passes_through_memory() {
    passes(component::memory_topics("events"));
}

#[test]
fn an_event_passes_through_redis() {
    let redis = Redis::start();
    passes(component::redis_topics("events", &redis));
    assert_eq!(redis.command(&["XLEN", "orders"]), 1);
}

#[test]
fn an_event_passes_through_jetstream() {
    let nats = Nats::start();
    nats.create_stream("shop", &["orders"]);
    passes(component::jetstream_topics("events", &nats));
    assert_eq!(nats.stream("shop")["state"]["messages"], 1);
}

#[test]
fn an_event_passes_through_mqtt() {
    let mosquitto = Mosquitto::start();
    passes(component::mqtt_topics("events", &mosquitto));
}

#[test]
fn jetstream_delivers_again_what_failed() {
    let nats = Nats::start();
    nats.create_stream("shop", &["orders"]);
    let failed = AtomicBool::new(false);
    let app =
        subscriber("events", "orders", move |_| Answer::status(if failed.swap(true, Ordering::Relaxed) { 200 } else { 500 }));
    let topics = component::jetstream_topics("events", &nats);
    let sidecar = Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).with(topics).start();
    sidecar.wait_for_subscriptions(1);
    sidecar.publish("events", "orders", "text/plain", "again");
    let calls = app.wait_for(2, "/orders");
    assert_eq!(calls[0].json()["id"], calls[1].json()["id"]);
    acknowledged(&nats, 1);
}

/// Waits until all messages of the only consumer are done.
#[track_caller]
fn acknowledged(nats: &Nats, count: u64) {
    black_box_tests::eventually("all messages are acknowledged", || {
        let consumers = nats.consumers("shop");
        (consumers[0]["ack_floor"]["stream_seq"] == count).then_some(())
    });
}

#[test]
fn a_message_from_elsewhere_is_delivered() {
    let nats = Nats::start();
    nats.create_stream("shop", &["orders"]);
    let app = subscriber("events", "orders", |_| Answer::status(200));
    let topics = component::jetstream_topics("events", &nats);
    let _sidecar = Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).with(topics).start();
    assert_eq!(nats.client().publish("orders", r#"{"specversion":"1.0","id":"7","type":"t","source":"/","data":1}"#), 1);
    assert_eq!(data(&app.wait_for(1, "/orders")[0]), 1);
}

#[test]
fn a_durable_topic_goes_on_where_a_killed_sidecar_was() {
    let mut nats = Nats::start();
    nats.create_stream("shop", &["orders"]);
    let app = subscriber("events", "orders", |_| Answer::status(200));
    let topics = component::durable_jetstream_topic("events", &nats, "shop-orders");
    let mut sidecar = Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).with(topics).start();
    let publish = |sidecar: &Daprd, text: &str| sidecar.publish("events", "orders", "text/plain", text);
    sidecar.wait_for_subscriptions(1);
    publish(&sidecar, "before");
    app.wait_for(1, "/orders");
    acknowledged(&nats, 1);

    sidecar.kill();
    nats.stop();
    nats.start_again();
    nats.client().publish("orders", r#"{"specversion":"1.0","id":"7","type":"t","source":"/","data":"meanwhile"}"#);
    sidecar.start_again();
    sidecar.wait_for_subscriptions(1);
    publish(&sidecar, "after");
    acknowledged(&nats, 3);
    let mut seen: Vec<String> =
        app.posts("/orders").iter().map(|call| data(call).as_str().unwrap_or_default().to_owned()).collect();
    seen.sort();
    assert_eq!(seen, ["after", "before", "meanwhile"]);
}

#[test]
fn after_its_retries_an_event_is_a_dead_letter() {
    let app = subscriber("events", "dead", |call| Answer::status(if call.path == "/dead" { 200 } else { 500 }));
    let orders = component::subscription("events", "orders", "/orders").set("deadLetterTopic", "dead");
    let sidecar = Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).with(component::memory_topics("events"));
    let sidecar = sidecar.with(orders).with(component::retries(&["events"], 3)).start();
    sidecar.wait_for_subscriptions(2);
    sidecar.publish_with("events", "orders", "text/plain", "bad", &[("cloudevent.id", "id & more")]);
    assert_eq!(app.wait_for(1, "/dead")[0].json()["id"], "id & more");
    assert_eq!(app.posts("/orders").len(), 4);
    let labels = [("process_status", "drop"), ("topic", "orders")];
    assert!(sidecar.metric("dapr_component_pubsub_ingress_count", &labels) >= 1.0);
}
