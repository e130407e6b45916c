//! How often an event comes.

use std::fs;

use black_box_tests::{AppProtocol, Folder, Nats, Sidecar, component, eventually};
use serde_json::{Value, json};

use super::{Declared, over_both, received, received_at, serve};

over_both! {
    an_event_of_a_topic_comes_as_often_as_the_policy_says,
    a_tick_comes_as_often_as_the_policy_says,
    a_tick_that_succeeds_comes_once,
    jetstream_brings_an_event_again_until_it_succeeds,
}

fn an_event_of_a_topic_comes_as_often_as_the_policy_says(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events"));
    let sidecar = sidecar.with(component::retries(&["events"], 3)).start();
    let program = serve(&sidecar, "receive", &Declared::events().topic("orders", "events", "orders"));
    let expected = [("retry", 4), ("fail", 4), ("panic", 4), ("drop", 1), ("give up", 1), ("ok", 1)];
    for (text, _) in expected {
        sidecar.publish("events", "orders", "text/plain", text);
    }
    // They come one after another.
    let got = received_at(program.log(), "orders", expected.iter().map(|(_, count)| count).sum());
    for (text, count) in expected {
        assert_eq!(got.iter().filter(|got| got["payload"] == text).count(), count, "{text}");
    }
    assert_eq!(got.last().unwrap()["payload"], "ok");
}

/// What a clock says of when it called.
fn times(ticks: &[Value]) -> Vec<String> {
    let time = |tick: &Value| {
        let metadata = tick["input"]["metadata"].as_object().unwrap();
        // Headers have no case.
        metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case("readTimeUTC")).unwrap().1.to_string()
    };
    ticks.iter().map(time).collect()
}

fn a_tick_comes_as_often_as_the_policy_says(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::cron("tick", "@every 1s"));
    let sidecar = sidecar.with(component::retries(&["tick"], 3)).start();
    let program = serve(&sidecar, "fail", &Declared::events().binding("ticks", "tick"));
    let times = times(&received(program.log(), 5));
    assert!(times[..4].iter().all(|time| *time == times[0]) && times[4] != times[0], "{times:?}");
}

/// Any status but 200 would be tried again.
fn a_tick_that_succeeds_comes_once(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::cron("tick", "@every 1s"));
    let sidecar = sidecar.with(component::retries(&["tick"], 3)).start();
    let program = serve(&sidecar, "receive", &Declared::events().binding("ticks", "tick"));
    let times = times(&received(program.log(), 2));
    assert_ne!(times[0], times[1]);
}

fn jetstream_brings_an_event_again_until_it_succeeds(protocol: AppProtocol) {
    let (nats, folder) = (Nats::start(), Folder::new(&format!("until-{protocol}")));
    nats.create_stream("shop", &["orders"]);
    let sidecar = Sidecar::new("shop").app(protocol).with(component::jetstream_topics("events", &nats)).start();
    let program = serve(&sidecar, "receive", &Declared::events().topic("orders", "events", "orders"));
    let done = folder.path().join("done");
    sidecar.publish("events", "orders", "text/plain", format!("until {}", done.display()));
    let tries = received(program.log(), 3);
    assert!(tries.iter().all(|got| got["event"]["id"] == tries[0]["event"]["id"]), "{tries:?}");
    fs::write(done, "").unwrap();
    eventually("it is acknowledged", || (nats.consumers("shop")[0]["ack_floor"]["stream_seq"] == json!(1)).then_some(()));
}
