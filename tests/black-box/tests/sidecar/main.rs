//! The real sidecar and real brokers beside a function, one file a subject.
//!
//! They need what `cargo xtask tools` brings, and fail without it.

mod bindings;
mod brokers;
mod function;
mod harness;
mod state;
mod topics;

use black_box_tests::{Answer, App, Call};
use serde_json::{Value, json};

/// An app that asks for a topic, to be delivered at `/` and its name, and answers what comes as it is told.
fn subscriber(topics: &str, topic: &str, answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> App {
    let subscriptions = json!([{ "pubsubname": topics, "topic": topic, "route": format!("/{topic}") }]);
    App::start(move |call| match call.path.as_str() {
        "/dapr/subscribe" => Some(Answer::json(subscriptions.clone())),
        _ => (call.method == "POST").then(|| answer(call)),
    })
}

/// What a delivered CloudEvent has as its data.
#[track_caller]
fn data(call: &Call) -> Value {
    call.json()["data"].clone()
}
