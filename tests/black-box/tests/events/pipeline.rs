//! From a clock and a topic to both sinks.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use black_box_tests::{Answer, App, AppProtocol, Call, Daprd, Redis, Sidecar, component, eventually};
use serde_json::json;

use crate::{BUS_TOPIC, event_source, part, sidecar, trigger, trigger_of};

#[test]
fn what_comes_by_cron_and_by_a_topic_reaches_the_sink_of_the_source_and_by_the_bus_that_of_the_trigger() {
    for protocol in AppProtocol::BOTH {
        let (redis, sink_a, sink_b) = (Redis::start(), App::start(|_| None), App::start(|_| None));
        let url = |app: &App| format!("{}/sink", app.url());
        let source = [component::cron("esc-cron-tick", "@every 1s"), component::redis_topics("esc-redis-sample", &redis)];
        let of_source = sidecar("es", protocol, &redis, ("ebfes-my", "ts-a"), &url(&sink_a), &source);
        let of_trigger = sidecar("t", protocol, &redis, ("ebft-my", "ts-b"), &url(&sink_b), &[]);
        let inputs = json!({
            "esi-tick": part("esc-cron-tick", "bindings.cron", None),
            "esi-sample": part("esc-redis-sample", "pubsub.redis", Some("events-sample")),
        });
        let _trigger = of_trigger.start_function(trigger());
        of_trigger.wait_for_subscriptions(1);
        let _source = of_source.start_function(event_source(&inputs));
        of_source.wait_for_subscriptions(1);
        publish(&of_source);

        for (name, app) in [("of the source", &sink_a), ("of the trigger", &sink_b)] {
            let posts = eventually(&format!("the sink {name} has both"), || {
                let posts = app.posts("/sink");
                let has = |body: &[u8]| posts.iter().any(|call| call.body == body);
                (has(b"Hello") && has(b"")).then_some(posts)
            });
            // What an event is stays with it, from the source to the last sink.
            let hello = posts.iter().find(|call| call.body == b"Hello").expect("it was found");
            let attributes = ["ce-id", "ce-source", "ce-type", "ce-specversion"].map(|header| hello.header(header));
            assert_eq!(attributes, ["hello-1", "/producer", "sample", "1.0"], "{protocol} {name}: {hello:?}");
            assert!(hello.header("content-type").starts_with("text/plain"), "{protocol} {name}: {hello:?}");
        }
    }
}

fn publish(sidecar: &Daprd) {
    let metadata = [("cloudevent.id", "hello-1"), ("cloudevent.source", "/producer"), ("cloudevent.type", "sample")];
    sidecar.publish_with("esc-redis-sample", "events-sample", "text/plain", "Hello", &metadata);
}

/// A sink that is away for a while: the delivery's own way brings the event again, and no process ends.
#[test]
fn a_sink_that_fails_at_first_gets_the_event_and_nobody_ends() {
    let failures = AtomicU32::new(3);
    let sink = App::start(move |call| {
        let fails = call.path == "/sink" && failures.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        fails.then(|| Answer::status(503))
    });
    let redis = Redis::start();
    let again = [component::retries(&["ebft-my"], u32::MAX)];
    let of_trigger = sidecar("t", AppProtocol::Grpc, &redis, ("ebft-my", "ts-b"), &format!("{}/sink", sink.url()), &again);
    let mut program = of_trigger.start_function(trigger());
    of_trigger.wait_for_subscriptions(1);
    of_trigger.publish("ebft-my", BUS_TOPIC, "text/plain", "Hello");
    assert_eq!(sink.wait_for(4, "/sink").last().map(|call| call.body.clone()), Some(b"Hello".to_vec()));
    program.assert_alive();
}

/// Where dead letters go there are no retries of the delivery: the event is done once they have it.
#[test]
fn what_a_sink_never_takes_is_once_among_its_dead_letters_with_the_reason_and_on_the_next_topic_as_it_was() {
    let sink = App::start(|call| (call.path == "/sink").then(|| Answer::status(500)));
    let dead = App::start(|_| None);
    let subscription = json!([{ "pubsubname": "next", "topic": "passed-on", "route": "/next" }]);
    let listener = App::start(move |call| (call.path == "/dapr/subscribe").then(|| Answer::json(subscription.clone())));
    let redis = Redis::start();
    let of_listener =
        Sidecar::new("l").app_at(AppProtocol::Http, listener.port()).with(component::redis_topics("next", &redis)).start();
    of_listener.wait_for_subscriptions(1);
    let more = [component::http_output("ts-dead", &format!("{}/dead", dead.url())), component::redis_topics("next", &redis)];
    let of_trigger = sidecar("t", AppProtocol::Grpc, &redis, ("ebft-my", "ts-b"), &format!("{}/sink", sink.url()), &more);
    let outputs = json!({
        "sink": part("ts-b", "bindings.http", None), "dead": part("ts-dead", "bindings.http", None),
        "bus": part("next", "pubsub.redis", Some("passed-on")),
    });
    let subscribers =
        json!({ "inputDemo": { "sinkOutputName": "sink", "dlSinkOutputName": "dead", "eventBusOutputName": "bus" } });
    let program = of_trigger.start_function(trigger_of(&outputs, &subscribers).env("RUST_LOG", "info"));
    of_trigger.wait_for_subscriptions(1);
    for id in ["1", "2"] {
        of_trigger.publish_with("ebft-my", BUS_TOPIC, "text/plain", id, &[("cloudevent.id", id), ("cloudevent.source", "/s")]);
    }
    let passed_on = listener.wait_for(2, "/next");
    let letters = dead.wait_for(2, "/dead");
    assert_eq!((letters.len(), sink.posts("/sink").len()), (2, 10), "{}", program.log().text());
    for id in ["1", "2"] {
        let letter = letters.iter().find(|letter| letter.body == id.as_bytes()).expect("it is a dead letter");
        assert_eq!((letter.header("ce-id"), letter.header("ce-deadlettercondition")), (id, "inputDemo"));
        assert!(letter.header("ce-deadletterreason").starts_with("5%20attempts:"), "{letter:?}");
        let event = passed_on.iter().map(Call::json).find(|event| event["id"] == id).expect("it was passed on");
        assert_eq!((&event["source"], &event["data"], &event["topic"]), (&"/s".into(), &id.into(), &"passed-on".into()));
    }
}
