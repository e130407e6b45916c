//! Events that a sidecar brings, over both protocols; the tests are the sidecar.

mod grpc;
mod http;
mod inputs;
mod limits;

use black_box_tests::{Log, Program, Start};
use serde_json::{Value, json};

/// The program whose functions events call.
fn receiver(target: &str) -> Start {
    Start::new(env!("CARGO_BIN_EXE_receiver")).target(target)
}

/// A function context with a binding `tick` and the topic `orders` of `bus`, both with names of their own.
fn context() -> String {
    json!({
        "name": "receiver", "version": "v1", "runtime": "Async", "port": "8080",
        "inputs": {
            "ticks": { "uri": "tick", "componentName": "tick", "componentType": "bindings.cron" },
            "orders": { "uri": "orders", "componentName": "bus", "componentType": "pubsub.redis" },
        }
    })
    .to_string()
}

/// A function context with this one input.
fn only(name: &str, component: &str, ty: &str, uri: &str) -> String {
    only_with(name, component, ty, uri, &json!({}))
}

fn only_with(name: &str, component: &str, ty: &str, uri: &str, metadata: &Value) -> String {
    let input = json!({ "uri": uri, "componentName": component, "componentType": ty, "metadata": metadata });
    json!({ "name": "receiver", "version": "v1", "runtime": "Async", "port": "8080", "inputs": { name: input } }).to_string()
}

/// Serves a function with both inputs.
#[track_caller]
fn serve(target: &str) -> Program {
    receiver(target).env("FUNC_CONTEXT", context()).serve()
}

/// What the function got, once it has got as many events.
#[track_caller]
fn received(log: &Log, count: usize) -> Vec<Value> {
    let lines = log.wait_for(count, |line| line.message() == "received");
    lines.iter().map(|line| serde_json::from_str(line.field("received")).expect("it logs JSON")).collect()
}

/// What the function got last, of as many events.
#[track_caller]
fn last(log: &Log, count: usize) -> Value {
    received(log, count).pop().expect("there is one")
}

fn event(id: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "shop", "type": "com.dapr.event.sent", "topic": "orders", "pubsubname": "bus",
        "datacontenttype": "application/json", "data": data,
    })
}
