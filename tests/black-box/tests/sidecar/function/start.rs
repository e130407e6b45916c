//! Who starts first, what the sidecar asks then, and what it is answered.

use std::fs;

use black_box_tests::{AppProtocol, Folder, Nats, Request, Resource, Sidecar, component, proc};
use serde_json::json;

use super::{Declared, function, over_both, received_at, serve};

over_both! {
    a_function_that_starts_long_after_its_sidecar_misses_nothing,
    a_sidecar_that_starts_again_finds_a_function_that_has_no_place_left,
    only_the_bindings_of_the_function_call_it,
}

fn a_function_that_starts_long_after_its_sidecar_misses_nothing(protocol: AppProtocol) {
    let (nats, folder) = (Nats::start(), Folder::new(&format!("late-{protocol}")));
    nats.create_stream("shop", &["orders"]);
    let mut sidecar = Sidecar::new("shop").app(protocol).with(component::jetstream_topics("events", &nats)).start();
    sidecar.publish("events", "orders", "text/plain", "early");
    let (declared, gate) = (Declared::events().topic("orders", "events", "orders"), folder.path().join("gate"));
    let port = sidecar.app_port().to_string();
    let late = function("late", &declared).env("GATE", &gate).env("PORT", port).envs(sidecar.variables()).start();
    late.log().wait("that it is prepared", |line| line.message() == "preparing");
    // As long as it is being prepared nobody can ask it anything, for what is asked once is not asked again.
    assert!(proc::listening(late.id()).is_empty() && sidecar.subscriptions().is_empty());
    fs::write(gate, "").unwrap();
    let program = late.listening();
    sidecar.wait_until_ready();
    assert_eq!(received_at(program.log(), "orders", 1)[0]["payload"], "early");
}

fn a_sidecar_that_starts_again_finds_a_function_that_has_no_place_left(protocol: AppProtocol) {
    let folder = Folder::new(&format!("busy-{protocol}"));
    let gate = folder.path().join("gate");
    let mut sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events")).start();
    let declared = Declared::events().topic("orders", "events", "orders").publishes("out", "events", "bills");
    let program = sidecar.start_function(function("hold", &declared).env("FUNCTION_CONCURRENCY", "1"));
    sidecar.wait_for_subscriptions(1);
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "s", "type": "t", "datacontenttype": "text/plain", "data": gate,
    });
    let mut another = program.connect();
    another.write(Request::post("/orders", "application/cloudevents+json", event.to_string()).bytes());
    received_at(program.log(), "orders", 1);
    sidecar.kill();
    sidecar.start_again();
    sidecar.wait_for_subscriptions(1);
    sidecar.publish("events", "orders", "text/plain", gate.display().to_string());
    fs::write(&gate, "").unwrap();
    another.read().expect(200);
    received_at(program.log(), "orders", 2);
}

/// A clock of which nothing says that it is an input: the sidecar asks the function.
fn clock(name: &str) -> Resource {
    component::component(name, "bindings.cron").with("schedule", "@every 1s")
}

fn only_the_bindings_of_the_function_call_it(protocol: AppProtocol) {
    let mut sidecar = Sidecar::new("shop").app(protocol).with(clock("another")).with(clock("tick")).with(clock("zoo")).start();
    let program = serve(&sidecar, "receive", &Declared::events().binding("ticks", "tick"));
    sidecar.wait_until_ready();
    let ticks = received_at(program.log(), "ticks", 2);
    assert!(ticks.iter().all(|tick| tick["input"]["component"] == json!("tick")), "{ticks:?}");
    for other in ["another", "zoo"] {
        sidecar.log().wait_text(&format!("app has not subscribed to binding {other}"));
    }
    assert!(program.log().all(|line| line.message() == "delivery refused").is_empty());
}
