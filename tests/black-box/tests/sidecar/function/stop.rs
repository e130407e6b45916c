//! A stop of either side while events are on their way.

use std::fs;

use black_box_tests::{Answer, App, AppProtocol, Folder, Redis, Sidecar, component, eventually};
use serde_json::json;

use super::{Declared, over_both, received, serve};

over_both! {
    a_function_that_is_stopped_answers_what_is_in_flight,
    a_function_still_sends_while_its_sidecar_ends,
}

fn a_function_that_is_stopped_answers_what_is_in_flight(protocol: AppProtocol) {
    const COUNT: usize = 6;
    let names: Vec<String> = (0..COUNT).map(|number| format!("orders{number}")).collect();
    let folder = Folder::new(&format!("stop-{protocol}"));
    let gate = folder.path().join("gate");
    let files = folder.path().join("files");
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events"));
    let sidecar = sidecar.with(component::file_output("files", &files)).start();
    let declared = names.iter().fold(Declared::events(), |declared, name| declared.topic(name, "events", name));
    let program = serve(&sidecar, "hold", &declared.invokes("out", "files", "create", &json!({})));
    for name in &names {
        sidecar.publish("events", name, "text/plain", gate.display().to_string());
    }
    received(program.log(), COUNT);
    program.signal("TERM");
    fs::write(gate, "").unwrap();
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert_eq!(ended.log.all(|line| line.message() == "sent").len(), COUNT, "{}", ended.errors);
    assert_eq!(fs::read_dir(files).unwrap().count(), COUNT);
    eventually("the sidecar has heard of each that it succeeded", || {
        let count = |name: &String| {
            sidecar.metric("dapr_component_pubsub_ingress_count", &[("process_status", "success"), ("topic", name)])
        };
        names.iter().all(|name| count(name) >= 1.0).then_some(())
    });
}

fn a_function_still_sends_while_its_sidecar_ends(protocol: AppProtocol) {
    let folder = Folder::new(&format!("shutdown-{protocol}"));
    let gate = folder.path().join("gate");
    let (other, redis) = (App::start(|_| Some(Answer::status(200))), Redis::start());
    // Where an event waits for its subscriber: with health checks nobody knows when it has subscribed.
    let sidecar = Sidecar::new("shop").app(protocol).with(component::redis_topics("events", &redis)).health_checks("/healthz");
    // Longer than the patience of the test: it ends when the function has, and not before.
    let mut sidecar = sidecar.with(component::http_output("hook", &other.url())).blocks_shutdown(600).start();
    let declared = Declared::events().topic("orders", "events", "orders");
    let program = serve(&sidecar, "hold", &declared.invokes("out", "hook", "post", &json!({ "path": "/bills" })));
    sidecar.publish("events", "orders", "text/plain", gate.display().to_string());
    received(program.log(), 1);
    sidecar.ask_to_end();
    sidecar.log().wait_text("Blocking graceful shutdown");
    fs::write(gate, "").unwrap();
    program.log().wait("that it is sent", |line| line.message() == "sent");
    assert_eq!(other.posts("/bills").len(), 1);
    program.terminate().expect(0, &[]);
    assert_eq!(sidecar.ended().code, Some(0));
}
