use super::*;

fn clock(schedule: &str) -> (Manifest, Component) {
    let manifest = Manifest { inputs: vec![input("tick", "clock", "bindings.cron", None, &[])], ..Manifest::default() };
    (manifest, component("clock", "bindings.cron", &[("schedule", schedule)]))
}

/// Waits until the clock that schedules go by has gone on by so much.
async fn passed(time: Duration) {
    let then = jiff::Timestamp::now() + time;
    eventually("time has passed", || jiff::Timestamp::now() >= then).await;
}

#[tokio::test]
async fn a_schedule_calls_its_input_again_and_again() {
    let (manifest, component) = clock("@every 5ms");
    // A call that fails is not made again: the next one comes anyway.
    let function = Function::new(|_| retry("no"));
    let local = start(&manifest, &[component], options(), &function).await;
    let seen = function.count(5).await;
    assert!(local.stop(LONG).await);
    let stopped = function.seen().len();
    for seen in &seen {
        assert_eq!((seen.payload.len(), seen.attempt, seen.metadata["timeZone"].as_str()), (0, Some(1), "Local"));
        let time = &seen.metadata["readTimeUTC"];
        assert!(time.ends_with(" +0000 UTC") && time.len() >= "2026-07-09 14:45:00 +0000 UTC".len(), "{time}");
    }
    passed(Duration::from_millis(30)).await;
    assert_eq!(function.seen().len(), stopped, "nothing comes after a stop");
}

#[tokio::test]
async fn a_function_that_is_slower_than_its_schedule_is_called_once_at_a_time() {
    let (manifest, component) = clock("@every 1ms");
    let (function, gate) = Function::new(|_| success()).gated();
    let local = start(&manifest, &[component], options(), &function).await;
    function.count(1).await;
    for round in 2..5 {
        // Ten times that the schedule would have called.
        passed(Duration::from_millis(10)).await;
        gate.add_permits(1);
        function.count(round).await;
    }
    gate.add_permits(1);
    assert!(local.stop(LONG).await);
    assert_eq!((function.most_at_once(), function.seen().len() <= 5), (1, true), "what was missed is not made up for");
}

#[tokio::test]
async fn a_schedule_that_is_wrong_or_missing_is_a_mistake_of_the_configuration() {
    let (manifest, wrong) = clock("61 * * * *");
    for (component, expected) in [
        (wrong, "component clock (bindings.cron): schedule: minute: \"61\""),
        (component("clock", "bindings.cron", &[]), "schedule is missing"),
    ] {
        let StartError::Configuration(text) = refused(&manifest, &[component], options()).await else {
            panic!("expected a mistake of the configuration")
        };
        assert!(text.contains(expected), "{text}");
    }
}
