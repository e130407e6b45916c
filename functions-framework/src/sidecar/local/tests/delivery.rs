use std::collections::BTreeMap;

use super::*;
use crate::{
    server,
    sidecar::{SidecarCode, Trace},
};

#[tokio::test]
async fn what_is_published_comes_to_the_input_as_the_data_of_an_event() {
    let function = Function::new(|_| success());
    let local = start(&topics(&["orders", "other"]), &[], options(), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    let seen = &function.count(1).await[0];
    assert_eq!((seen.input.as_str(), seen.text().as_str(), seen.attempt), ("orders", "one", Some(1)));
    assert_eq!((seen.metadata["pubsubName"].as_str(), seen.event_id.as_ref().map(String::len)), ("bus", Some(36)));
    publish(&local, "nobody", "two").await.unwrap();
    publish(&local, "other", "three").await.unwrap();
    function.count(2).await;
    assert_eq!(function.texts(), ["one", "three"]);
    assert!(local.stop(LONG).await);
}

#[tokio::test]
async fn every_subscription_that_fits_gets_its_own() {
    let function = Function::new(|_| success());
    let local = start(&topics(&["orders", "ord*", "*"]), &[], options(), &function).await;
    publish(&local, "orders", "a").await.unwrap();
    publish(&local, "ordinary", "b").await.unwrap();
    publish(&local, "x", "c").await.unwrap();
    let seen = function.count(6).await;
    let mut seen: Vec<_> = seen.iter().map(|seen| (seen.input.as_str(), seen.text())).collect();
    seen.sort();
    let expected = [("*", "a"), ("*", "b"), ("*", "c"), ("ord*", "a"), ("ord*", "b"), ("orders", "a")];
    assert_eq!(seen, expected.map(|(input, text)| (input, text.to_owned())));
}

#[tokio::test]
async fn what_was_not_taken_comes_again_until_it_is() {
    let function = Function::new(|seen| if seen.attempt < Some(3) { retry("not yet") } else { success() });
    let local = start(&topics(&["orders"]), &[], options(), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    let seen = function.count(3).await;
    assert_eq!(seen.iter().map(|seen| seen.attempt).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert_eq!(seen[0].event_id, seen[2].event_id);
    assert!(local.stop(LONG).await);
    assert_eq!((function.seen().len(), local.broker.dead().len().unwrap()), (3, 0));
}

#[tokio::test]
async fn what_is_never_taken_is_kept_with_the_reason_and_can_be_replayed() {
    let taken = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let answer = Arc::clone(&taken);
    let function = Function::new(move |_| if answer.load(Ordering::SeqCst) { success() } else { retry("the table is full") });
    let local = start(&topics(&["orders"]), &[], options(), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    eventually("a dead letter", || local.broker.dead().len().unwrap() == 1).await;
    assert_eq!(function.seen().len(), 3);
    let (number, letter) = local.broker.dead().list(10).unwrap().remove(0);
    assert_eq!((letter.why.as_str(), letter.attempts, letter.queue.as_str()), ("the table is full", 3, "topic bus/orders"));
    taken.store(true, Ordering::SeqCst);
    local.broker.replay(number).await.unwrap();
    let seen = function.count(4).await;
    assert_eq!((seen[3].text().as_str(), seen[3].attempt), ("one", Some(1)));
    assert_eq!(local.broker.dead().len().unwrap(), 0);
    assert_eq!(local.broker.replay(number).await.unwrap_err().code(), SidecarCode::NotFound);
}

#[tokio::test]
async fn a_dead_letter_topic_gets_what_was_given_up_or_dropped() {
    let mut manifest = topics(&["dead"]);
    let metadata = [("deadLetterTopic", "dead")];
    manifest.inputs.push(input("orders", "bus", "pubsub.kafka", Some("orders"), &metadata));
    let function = Function::new(|seen| match (seen.input.as_str(), seen.text().as_str()) {
        ("orders", "unwanted") => drop_it(),
        ("orders", _) => retry("no"),
        _ => success(),
    });
    let local = start(&manifest, &[], options(), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    publish(&local, "orders", "unwanted").await.unwrap();
    let dead = |seen: &[Seen]| seen.iter().filter(|seen| seen.input == "dead").cloned().collect::<Vec<_>>();
    let seen = function.until(|seen| dead(seen).len() == 2).await;
    let dead: BTreeMap<_, _> = dead(&seen).into_iter().map(|seen| (seen.text(), seen)).collect();
    assert_eq!((dead["one"].attempt, dead["unwanted"].attempt), (Some(1), Some(1)));
    let first = seen.iter().find(|seen| seen.text() == "one").unwrap();
    assert_eq!(dead["one"].event_id, first.event_id, "it keeps its id");
    assert_eq!(local.broker.dead().len().unwrap(), 0);
}

#[tokio::test]
async fn a_dead_letter_topic_that_nobody_reads_or_that_fails_too_loses_nothing() {
    for (subscribed, topic) in [(vec!["dead"], "nobody"), (vec![], "orders"), (vec!["dead"], "dead")] {
        let mut manifest = topics(&subscribed);
        manifest.inputs.push(input("orders", "bus", "pubsub.kafka", Some("orders"), &[("deadLetterTopic", topic)]));
        for input in &mut manifest.inputs {
            input.metadata.insert("deadLetterTopic".to_owned(), topic.to_owned());
        }
        let function = Function::new(|_| retry("no"));
        let local = start(&manifest, &[], options(), &function).await;
        publish(&local, "orders", "one").await.unwrap();
        eventually("a dead letter", || local.broker.dead().len().unwrap() == 1).await;
        assert!(local.stop(LONG).await, "{topic}");
        assert_eq!(function.seen().len(), if topic == "dead" { 6 } else { 3 }, "{topic}");
    }
}

#[tokio::test]
async fn what_is_dropped_without_a_dead_letter_topic_is_gone() {
    let function = Function::new(|_| drop_it());
    let local = start(&topics(&["orders"]), &[], options(), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    function.count(1).await;
    assert!(local.stop(LONG).await);
    assert_eq!((function.seen().len(), local.broker.dead().len().unwrap(), local.broker.waiting()), (1, 0, 0));
}

#[tokio::test]
async fn what_is_no_event_is_kept_at_once_and_a_raw_subscriber_gets_its_bytes() {
    let mut manifest = topics(&["orders"]);
    manifest.inputs.push(input("raw", "bus", "pubsub.kafka", Some("raw"), &[("rawPayload", "true")]));
    let function = Function::new(|_| success());
    let local = start(&manifest, &[], options(), &function).await;
    for topic in ["orders", "raw"] {
        let raw = message("bus", topic, "no event", &[("rawPayload", "true")]);
        local.publish(raw, Scope::default()).await.unwrap();
    }
    function.count(1).await;
    eventually("a dead letter", || local.broker.dead().len().unwrap() == 1).await;
    assert_eq!(function.texts(), ["no event"]);
    let (_, letter) = local.broker.dead().list(1).unwrap().remove(0);
    assert!(letter.why.starts_with("it is no event"), "{}", letter.why);
    assert_eq!((letter.attempts, &letter.record.payload[..]), (1, &b"no event"[..]));
}

#[tokio::test]
async fn what_has_expired_is_not_delivered() {
    let (function, gate) = Function::new(|_| success()).gated();
    let mut options = options();
    options.concurrency = 1;
    let local = start(&topics(&["orders"]), &[], options, &function).await;
    publish(&local, "orders", "first").await.unwrap();
    function.count(1).await;
    let mut short = message("bus", "orders", "short", &[("ttlInSeconds", "1")]);
    local.publish(short.clone(), Scope::default()).await.unwrap();
    short.metadata.insert("ttlInSeconds".to_owned(), "600".to_owned());
    short.payload = "long".into();
    local.publish(short, Scope::default()).await.unwrap();
    let published = super::super::record::now();
    eventually("two seconds have passed", || super::super::record::now() >= published + 2000).await;
    gate.add_permits(10);
    function.count(2).await;
    assert!(local.stop(LONG).await);
    assert_eq!(function.texts(), ["first", "long"]);
}

#[tokio::test]
async fn no_more_is_taken_than_there_is_room_for() {
    let (function, gate) = Function::new(|_| success()).gated();
    let options = Options { room: 100_000, ..options() };
    let local = start(&topics(&["orders"]), &[], options, &function).await;
    let mut taken = 0;
    let refused = loop {
        match publish(&local, "orders", &"x".repeat(1000)).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), SidecarCode::ResourceExhausted);
    assert!((40..100).contains(&taken), "{taken}");
    gate.add_permits(1000);
    function.count(taken).await;
    eventually("there is room again", || local.broker.waiting() == 0).await;
    publish(&local, "orders", "again").await.unwrap();
    function.count(taken + 1).await;
    assert!(local.stop(LONG).await);
}

#[tokio::test]
async fn no_more_are_delivered_at_once_than_is_allowed() {
    for (metadata, most) in [(&[][..], 4), (&[("maxConcurrentHandlers", "2")], 2), (&[("concurrency", "single")], 1)] {
        let (function, gate) = Function::new(|_| success()).gated();
        let options = Options { concurrency: 4, ..options() };
        let local = start(&topics(&["orders"]), &[component("bus", "pubsub.kafka", metadata)], options, &function).await;
        for number in 0..20 {
            publish(&local, "orders", &number.to_string()).await.unwrap();
        }
        function.count(most).await;
        gate.add_permits(20);
        let seen = function.count(20).await;
        assert_eq!(function.most_at_once(), most);
        if most == 1 {
            let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
            assert_eq!(seen.iter().map(Seen::text).collect::<Vec<_>>(), expected, "one after another, in order");
        }
        assert!(local.stop(LONG).await);
    }
}

#[tokio::test]
async fn faults_on_purpose_double_messages_and_change_their_order() {
    let function = Function::new(|_| success());
    let faults = Faults { duplicate: 0.5, reorder: 0.5, delay: Duration::from_millis(1), seed: Some(7) };
    let options = Options { faults, concurrency: 1, ..options() };
    let local = start(&topics(&["orders"]), &[], options, &function).await;
    for number in 0..100 {
        publish(&local, "orders", &number.to_string()).await.unwrap();
    }
    let all = |seen: &[Seen]| seen.iter().map(|seen| seen.text().parse::<u32>().unwrap()).collect::<Vec<_>>();
    let every = |numbers: &[u32]| (0..100).all(|number| numbers.contains(&number));
    function.until(|seen| every(&all(seen)) && seen.len() > 120).await;
    let seen = all(&function.seen());
    assert!((0..100).all(|number| seen.iter().filter(|seen| **seen == number).count() <= 2), "twice at most: {seen:?}");
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_ne!(seen, sorted);
}

#[tokio::test]
async fn a_panic_of_the_way_to_the_function_is_a_try_that_failed() {
    server::crash::install_hook();
    let function = Function::new(|seen| if seen.attempt == Some(1) { panic!("oops") } else { success() });
    let local = start(&topics(&["orders"]), &[], options(), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    function.count(2).await;
    assert!(local.stop(LONG).await);
    assert_eq!(local.broker.dead().len().unwrap(), 0);
}

#[tokio::test]
async fn a_stop_lets_what_runs_finish_and_begins_nothing() {
    let (function, gate) = Function::new(|_| success()).gated();
    let options = Options { concurrency: 2, ..options() };
    let local = start(&topics(&["orders"]), &[], options, &function).await;
    for number in 0..5 {
        publish(&local, "orders", &number.to_string()).await.unwrap();
    }
    function.count(2).await;
    let stopping = tokio::spawn({
        let local = Arc::clone(&local);
        async move { local.stop(LONG).await }
    });
    eventually("it is told to stop", || *local.phase.borrow()).await;
    // A running function can still send.
    publish(&local, "orders", "late").await.unwrap();
    gate.add_permits(10);
    assert!(stopping.await.unwrap());
    assert_eq!(function.texts(), ["0", "1"]);
    assert_eq!(local.broker.waiting(), 4);
}

#[tokio::test]
async fn a_stop_does_not_wait_longer_than_it_may() {
    let (function, _gate) = Function::new(|_| success()).gated();
    let local = start(&topics(&["orders"]), &[], options(), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    function.count(1).await;
    assert!(!local.stop(Duration::from_millis(20)).await);
}

#[tokio::test]
async fn a_queue_binding_feeds_the_input_of_the_same_queue() {
    let mut manifest = Manifest { inputs: vec![input("in", "reader", "bindings.kafka", None, &[])], ..Manifest::default() };
    manifest.outputs.push(output("out", "writer", "bindings.kafka"));
    manifest.outputs.push(output("else", "elsewhere", "bindings.kafka"));
    let components = [
        component("reader", "bindings.kafka", &[("topics", "orders, more"), ("consumerGroup", "g")]),
        component("writer", "bindings.kafka", &[("publishTopic", "orders")]),
        component("elsewhere", "bindings.kafka", &[("publishTopic", "elsewhere")]),
    ];
    let function = Function::new(|_| success());
    let local = start(&manifest, &components, options(), &function).await;
    for (component, payload) in [("elsewhere", "a"), ("writer", "b")] {
        local.invoke_binding(message(component, "create", payload, &[("key", "k")]), Scope::default()).await.unwrap();
    }
    let seen = function.count(1).await;
    assert_eq!((seen[0].text().as_str(), seen[0].metadata["key"].as_str(), &seen[0].event_id), ("b", "k", &None));
    let wrong = local.invoke_binding(message("writer", "query", "", &[]), Scope::default()).await.unwrap_err();
    assert!(wrong.code() == SidecarCode::InvalidArgument && wrong.message().contains("it knows create"), "{wrong}");
}

#[tokio::test]
async fn of_two_inputs_on_one_topic_the_last_gets_its_events() {
    let mut manifest = topics(&["orders"]);
    manifest.inputs.push(input("second", "bus", "pubsub.kafka", Some("orders"), &[]));
    let function = Function::new(|_| success());
    let local = start(&manifest, &[], options(), &function).await;
    publish(&local, "orders", "one").await.unwrap();
    function.count(1).await;
    assert!(local.stop(LONG).await);
    assert_eq!(function.seen().iter().map(|seen| seen.input.as_str()).collect::<Vec<_>>(), ["second"]);
}

#[tokio::test]
async fn an_event_takes_its_route_and_its_trace_with_it() {
    let routes = r#"{"rules": [{"match": "event.type == \"order.placed\"", "path": "placed"}], "default": "/rest"}"#;
    let manifest = Manifest {
        inputs: vec![input("orders", "bus", "pubsub.kafka", Some("orders"), &[("routes", routes)])],
        ..Manifest::default()
    };
    let function = Function::new(|_| success());
    let local = start(&manifest, &[], options(), &function).await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let scope = Scope { trace: Trace { traceparent: Some(traceparent.into()), ..Trace::default() }, ..Scope::default() };
    local.publish(message("bus", "orders", "a", &[("cloudevent.type", "order.placed")]), scope).await.unwrap();
    function.count(1).await;
    publish(&local, "orders", "b").await.unwrap();
    let seen = function.count(2).await;
    let told = |seen: &Seen| (seen.route.clone(), seen.traceparent.clone());
    assert_eq!(told(&seen[0]), (Some("/placed".to_owned()), Some(traceparent.to_owned())));
    assert_eq!(told(&seen[1]), (Some("/rest".to_owned()), None), "all zeros are no trace");
    assert!(local.stop(LONG).await);
    let wrong = input("orders", "bus", "pubsub.kafka", Some("orders"), &[("routes", "/a")]);
    let error = refused(&Manifest { inputs: vec![wrong], ..Manifest::default() }, &[], options()).await.to_string();
    assert!(error.starts_with("input `orders`: metadata.routes"), "{error}");
}
