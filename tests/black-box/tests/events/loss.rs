//! Events through source, bus and trigger, while both processes are killed again and again.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use black_box_tests::{Answer, App, AppProtocol, Redis, component};
use serde_json::json;

use crate::{event_source, part, sidecar, trigger};

/// A full run, with five kills of each.
const FULL: usize = 10_000;
const KILLS: usize = 5;

/// After so long without anything new, nothing more is on its way.
const QUIET: Duration = Duration::from_secs(60);

/// How many go through: half of what the soak tests send.
pub(crate) fn messages() -> usize {
    let Ok(count) = std::env::var("SOAK_MESSAGES") else { return FULL / 10 };
    match count.parse::<usize>() {
        Ok(count) if count >= 100 => count.div_ceil(2),
        _ => panic!("SOAK_MESSAGES is {count:?}: expected a number, at least 100"),
    }
}

/// How often each event has arrived.
struct Arrived {
    times: Mutex<Vec<u32>>,
    different: AtomicUsize,
}

impl Arrived {
    fn note(&self, body: &[u8]) {
        let id: usize = std::str::from_utf8(body).ok().and_then(|id| id.parse().ok()).expect("the body is that of an event");
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times[id] += 1;
        if times[id] == 1 {
            self.different.fetch_add(1, SeqCst);
        }
    }

    /// Waits until so many different ones are there; fails when nothing new comes any more.
    #[track_caller]
    fn wait_for(&self, count: usize) {
        let (mut last, mut changed) = (0, Instant::now());
        while last < count {
            let now = self.different.load(SeqCst);
            if now != last {
                (last, changed) = (now, Instant::now());
            }
            assert!(changed.elapsed() < QUIET, "{last} of {count} have arrived, and nothing new comes");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn every_event_arrives_at_least_once_while_both_processes_are_killed() {
    let count = messages();
    let arrived = Arc::new(Arrived { times: Mutex::new(vec![0; count]), different: AtomicUsize::new(0) });
    let noted = Arc::clone(&arrived);
    let sink = App::start(move |call| {
        (call.path == "/b").then(|| {
            noted.note(&call.body);
            Answer::status(200)
        })
    });
    let redis = Redis::start();
    // What a broker does after an error is its own matter: Redis streams would take an event as done.
    let source = [component::redis_topics("esc-redis", &redis), component::retries(&["esc-redis"], u32::MAX)];
    let again = [component::retries(&["ebft-my"], u32::MAX)];
    let of_source = sidecar("es", AppProtocol::Grpc, &redis, ("ebfes-my", "ts-a"), &format!("{}/a", sink.url()), &source);
    let of_trigger = sidecar("t", AppProtocol::Grpc, &redis, ("ebft-my", "ts-b"), &format!("{}/b", sink.url()), &again);
    let inputs = json!({ "esi-sample": part("esc-redis", "pubsub.redis", Some("events-sample")) });
    let mut trigger_program = of_trigger.start_function(trigger());
    of_trigger.wait_for_subscriptions(1);
    let mut source_program = of_source.start_function(event_source(&inputs));
    of_source.wait_for_subscriptions(1);

    let (began, address) = (Instant::now(), redis.address());
    let publisher = thread::spawn(move || {
        for id in 0..count {
            let event = json!({
                "specversion": "1.0", "id": format!("e{id}"), "source": "loss", "type": "loss",
                "datacontenttype": "text/plain", "data": id.to_string(),
            });
            Redis::try_command(address, &["XADD", "events-sample", "*", "data", &event.to_string()])
                .expect("the broker is there");
        }
    });
    for kill in 1..=KILLS {
        arrived.wait_for(kill * count / (KILLS + 1));
        source_program.kill();
        trigger_program.kill();
        source_program = of_source.start_function(event_source(&inputs));
        trigger_program = of_trigger.start_function(trigger());
    }
    publisher.join().expect("a publisher does not panic");
    arrived.wait_for(count);
    source_program.terminate().expect(0, &[]);
    trigger_program.terminate().expect(0, &[]);

    let times = arrived.times.lock().unwrap_or_else(PoisonError::into_inner);
    let lost = times.iter().filter(|&&times| times == 0).count();
    let again: u32 = times.iter().map(|times| times.saturating_sub(1)).sum();
    let (kept, seconds, kills) = (count - lost, began.elapsed().as_secs(), 2 * KILLS);
    println!(
        "soak: EventSource and Trigger over Redis | {count} | {kept} | {lost} | {again} | {kills} | 0 | 0 | 0 | {seconds}"
    );
    assert_eq!(lost, 0);
}
