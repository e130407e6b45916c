//! Events to a Trigger through the test kit, at times that the tests give.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use functions_framework::{
    Event, SidecarCode, Verdict,
    testing::{self, OpenFunctionTest, Run},
};
use serde_json::{Value, json};

use super::*;

const SECOND: Moment = 1_000_000;

fn known() -> Known {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    Known { outputs: texts(&["sink", "other", "dead", "bus"]), states: texts(&["store"]), topics: texts(&["n-es-a", "n-es-b"]) }
}

fn config(value: &str) -> std::ffi::OsString {
    BASE64_STANDARD.encode(value).into()
}

fn inputs() -> Value {
    json!([
        { "name": "A", "namespace": "n", "eventSource": "es", "event": "a" },
        { "name": "b-c", "namespace": "n", "eventSource": "es", "event": "b" },
    ])
}

fn read(mut value: Value) -> Trigger {
    value["inputs"] = inputs();
    Trigger::read(Some(&config(&value.to_string())), &known()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Runs an event of a topic at a time, with all outputs there.
async fn hear_with(
    trigger: &Arc<Trigger>,
    (topic, now): (&str, Moment),
    event: &str,
    change: impl FnOnce(OpenFunctionTest) -> OpenFunctionTest,
) -> Run {
    let trigger = Arc::clone(trigger);
    let test = testing::open_function(move |ctx, payload: Bytes| {
        let trigger = Arc::clone(&trigger);
        async move { trigger.handle_at(ctx, payload, now).await }
    });
    let test = test.binding("sink", "post").binding("other", "post").binding("dead", "post").outputs(["bus"]);
    let event = Event::builder().id(event).source("/es").ty("t").data("text/plain", format!("data {event}")).build().unwrap();
    change(test.input("bus").topic(topic)).run_event(event).await
}

async fn hear(trigger: &Arc<Trigger>, (topic, seconds): (&str, Moment), event: &str) -> Run {
    hear_with(trigger, (topic, seconds * SECOND), event, |test| test).await
}

fn texts(run: &Run, output: &str) -> Vec<String> {
    run.sent(output).iter().map(|sent| String::from_utf8_lossy(sent.bytes()).into_owned()).collect()
}

#[tokio::test]
async fn a_match_has_the_data_of_the_event_that_completes_it_and_lasts_for_the_window() {
    let trigger = Arc::new(read(json!({ "subscribers": { "A && inputs[\"b-c\"]": { "sinkOutputName": "sink" } } })));
    assert_eq!(texts(&hear(&trigger, ("n-es-a", 0), "1").await, "sink"), [""; 0]);
    assert_eq!(texts(&hear(&trigger, ("n-es-b", 59), "2").await, "sink"), ["data 2"]);
    // As with the existing handler a match stays, and every further event of either is sent.
    assert_eq!(texts(&hear(&trigger, ("n-es-b", 59), "3").await, "sink"), ["data 3"]);
    assert_eq!(texts(&hear(&trigger, ("n-es-b", 61), "4").await, "sink"), [""; 0]);
}

#[tokio::test]
async fn a_match_that_is_reset_needs_new_events_of_all_that_it_asks_for() {
    let subscribers = json!({ "A && inputs[\"b-c\"]": { "sinkOutputName": "sink" }, "A": { "sinkOutputName": "other" } });
    for state in [false, true] {
        let mut value = json!({ "subscribers": subscribers, "resetOnMatch": true, "matchingWindow": "10s" });
        if state {
            value["stateName"] = "store".into();
        }
        let trigger = Arc::new(read(value));
        let run = |run: &Run| (texts(run, "sink"), texts(run, "other"));
        // What a store has is handed from one run to the next, as the store itself would keep it.
        let mut kept = Vec::<(String, Bytes)>::new();
        let mut found = Vec::new();
        for (number, (topic, second)) in
            [("n-es-a", 0), ("n-es-b", 1), ("n-es-b", 2), ("n-es-a", 3), ("n-es-b", 14)].into_iter().enumerate()
        {
            let (stored, id) = (kept.clone(), number.to_string());
            let ran = hear_with(&trigger, (topic, second * SECOND), &id, |test| {
                stored.into_iter().fold(test.state("store"), |test, (key, value)| test.stored_bytes("store", &key, value))
            });
            let ran = ran.await;
            let keys = ["trigger-heard-A", "trigger-heard-b-c", "trigger-used-0", "trigger-used-1"];
            kept = keys.iter().filter_map(|key| Some(((*key).to_owned(), ran.stored_bytes("store", key)?))).collect();
            found.push(run(&ran));
        }
        let none = Vec::<String>::new();
        let one = |number: u32| vec![format!("data {number}")];
        let expected = [
            (none.clone(), one(0)),
            (one(1), none.clone()),
            (none.clone(), none.clone()),
            (one(3), one(3)),
            (none.clone(), none),
        ];
        assert_eq!(found, expected, "in a store: {state}");
    }
}

#[tokio::test]
async fn conditions_are_met_in_the_order_in_which_they_are_written() {
    let names = ["A || false", "A", "A && true", "!!A", "true"];
    let members: Vec<_> = names.iter().map(|name| format!("{name:?}:{{\"sinkOutputName\":\"sink\"}}")).collect();
    let text = format!("{{\"inputs\":{},\"subscribers\":{{{}}}}}", inputs(), members.join(","));
    let trigger = Trigger::read(Some(&config(&text)), &known()).unwrap();
    assert!(trigger.settings.subscribers.iter().map(|subscriber| subscriber.condition.text()).eq(names));
    assert_eq!(texts(&hear(&Arc::new(trigger), ("n-es-a", 0), "1").await, "sink").len(), 5);
}

#[tokio::test]
async fn an_event_is_kept_as_it_is_on_a_topic_and_its_attributes_are_headers_of_a_sink() {
    let trigger = Arc::new(read(json!({ "subscribers": { "A": { "sinkOutputName": "sink", "eventBusOutputName": "bus" } } })));
    let run = hear(&trigger, ("n-es-a", 0), "7").await;
    assert_eq!(run.verdict(), Verdict::Success);
    let sink = &run.sent("sink")[0];
    assert_eq!((&sink.bytes()[..], sink.content_type(), sink.address()), (&b"data 7"[..], "text/plain", "post"));
    assert_eq!(
        (sink.metadata("Ce-Id"), sink.metadata("Ce-Source"), sink.metadata("Ce-Specversion")),
        (Some("7"), Some("/es"), Some("1.0"))
    );
    let bus = Event::from_json(run.sent("bus")[0].bytes().clone()).unwrap();
    assert_eq!((bus.id(), bus.source(), bus.ty(), bus.text().unwrap()), ("7", "/es", "t", "data 7"));
}

#[tokio::test]
async fn an_event_of_another_topic_is_dropped() {
    let trigger = Arc::new(read(json!({ "subscribers": { "true": { "sinkOutputName": "sink" } } })));
    let run = hear(&trigger, ("n-es-c", 0), "1").await;
    assert_eq!((run.verdict(), texts(&run, "sink")), (Verdict::Drop, vec![]));
}

#[tokio::test]
async fn an_event_comes_again_for_those_who_have_not_had_it() {
    let subscribers =
        json!({ "A": { "sinkOutputName": "sink", "eventBusOutputName": "bus" }, "true": { "sinkOutputName": "other" } });
    let trigger = Arc::new(read(json!({ "subscribers": subscribers })));
    let run = hear_with(&trigger, ("n-es-a", 0), "1", |test| test.fails("bus", SidecarCode::Unavailable)).await;
    assert_eq!((run.verdict(), run.sent("sink").len(), run.sent("other").len()), (Verdict::Retry, 1, 1));
    let text = format!("{:#}", run.result().unwrap_err());
    assert!(text.contains(r#"for the subscriber "A""#) && text.contains("`bus`"), "{text}");
    // The next in between does not take its place.
    assert_eq!(hear(&trigger, ("n-es-a", 1), "2").await.sent("sink").len(), 1);
    let run = hear(&trigger, ("n-es-a", 1), "1").await;
    assert_eq!(
        (run.verdict(), run.sent("sink").len(), run.sent("bus").len(), run.sent("other").len()),
        (Verdict::Success, 0, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn what_keeps_failing_goes_to_the_dead_letters_once_and_with_the_reason() {
    let a = json!({ "sinkOutputName": "sink", "dlSinkOutputName": "dead", "eventBusOutputName": "other", "dlEventBusOutputName": "bus" });
    let trigger = Arc::new(read(json!({ "subscribers": { "A": a }, "attempts": 3 })));
    let run = hear_with(&trigger, ("n-es-a", 0), "1", |test| {
        test.fails("sink", SidecarCode::Unavailable).fails("other", SidecarCode::Internal)
    });
    let run = run.await;
    assert_eq!(run.verdict(), Verdict::Success);
    assert_eq!((run.sent("dead").len(), run.sent("bus").len()), (1, 1));
    let dead = &run.sent("dead")[0];
    assert_eq!((&dead.bytes()[..], dead.metadata("Ce-Deadlettercondition")), (&b"data 1"[..], Some("A")));
    assert!(dead.metadata("Ce-Deadletterreason").unwrap().starts_with("3%20attempts:"), "{dead:?}");
    let bus = Event::from_json(run.sent("bus")[0].bytes().clone()).unwrap();
    assert_eq!((bus.id(), bus.text().unwrap()), ("1", "data 1"));
    assert!(bus.extension("deadletterreason").unwrap().to_string().contains("`other`"), "{bus}");

    // Where the dead letters fail as well, the event comes again, and nothing is said to be done.
    let run = hear_with(&trigger, ("n-es-a", 0), "2", |test| {
        test.fails("sink", SidecarCode::Unavailable).fails("dead", SidecarCode::Unavailable)
    });
    assert_eq!(run.await.verdict(), Verdict::Retry);
    assert_eq!(texts(&hear(&trigger, ("n-es-a", 0), "2").await, "sink"), ["data 2"]);
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let text = r#"{
        "inputs": [
            { "name": "A", "namespace": "n", "eventSource": "es", "event": "a" },
            { "name": "A", "eventSource": "es", "event": "b" },
            { "name": "B", "namespace": "n", "eventSource": "es", "event": "z" },
            { "name": "C", "event": 7 }, 5
        ],
        "subscribers": {
            "A &&": { "sinkOutputName": "sink" }, "A": {}, "!A": { "sinkOutputName": "sinks" }, "D": { "sinkOutputName": [] },
            "true": { "dlSinkOutputName": "dead" }, "A": { "sinkOutputName": "sink" }, "B": "sink"
        },
        "logLevel": "loud", "matchingWindow": "a minute", "resetOnMatch": "yes", "stateName": "stores", "attempts": 0
    }"#;
    let mistakes = Trigger::read(Some(&config(text)), &known()).unwrap_err();
    let told = mistakes.to_string();
    for part in [
        "logLevel: is \"loud\", expected a whole number from 0 on",
        "inputs[1].name: `A` is there twice, expected a name for each input",
        "inputs[2]: no input of the function context subscribes to the topic `n-es-z` (topics: n-es-a, n-es-b)",
        "inputs[3].eventSource: is missing, expected a text",
        "inputs[3].event: is a number, expected a text",
        "inputs[4]: is a number, expected an object",
        "subscribers[\"A &&\"]: line 1, column",
        "subscribers[\"A\"]: names no output, expected sinkOutputName, eventBusOutputName or both",
        "subscribers[\"!A\"].sinkOutputName: no output of the function context is named `sinks` (outputs: sink, other, dead, bus)",
        "subscribers[\"D\"]: line 1, column 1: no input is named `D` (inputs: A, B)",
        "subscribers[\"D\"].sinkOutputName: is a list, expected a text",
        "subscribers[\"true\"]: names no output",
        "subscribers[\"A\"]: this condition is there twice, expected once",
        "subscribers[\"B\"]: is a text, expected an object",
        "matchingWindow: is \"a minute\", expected a duration such as",
        "resetOnMatch: is a text, expected true or false",
        "stateName: no state of the function context is named `stores` (states: store)",
        "attempts: is 0, expected 1 to 20",
    ] {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
    assert!(
        told.starts_with(&format!(
            "the configuration in CONFIG (base64 of JSON) has {} mistakes:\n  ",
            mistakes.iter().count()
        )),
        "{told}"
    );
    for (value, part) in [
        (None, "CONFIG: is not set"),
        (Some("e30"), "inputs: there is none"),
        (Some("?"), "CONFIG: is not base64"),
        (Some("e30x"), "CONFIG: is not JSON"),
    ] {
        let told = Trigger::read(value.map(OsStr::new), &known()).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn what_the_controllers_write_is_taken_as_it_is() {
    // The example of the existing handler, in its own base64.
    let text = "eyJldmVudEJ1c0NvbXBvbmVudCI6ImViZnQtbXktdHJpZ2dlciIsImlucHV0cyI6W3sibmFtZSI6ImlucHV0RGVtbyIsIm5hbWVzcGFjZSI6ImRlZmF1bHQiLCJldmVudFNvdXJjZSI6Im15LWV2ZW50c291cmNlIiwiZXZlbnQiOiJzYW1wbGUtb25lIn1dLCJzdWJzY3JpYmVycyI6eyJpbnB1dERlbW8iOnsic2lua091dHB1dE5hbWUiOiJzby10LW15LXRyaWdnZXItMSJ9fSwibG9nTGV2ZWwiOiIyIn0=";
    let known = Known {
        outputs: vec!["so-t-my-trigger-1".to_owned()],
        topics: vec!["default-my-eventsource-sample-one".to_owned()],
        ..Known::default()
    };
    let trigger = Trigger::read(Some(text.as_ref()), &known).unwrap();
    assert_eq!(trigger.settings.window, Duration::from_secs(60));
    let way = Way { output: "so-t-my-trigger-1".to_owned(), dead_letter: None };
    assert_eq!(trigger.settings.subscribers[0].outputs, [way]);
}

proptest::proptest! {
    #[test]
    fn no_text_is_read_with_a_panic_or_without_a_place(text in r#"[{}\[\]",:a-z0-9 ]{0,60}"#) {
        if let Err(mistakes) = Trigger::read(Some(&config(&text)), &known()) {
            proptest::prop_assert!(mistakes.iter().all(|mistake| mistake.contains(": ")) && mistakes.iter().count() > 0);
        }
    }

    #[test]
    fn any_value_in_any_place_is_a_trigger_or_a_mistake(
        place in 0..12_usize,
        value in proptest::sample::select(vec!["null", "true", "-1", "1e9", "\"\"", "\"x\"", "[]", "{}", "[null]", "{\"x\":null}"]),
    ) {
        let mut whole = json!({
            "inputs": inputs(), "logLevel": "1", "matchingWindow": "1s", "resetOnMatch": false, "stateName": "store", "attempts": 1,
            "subscribers": { "A": { "sinkOutputName": "sink", "dlSinkOutputName": "dead" } },
        });
        let places = [
            "/inputs", "/inputs/0", "/inputs/0/name", "/inputs/1/namespace", "/inputs/1/event", "/subscribers", "/subscribers/A",
            "/subscribers/A/sinkOutputName", "/matchingWindow", "/resetOnMatch", "/stateName", "/attempts",
        ];
        *whole.pointer_mut(places[place]).unwrap() = serde_json::from_str(value).unwrap();
        let told = Trigger::read(Some(&config(&whole.to_string())), &known()).map(drop).map_err(|mistakes| mistakes.to_string());
        // Where it is a mistake, its place is told.
        let name = places[place].rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap();
        proptest::prop_assert!(told.as_ref().map_or_else(|told| told.contains(name) || told.contains("topic"), |()| true), "{told:?}");
    }
}
