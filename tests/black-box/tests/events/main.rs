//! OpenFunction Events beside real sidecars and a real broker: the handlers of `events/` as the platform runs them.
//!
//! `SOAK_MESSAGES` is that of the soak tests: `cargo xtask soak` runs `loss` at full length.

mod configuration;
mod loss;
mod pipeline;
mod replicas;
mod throughput;

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use black_box_tests::{AppProtocol, Daprd, Redis, Resource, Sidecar, Start, built, component};
use serde_json::{Value, json};

/// The folder with the handlers: debug builds that are made now, or those that `EVENTS_BUILT` leads to, for figures.
static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(folder) = std::env::var_os("EVENTS_BUILT") {
        return Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    }
    built(env!("CARGO_BIN_EXE_fixture"), ["--package", "openfunction-events", "--bins", "--examples"])
});

/// What the controllers call an EventSource and a Trigger of the name `my`, and their parts.
const BUS_TOPIC: &str = "default-my-sample";

/// A part of a function context: a component with its type, and the topic if it has one.
fn part(component: &str, kind: &str, topic: Option<&str>) -> Value {
    let mut part = json!({ "uri": topic.unwrap_or(component), "componentName": component, "componentType": kind });
    if kind == "bindings.http" {
        part["operation"] = "post".into();
    }
    part
}

fn base64(value: &Value) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = value.to_string();
    let groups = text.as_bytes().chunks(3).map(|chunk| {
        let bits = chunk.iter().fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte)) << (8 * (3 - chunk.len()));
        let letter = |place: usize| if place > chunk.len() { '=' } else { char::from(ALPHABET[bits >> (18 - 6 * place) & 63]) };
        (0..4).map(letter).collect::<String>()
    });
    groups.collect()
}

/// A handler as a controller starts it, beside nothing yet.
fn handler(program: &str, inputs: &Value, outputs: &Value, states: &Value, config: &Value) -> Start {
    let context = json!({
        "name": program, "version": "v1", "runtime": "Async", "port": "8080",
        "inputs": inputs, "outputs": outputs, "states": states,
    });
    Start::new(BUILT.join(program)).env("FUNC_CONTEXT", context.to_string()).env("CONFIG", base64(config))
}

fn event_source(inputs: &Value) -> Start {
    let outputs = json!({ "ebo-my": part("ebfes-my", "pubsub.redis", Some(BUS_TOPIC)), "so-es-my-1": part("ts-a", "bindings.http", None) });
    let config = json!({
        "eventBusComponent": "ebfes-my", "eventBusOutputName": "ebo-my", "eventBusTopic": BUS_TOPIC,
        "sinkOutputName": "so-es-my-1", "logLevel": "2",
    });
    handler("eventsource-handler", inputs, &outputs, &json!({}), &config)
}

fn trigger() -> Start {
    trigger_of(
        &json!({ "so-t-my-1": part("ts-b", "bindings.http", None) }),
        &json!({ "inputDemo": { "sinkOutputName": "so-t-my-1" } }),
    )
}

/// A Trigger with these outputs and subscribers.
fn trigger_of(outputs: &Value, subscribers: &Value) -> Start {
    let inputs = json!({ "ti-my": part("ebft-my", "pubsub.redis", Some(BUS_TOPIC)) });
    let config = json!({
        "eventBusComponent": "ebft-my", "logLevel": "2",
        "inputs": [{ "name": "inputDemo", "namespace": "default", "eventSource": "my", "event": "sample" }],
        "subscribers": subscribers,
    });
    handler("trigger-handler", &inputs, outputs, &json!({}), &config)
}

/// A sidecar for a handler: a bus, and a sink.
fn sidecar(app: &str, protocol: AppProtocol, redis: &Redis, (bus, sink): (&str, &str), url: &str, more: &[Resource]) -> Daprd {
    let sidecar =
        Sidecar::new(app).app(protocol).with(component::redis_topics(bus, redis)).with(component::http_output(sink, url));
    more.iter().cloned().fold(sidecar, Sidecar::with).start()
}

#[test]
fn base64_is_that_of_the_standard() {
    assert_eq!(["", "1", "12", "123"].map(|text| base64(&json!(text))), ["IiI=", "IjEi", "IjEyIg==", "IjEyMyI="]);
}
