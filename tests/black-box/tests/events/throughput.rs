//! What a Trigger costs, beside a function of the framework that sends on what it hears.
//!
//! ```sh
//! cargo build --release -p openfunction-events --bins --examples
//! EVENTS_BUILT=target/release SOAK_MESSAGES=20000 cargo test -p black-box-tests --test events throughput -- --nocapture
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use black_box_tests::{Answer, App, AppProtocol, Redis, Start, component, eventually, proc};
use serde_json::json;

use crate::{BUILT, BUS_TOPIC, loss::messages, part, sidecar, trigger};

/// The same input and output as the Trigger has, without a condition.
fn bare() -> Start {
    let context = json!({
        "name": "bare", "version": "v1", "runtime": "Async", "port": "8080",
        "inputs": { "ti-my": part("ebft-my", "pubsub.redis", Some(BUS_TOPIC)) },
        "outputs": { "sink": part("ts-b", "bindings.http", None) },
    });
    Start::new(BUILT.join("examples").join("bare")).env("FUNC_CONTEXT", context.to_string())
}

/// All events are there before the program starts; returns how long they take, and the processor's time of the program.
fn measure(start: Start) -> (Duration, Duration) {
    let (count, arrived) = (messages(), Arc::new(AtomicUsize::new(0)));
    let noted = Arc::clone(&arrived);
    let sink = App::start(move |call| {
        (call.path == "/b").then(|| {
            noted.fetch_add(1, SeqCst);
            Answer::status(200)
        })
    });
    let redis = Redis::start();
    for id in 0..count {
        let event = json!({
            "specversion": "1.0", "id": format!("e{id}"), "source": "throughput", "type": "throughput",
            "datacontenttype": "text/plain", "data": format!("event {id}"),
        });
        redis.command(&["XADD", BUS_TOPIC, "*", "data", &event.to_string()]);
    }
    let patient = [component::retries(&["ebft-my"], u32::MAX)];
    let of_program = sidecar("t", AppProtocol::Grpc, &redis, ("ebft-my", "ts-b"), &format!("{}/b", sink.url()), &patient);
    let program = of_program.start_function(start);
    eventually("the first event has arrived", || (arrived.load(SeqCst) > 0).then_some(()));
    let (began, first, used) = (Instant::now(), arrived.load(SeqCst), proc::processor_time(program.id()));
    let mut last = first;
    while last < count {
        last = eventually("another event has arrived", || Some(arrived.load(SeqCst)).filter(|now| *now > last));
    }
    let (took, used) = (began.elapsed(), proc::processor_time(program.id()).saturating_sub(used));
    program.terminate().expect(0, &[]);
    let share = u32::try_from(count - first).expect("they are few").max(1);
    (took / share, used / share)
}

#[test]
fn a_trigger_passes_on_what_a_bare_function_does() {
    for (name, start) in [("bare function", bare()), ("trigger", trigger())] {
        let (took, used) = measure(start);
        let rate = Duration::from_secs(1).as_nanos() / took.as_nanos().max(1);
        println!("throughput: {name} | {rate} events/s | {} µs of CPU per event", used.as_micros());
    }
}
