//! The end-to-end cases of the Go framework that have a sidecar, with their function contexts; another broker stands for Kafka.

use black_box_tests::{AppProtocol, Daprd, Mosquitto, Program, Redis, Sidecar, Start, component};
use serde_json::{Value, json};

use super::{over_both, received};

over_both! { bindings, pubsub }

const GREETING: &str = r#"{"hello":"world"}"#;

/// Starts a function beside its sidecar at the port that its context says. A field that nobody knows is no mistake.
#[track_caller]
fn start(sidecar: &Daprd, target: &str, mut context: Value) -> Program {
    context["version"] = "v1.0.0".into();
    context["requestID"] = "a0f2ad8d-5062-4812-91e9-95416489fb01".into();
    context["port"] = sidecar.app_port().to_string().into();
    context["runtime"] = "Async".into();
    let start = Start::bare(env!("CARGO_BIN_EXE_receiver")).target(target).env("OUTPUT", "target");
    let program = start.env("FUNC_CONTEXT", context.to_string()).envs(sidecar.variables()).serve();
    assert_eq!(program.address().port(), sidecar.app_port());
    program
}

fn bindings(protocol: AppProtocol) {
    let mosquitto = Mosquitto::start();
    let out = component::mqtt_binding("bindings-sender", &mosquitto, "bindings-topic").with("direction", "output");
    let target = Sidecar::new("bindings-target").app(protocol);
    let target = target.with(component::mqtt_binding("bindings-target", &mosquitto, "bindings-topic")).start();
    // Its input has no uri.
    let inputs = json!({ "sender": { "componentName": "bindings-target", "componentType": "bindings.mqtt3" } });
    let receiver = start(&target, "receive", json!({ "name": "bindings-target", "inputs": inputs, "outputs": {} }));

    let sender = Sidecar::new("bindings-sender").app(protocol).with(component::cron("cron-for-bindings", "@every 1s"));
    let sender = sender.with(out).start();
    let inputs = json!({ "cron": { "uri": "cron-for-bindings", "componentName": "cron-for-bindings", "componentType": "bindings.cron" } });
    let outputs = json!({
        "target": {
            "uri": "bindings-sender", "componentName": "bindings-sender", "componentType": "bindings.mqtt3", "operation": "create",
        },
    });
    let _sending = start(&sender, "greet", json!({ "name": "bindings-sender", "inputs": inputs, "outputs": outputs }));
    let got = &received(receiver.log(), 1)[0];
    assert_eq!((&got["payload"], &got["input"]["name"]), (&json!(GREETING), &json!("sender")));
}

fn pubsub(protocol: AppProtocol) {
    let redis = Redis::start();
    let subscriber =
        Sidecar::new("subscriber").app(protocol).with(component::redis_topics("pubsub-subscriber", &redis)).start();
    let topic = |component: &str| json!({ "uri": "pubsub-topic", "componentName": component, "componentType": "pubsub.redis" });
    let inputs = json!({ "pub": topic("pubsub-subscriber") });
    let receiver = start(&subscriber, "receive", json!({ "name": "subscriber", "inputs": inputs }));

    let publisher = Sidecar::new("publisher").app(protocol).with(component::redis_topics("pubsub-publisher", &redis));
    let publisher = publisher.with(component::cron("cron-for-pubsub", "@every 1s")).start();
    let inputs =
        json!({ "cron": { "uri": "cron-for-pubsub", "componentName": "cron-for-pubsub", "componentType": "bindings.cron" } });
    let outputs = json!({ "target": topic("pubsub-publisher") });
    let _publishing = start(&publisher, "greet", json!({ "name": "publisher", "inputs": inputs, "outputs": outputs }));
    let got = &received(receiver.log(), 1)[0];
    assert_eq!((&got["payload"], &got["input"]["name"]), (&json!(GREETING), &json!("pub")));
    assert_eq!((&got["event"]["source"], &got["event"]["datacontenttype"]), (&json!("publisher"), &json!("application/json")));
}
