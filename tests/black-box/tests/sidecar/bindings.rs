//! Bindings: what comes in without a topic, and what goes out.

use std::fs;

use black_box_tests::{Answer, App, AppProtocol, Folder, Mosquitto, Redis, Sidecar, component};
use serde_json::json;

#[test]
fn cron_calls_the_app_again_and_again() {
    let app = App::start(|_| None);
    let _sidecar =
        Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).with(component::cron("tick", "@every 1s")).start();
    let calls = app.wait_for(2, "/tick");
    assert!(calls[0].body.is_empty() && !calls[0].header("readtimeutc").is_empty(), "{calls:?}");
}

#[test]
fn mqtt_comes_in_and_goes_out() {
    let mosquitto = Mosquitto::start();
    let app = App::start(|_| None);
    let (into, out) =
        (component::mqtt_binding("in", &mosquitto, "orders"), component::mqtt_binding("out", &mosquitto, "bills"));
    let mut sidecar =
        Sidecar::new("shop").app_at(AppProtocol::Http, app.port()).with(into).with(out.with("direction", "output")).start();
    sidecar.wait_until_ready();
    // What is published before it has subscribed is nobody's.
    let mut count = 0;
    black_box_tests::eventually("a message comes in", || {
        count += 1;
        mosquitto.publish("orders", format!("order {count}"));
        app.posts("/in").first().cloned()
    });
    let mut bills = mosquitto.subscribe("bills");
    sidecar.invoke_binding("out", "create", &json!({ "sum": 7 }), &[]);
    assert_eq!(bills.message(), br#"{"sum":7}"#);
}

#[test]
fn http_goes_out_and_its_answer_comes_back() {
    let other = App::start(|_| Some(Answer::json(json!({ "taken": true }))));
    let sidecar = Sidecar::new("shop").with(component::http_output("hook", &other.url())).start();
    let answer = sidecar.invoke_binding("hook", "post", &json!({ "sum": 7 }), &[("path", "/bills"), ("X-Shop", "one")]);
    assert_eq!(answer.json(), json!({ "taken": true }));
    let bill = &other.posts("/bills")[0];
    assert_eq!((bill.json(), bill.header("x-shop")), (json!({ "sum": 7 }), "one"));
}

#[test]
fn a_file_goes_out() {
    let folder = Folder::new("file-output");
    let sidecar = Sidecar::new("shop").with(component::file_output("files", folder.path())).start();
    // With a space: what could be base64 is decoded.
    sidecar.invoke_binding("files", "create", &json!("a text"), &[("fileName", "a/b.txt")]);
    assert_eq!(fs::read_to_string(folder.path().join("a/b.txt")).unwrap(), "a text");
}

#[test]
fn a_key_of_redis_goes_out() {
    let redis = Redis::start();
    let sidecar = Sidecar::new("shop").with(component::redis_output("keys", &redis)).start();
    sidecar.invoke_binding("keys", "create", &json!(7), &[("key", "number")]);
    assert_eq!(redis.command(&["GET", "number"]), "7");
}
