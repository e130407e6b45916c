//! A sidecar that is not there, not yet or no more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use black_box_tests::{Answer, App, AppProtocol, Daprd, Program, Request, Sidecar, component, eventually};
use serde_json::json;

use super::{Declared, function, over_both, received_at, serve};

over_both! { a_sidecar_that_is_back_brings_events_again }

/// An output that calls another app.
fn hook() -> (App, Sidecar) {
    let other = App::start(|_| Some(Answer::json("taken")));
    let sidecar = Sidecar::new("shop").with(component::http_output("hook", &other.url()));
    (other, sidecar)
}

/// A function that is called over HTTP and sends to the hook.
fn sends() -> Declared {
    Declared::http().invokes("out", "hook", "post", &json!({ "path": "/bills" }))
}

/// Calls the function until it has sent.
#[track_caller]
fn sends_again(program: &Program) {
    eventually("it sends again", || {
        let answer = program.post("/", "text/plain", "again");
        (answer.status == 200).then(|| assert_eq!(answer.body, b"\"taken\""))
    });
}

fn a_sidecar_that_is_back_brings_events_again(protocol: AppProtocol) {
    let mut sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events")).start();
    let declared =
        Declared::events().topic("in", "events", "orders").topic("back", "events", "bills").publishes("out", "events", "bills");
    let program = serve(&sidecar, "relay", &declared);
    let passes = |sidecar: &Daprd, count: usize| {
        sidecar.wait_for_subscriptions(2);
        sidecar.publish("events", "orders", "text/plain", count.to_string());
        assert_eq!(received_at(program.log(), "back", count).last().unwrap()["payload"], count.to_string());
    };
    passes(&sidecar, 1);
    sidecar.kill();
    sidecar.start_again();
    passes(&sidecar, 2);
    assert_eq!(sidecar.stop().code, Some(0));
    sidecar.start_again();
    passes(&sidecar, 3);
}

#[test]
fn a_function_sends_again_once_its_sidecar_is_back() {
    let (other, sidecar) = hook();
    let mut sidecar = sidecar.app(AppProtocol::Grpc).start();
    let program = serve(&sidecar, "relay", &sends());
    program.post("/", "text/plain", "one").expect(200);
    sidecar.kill();
    let failed = program.post("/", "text/plain", "two");
    assert_eq!((failed.status, failed.header("x-openfunction-status")), (500, Some("error")));
    let why = program.log().wait("of the failure", |line| !line.field("error").is_empty());
    assert!(why.field("error").contains("output `out`"), "{}", why.text);
    sidecar.start_again();
    sends_again(&program);
    assert!(other.posts("/bills").iter().all(|bill| bill.body != b"two"), "what failed was not sent");
}

#[test]
fn a_function_does_not_wait_for_its_sidecar_to_start() {
    let (_other, sidecar) = hook();
    let mut sidecar = sidecar.app(AppProtocol::Http).start();
    sidecar.kill();
    let program = function("relay", &sends()).envs(sidecar.variables()).serve();
    program.post("/", "text/plain", "too early").expect(500);
    program.get("/healthz").expect(200);
    sidecar.start_again();
    sends_again(&program);
}

#[test]
fn a_call_during_which_the_sidecar_dies_fails_and_is_not_made_again() {
    let called = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&called);
    let other = App::start(move |_| {
        count.fetch_add(1, SeqCst);
        // It never answers.
        loop {
            thread::park();
        }
    });
    let sidecar = Sidecar::new("shop").with(component::http_output("hook", &other.url()));
    let mut sidecar = sidecar.app(AppProtocol::Grpc).start();
    let program = serve(&sidecar, "relay", &sends());
    let mut waiting = program.connect();
    waiting.write(Request::post("/", "text/plain", "one").bytes());
    eventually("the call is under way", || (called.load(SeqCst) == 1).then_some(()));
    sidecar.kill();
    sidecar.start_again();
    waiting.read().expect(500);
    let why = program.log().wait("of the failure", |line| !line.field("error").is_empty());
    assert!(why.field("error").contains("output `out`"), "{}", why.text);
    assert_eq!(called.load(SeqCst), 1, "nobody knows whether the first has been done");
}
