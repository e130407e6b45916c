//! A function beside the real sidecar, called over either protocol; one file a subject.

mod acknowledged;
mod content;
mod go_cases;
mod matrix;
mod names;
mod outage;
mod outputs;
mod proxy;
mod retries;
mod sizes;
mod start;
mod state;
mod stop;
mod token;
mod topics;
mod trace;

use black_box_tests::{Daprd, Log, Program, Start};
use serde_json::{Value, json};

/// Makes of each case two tests: it is called over HTTP, and over gRPC.
macro_rules! over_both {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            #[test]
            fn over_http() {
                super::$case(black_box_tests::AppProtocol::Http);
            }

            #[test]
            fn over_grpc() {
                super::$case(black_box_tests::AppProtocol::Grpc);
            }
        }
    )+};
}
use over_both;

/// What a function is declared to have: the `FUNC_CONTEXT` that the platform gives it.
#[derive(Clone)]
struct Declared(Value);

impl Declared {
    /// A function that only events call.
    fn events() -> Self {
        Self(json!({ "name": "fixture", "version": "v1", "runtime": "Async", "port": "8080" }))
    }

    /// A function that is called over HTTP.
    fn http() -> Self {
        let mut this = Self::events();
        this.0["runtime"] = "Knative".into();
        this
    }

    /// Subscribes to a topic.
    fn topic(self, name: &str, component: &str, topic: &str) -> Self {
        self.topic_with(name, component, topic, &json!({}))
    }

    /// Subscribes to a topic, on terms.
    fn topic_with(mut self, name: &str, component: &str, topic: &str, metadata: &Value) -> Self {
        self.0["inputs"][name] =
            json!({ "uri": topic, "componentName": component, "componentType": "pubsub.any", "metadata": metadata });
        self
    }

    /// Has a binding as an input.
    fn binding(mut self, name: &str, component: &str) -> Self {
        self.0["inputs"][name] = json!({ "uri": component, "componentName": component, "componentType": "bindings.any" });
        self
    }

    /// Has a topic as an output.
    fn publishes(mut self, name: &str, component: &str, topic: &str) -> Self {
        self.0["outputs"][name] = json!({ "uri": topic, "componentName": component, "componentType": "pubsub.any" });
        self
    }

    /// Has a binding as an output.
    fn invokes(mut self, name: &str, component: &str, operation: &str, metadata: &Value) -> Self {
        self.0["outputs"][name] = json!({
            "uri": component, "componentName": component, "componentType": "bindings.any", "operation": operation,
            "metadata": metadata,
        });
        self
    }

    /// Keeps state.
    fn keeps(mut self, name: &str, component: &str) -> Self {
        self.0["states"][name] = json!({ "componentName": component, "componentType": "state.any" });
        self
    }

    /// How many topics it subscribes to.
    fn topics(&self) -> usize {
        let inputs = self.0["inputs"].as_object().into_iter().flatten();
        inputs.filter(|(_, input)| input["componentType"] == "pubsub.any").count()
    }
}

/// How to start one of the functions.
fn function(target: &str, declared: &Declared) -> Start {
    Start::new(env!("CARGO_BIN_EXE_receiver")).target(target).env("FUNC_CONTEXT", declared.0.to_string())
}

/// Starts one of the functions beside a sidecar, and waits until all its topics are subscribed to.
#[track_caller]
fn serve(sidecar: &Daprd, target: &str, declared: &Declared) -> Program {
    let program = sidecar.start_function(function(target, declared));
    sidecar.wait_for_subscriptions(declared.topics());
    program
}

/// What a function got, once it has got as many events.
#[track_caller]
fn received(log: &Log, count: usize) -> Vec<Value> {
    let lines = log.wait_for(count, |line| line.message() == "received");
    lines.iter().map(|line| serde_json::from_str(line.field("received")).expect("it logs JSON")).collect()
}

/// What a function got at one of its inputs, once it has got as many events there.
#[track_caller]
fn received_at(log: &Log, input: &str, count: usize) -> Vec<Value> {
    black_box_tests::eventually(&format!("{count} events come to {input}"), || {
        let all = received(log, 0).into_iter().filter(|got| got["input"]["name"] == input);
        Some(all.collect::<Vec<_>>()).filter(|got| got.len() >= count)
    })
}
