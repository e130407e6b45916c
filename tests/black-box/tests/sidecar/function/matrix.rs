//! The same functions, whatever brings their events and is behind their outputs.

use std::fs;

use black_box_tests::{Answer, App, AppProtocol, Folder, Mosquitto, Nats, Redis, Resource, Sidecar, component, eventually};
use serde_json::json;

use super::{Declared, over_both, received_at, serve};

over_both! {
    memory_brings_events_and_takes_them,
    redis_streams_bring_events_and_take_them,
    jetstream_brings_events_and_takes_them,
    mqtt_topics_bring_events_and_take_them,
    a_clock_calls_and_http_is_called,
    a_file_is_written,
    an_mqtt_binding_brings_messages_and_takes_them,
    memory_keeps_state,
    redis_keeps_state,
}

/// What is published comes in, goes out to another topic and comes in from there.
#[track_caller]
fn passes(protocol: AppProtocol, topics: Resource) {
    let sidecar = Sidecar::new("shop").app(protocol).with(topics).start();
    let declared =
        Declared::events().topic("in", "events", "orders").topic("back", "events", "bills").publishes("out", "events", "bills");
    let program = serve(&sidecar, "relay", &declared);
    sidecar.publish_with("events", "orders", "application/json", r#"{"number":7}"#, &[("cloudevent.subject", "seven")]);
    let order = &received_at(program.log(), "in", 1)[0];
    assert_eq!((&order["payload"], &order["event"]["source"]), (&json!(r#"{"number":7}"#), &json!("shop")));
    assert_eq!((&order["input"]["topic"], &order["event"]["subject"]), (&json!("orders"), &json!("seven")));
    let bill = &received_at(program.log(), "back", 1)[0];
    assert_eq!((&bill["payload"], &bill["input"]["topic"]), (&json!(r#"{"number":7}"#), &json!("bills")));
}

fn memory_brings_events_and_takes_them(protocol: AppProtocol) {
    passes(protocol, component::memory_topics("events"));
}

fn redis_streams_bring_events_and_take_them(protocol: AppProtocol) {
    passes(protocol, component::redis_topics("events", &Redis::start()));
}

fn jetstream_brings_events_and_takes_them(protocol: AppProtocol) {
    let nats = Nats::start();
    nats.create_stream("shop", &["orders", "bills"]);
    passes(protocol, component::jetstream_topics("events", &nats));
}

fn mqtt_topics_bring_events_and_take_them(protocol: AppProtocol) {
    passes(protocol, component::mqtt_topics("events", &Mosquitto::start()));
}

fn a_clock_calls_and_http_is_called(protocol: AppProtocol) {
    let other = App::start(|_| Some(Answer::json(json!({ "taken": true }))));
    let sidecar = Sidecar::new("shop").app(protocol).with(component::cron("tick", "@every 1s"));
    let sidecar = sidecar.with(component::http_output("hook", &other.url())).start();
    let declared =
        Declared::events().binding("in", "tick").invokes("out", "hook", "post", &json!({ "path": "/ticks", "X-Shop": "one" }));
    let program = serve(&sidecar, "relay", &declared);
    assert_eq!(other.wait_for(1, "/ticks")[0].header("x-shop"), "one");
    let tick = &received_at(program.log(), "in", 1)[0];
    assert_eq!((&tick["input"]["component"], &tick["payload"], &tick["event"]), (&json!("tick"), &json!(""), &json!(null)));
    let sent = program.log().wait("of the answer", |line| line.message() == "sent");
    assert_eq!(sent.field("data"), r#"{"taken":true}"#);
}

fn a_file_is_written(protocol: AppProtocol) {
    let folder = Folder::new(&format!("function-file-{protocol}"));
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events"));
    let sidecar = sidecar.with(component::file_output("files", folder.path())).start();
    let declared = Declared::events().topic("in", "events", "orders");
    let program = serve(&sidecar, "relay", &declared.invokes("out", "files", "create", &json!({ "fileName": "a/b.txt" })));
    sidecar.publish("events", "orders", "text/plain", "a text");
    program.log().wait("that it is sent", |line| line.message() == "sent");
    assert_eq!(fs::read_to_string(folder.path().join("a/b.txt")).unwrap(), "a text");
}

fn an_mqtt_binding_brings_messages_and_takes_them(protocol: AppProtocol) {
    let mosquitto = Mosquitto::start();
    let out = component::mqtt_binding("out", &mosquitto, "bills").with("direction", "output");
    let sidecar = Sidecar::new("shop").app(protocol).with(component::mqtt_binding("orders", &mosquitto, "orders")).with(out);
    let sidecar = sidecar.start();
    let declared = Declared::events().binding("in", "orders").invokes("out", "out", "create", &json!({}));
    let program = serve(&sidecar, "relay", &declared);
    let mut bills = mosquitto.subscribe("bills");
    // What is published before it has subscribed is nobody's.
    let mut sent = 0_u8;
    eventually("a message comes in", || {
        sent += 1;
        mosquitto.publish("orders", [b'#', sent, 0xff]);
        received_at(program.log(), "in", 0).pop()
    });
    let bill = bills.message();
    assert!(bill.len() == 3 && bill[0] == b'#' && bill[2] == 0xff, "{bill:?} is not what came in");
}

#[track_caller]
fn keeps(protocol: AppProtocol, store: Resource) {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events")).with(store).start();
    let program = serve(&sidecar, "count", &Declared::events().topic("in", "events", "orders").keeps("store", "kept"));
    for key in ["one", "two", "one"] {
        sidecar.publish("events", "orders", "text/plain", key);
    }
    program.log().wait_for(3, |line| line.message() == "counted");
    assert_eq!((sidecar.state("kept", "one"), sidecar.state("kept", "two")), (Some(json!(2)), Some(json!(1))));
}

fn memory_keeps_state(protocol: AppProtocol) {
    keeps(protocol, component::memory_state("kept"));
}

fn redis_keeps_state(protocol: AppProtocol) {
    keeps(protocol, component::redis_state("kept", &Redis::start()));
}
