//! Two processes of one Trigger: what one has heard counts for the other.

use black_box_tests::{App, AppCallback, Program, Redis, Sidecar, component};
use dapr::dapr::proto::runtime::v1::TopicEventRequest;
use serde_json::{Value, json};

use crate::{handler, part};

/// A process that is called as a sidecar would, with a sidecar to send and keep by.
fn replica(state: Option<&str>, sidecar: &black_box_tests::Daprd) -> Program {
    let inputs =
        ["a", "b"].map(|event| (format!("ti-{event}"), part("bus", "pubsub.redis", Some(&format!("default-my-{event}")))));
    let outputs = json!({ "so-t-my-1": part("ts-b", "bindings.http", None) });
    let states = json!({ "heard": { "componentName": "heard", "componentType": "state.redis" } });
    let mut config = json!({
        "inputs": [
            { "name": "A", "namespace": "default", "eventSource": "my", "event": "a" },
            { "name": "B", "namespace": "default", "eventSource": "my", "event": "b" },
        ],
        "subscribers": { "A && B": { "sinkOutputName": "so-t-my-1" } },
    });
    if let Some(state) = state {
        config["stateName"] = state.into();
        config["resetOnMatch"] = true.into();
    }
    let inputs: Value = inputs.into_iter().collect::<serde_json::Map<_, _>>().into();
    handler("trigger-handler", &inputs, &outputs, &states, &config).envs(sidecar.variables()).serve()
}

/// Delivers an event over gRPC; tells whether it was taken.
#[track_caller]
fn deliver(program: &Program, event: &str, id: &str) {
    let request = TopicEventRequest {
        id: id.to_owned(),
        source: "test".to_owned(),
        r#type: "test".to_owned(),
        spec_version: "1.0".to_owned(),
        data_content_type: "text/plain".to_owned(),
        data: id.as_bytes().to_vec(),
        pubsub_name: "bus".to_owned(),
        topic: format!("default-my-{event}"),
        ..TopicEventRequest::default()
    };
    let status = AppCallback::connect(program.address()).topic(request);
    assert_eq!(status.expect("it is taken"), 0, "{}", program.log().text());
}

#[test]
fn what_one_replica_has_heard_counts_for_the_other_where_a_store_is_declared() {
    let (redis, sink) = (Redis::start(), App::start(|_| None));
    let url = format!("{}/sink", sink.url());
    let sidecar =
        Sidecar::new("t").with(component::http_output("ts-b", &url)).with(component::redis_state("heard", &redis)).start();
    let bodies =
        || sink.posts("/sink").into_iter().map(|call| String::from_utf8_lossy(&call.body).into_owned()).collect::<Vec<_>>();

    // Without a store each has its own memory, and nothing meets.
    let [one, other] = [replica(None, &sidecar), replica(None, &sidecar)];
    deliver(&one, "a", "1");
    deliver(&other, "b", "2");
    assert_eq!(bodies(), [""; 0]);

    let [one, other] = [replica(Some("heard"), &sidecar), replica(Some("heard"), &sidecar)];
    deliver(&one, "a", "3");
    deliver(&other, "b", "4");
    assert_eq!(bodies(), ["4"]);
    // The match is used up for both, and a new one begins with either.
    deliver(&one, "b", "5");
    assert_eq!(bodies(), ["4"]);
    deliver(&one, "a", "6");
    assert_eq!(bodies(), ["4", "6"]);
    // What was heard outlives the process.
    deliver(&other, "b", "7");
    one.kill();
    let one = replica(Some("heard"), &sidecar);
    deliver(&one, "a", "8");
    assert_eq!(bodies(), ["4", "6", "8"]);
}
