//! A stop of either side while events are on their way.

use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use black_box_tests::{Answer, App, AppProtocol, Folder, Nats, PATIENCE, Redis, Sidecar, component, eventually};
use serde_json::json;

use super::{Declared, function, over_both, received, serve};

over_both! {
    a_function_that_is_stopped_answers_what_is_in_flight,
    a_stop_under_load_cuts_nothing_and_loses_nothing,
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

fn a_stop_under_load_cuts_nothing_and_loses_nothing(protocol: AppProtocol) {
    // Over HTTP this sidecar mixes up the ends of calls that it makes at once, and acknowledges what it has not delivered when
    // nobody listens: it makes one at a time.
    let topics = if protocol == AppProtocol::Http { &["a"][..] } else { &["a", "b", "c", "d"] };
    let nats = Nats::start();
    nats.create_stream("shop", topics);
    let sidecar = Sidecar::new("shop").app(protocol).with(component::jetstream_topics("events", &nats)).start();
    let declared = topics.iter().fold(Declared::events(), |declared, topic| declared.topic(topic, "events", topic));
    let start = || sidecar.start_function(function("receive", &declared).env("FUNCTION_SHUTDOWN_GRACE", "3s"));
    let first = start();
    sidecar.wait_for_subscriptions(topics.len());
    let over = AtomicBool::new(false);
    let (ended, second, published) = thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            let (began, mut client) = (Instant::now(), nats.client());
            let mut published = BTreeSet::new();
            // It ends when the test has failed, too.
            while !over.load(SeqCst) && began.elapsed() < 2 * PATIENCE {
                for topic in topics {
                    let id = format!("{topic}{}", published.len());
                    let event = json!({
                        "specversion": "1.0", "id": id, "source": "s", "type": "t", "datacontenttype": "text/plain",
                        "data": "sleep 10",
                    });
                    client.publish(topic, event.to_string());
                    published.insert(id);
                }
                // Some more than are taken: there is always another.
                thread::sleep(Duration::from_millis(8));
            }
            published
        });
        received(first.log(), 50);
        let ended = first.terminate();
        let second = start();
        received(second.log(), 50);
        over.store(true, SeqCst);
        (ended, second, publisher.join().expect("the publisher does not panic"))
    });
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert_eq!(received(&ended.log, 0).len(), ended.log.all(|line| line.message() == "slept").len(), "what began was done");
    eventually("each event comes", || {
        let got = [received(&ended.log, 0), received(second.log(), 0)].concat();
        let seen: BTreeSet<_> = got.iter().filter_map(|got| got["event"]["id"].as_str()).collect();
        published.iter().all(|id| seen.contains(id.as_str())).then_some(())
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
