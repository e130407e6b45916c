use std::time::Duration;

use black_box_tests::{AppCallback, Request, eventually};
use dapr::dapr::proto::runtime::v1::TopicEventRequest;
use serde_json::json;
use tonic::Code;

use super::{last, only, received, receiver, serve};

fn topic(id: &str, payload: &str) -> TopicEventRequest {
    TopicEventRequest {
        id: id.into(),
        source: "shop".into(),
        r#type: "t".into(),
        data_content_type: "text/plain".into(),
        data: payload.into(),
        topic: "orders".into(),
        pubsub_name: "bus".into(),
        ..TopicEventRequest::default()
    }
}

#[test]
fn a_message_of_any_size_below_the_limit_arrives_and_one_above_names_the_setting() {
    let program = serve("receive");
    let sidecar = AppCallback::connect(program.address());
    let large = vec![b'x'; 15 << 20];
    assert_eq!(sidecar.binding("tick", large.clone()).unwrap_err().code(), Code::OutOfRange, "the client takes no such answer");
    assert_eq!(last(program.log(), 1)["payload"].as_str().map(str::len), Some(large.len()));

    let refused = sidecar.binding("tick", vec![b'x'; 20 << 20]).unwrap_err();
    assert!(refused.code() == Code::ResourceExhausted && refused.message().contains("FUNCTION_MAX_BODY_SIZE"), "{refused}");
    // The head alone: the answer does not wait for a body that is too large.
    program.send(&Request::new("POST", "/tick").header("content-length", "20971520")).expect(413);
    assert_eq!(received(program.log(), 1).len(), 1);
    program.log().wait("about it", |line| line.message() == "delivery refused");
    sidecar.binding("tick", "ok").unwrap();
}

#[test]
fn a_payload_that_is_not_what_the_function_takes_is_given_up_unless_told_otherwise() {
    let context = only("orders", "bus", "pubsub.redis", "orders");
    let program = receiver("typed").env("FUNC_CONTEXT", &context).serve();
    let sidecar = AppCallback::connect(program.address());
    assert_eq!(sidecar.topic(topic("1", r#"{"name":"a"}"#)).unwrap(), 0, "JSON is JSON, whatever it is called");
    assert_eq!(sidecar.topic(topic("2", r#"{"name":1}"#)).unwrap(), 2);
    let line = program.log().wait("about it", |line| line.message() == "event dropped");
    assert!(line.field("error").contains("payload.name") && line.field("event_id") == "2", "{}", line.text);

    let program = receiver("typed").env("FUNC_CONTEXT", &context).env("FUNCTION_UNDECODABLE", "retry").serve();
    let sidecar = AppCallback::connect(program.address());
    assert!(sidecar.topic(topic("2", "no JSON")).is_err());

    // The same for a function that takes an event where there is none.
    let program = receiver("event").env("FUNC_CONTEXT", &context).serve();
    let sidecar = AppCallback::connect(program.address());
    assert_eq!(sidecar.topic(topic("", "x")).unwrap(), 2);
    assert_eq!(sidecar.topic(topic("3", "x")).unwrap(), 0);
}

#[test]
fn more_events_than_there_are_places_wait() {
    let context = only("orders", "bus", "pubsub.redis", "orders");
    for start in [receiver("narrow"), receiver("receive").env("FUNCTION_CONCURRENCY", "2")] {
        let program = start.env("FUNC_CONTEXT", &context).serve();
        let sidecar = AppCallback::connect(program.address());
        let payload = if program.log().text().contains("narrow") { "30" } else { "sleep 30" };
        let answers = sidecar.topics((0..10).map(|number| topic(&number.to_string(), payload)));
        assert!(answers.iter().all(|answer| matches!(answer, Ok(0))), "{answers:?}");
        let most = received(program.log(), 10).iter().filter_map(|got| got["running"].as_u64()).max();
        assert_eq!(most, Some(2));
    }
}

#[test]
fn events_of_one_subject_come_one_after_another() {
    let program = receiver("ordered").env("FUNC_CONTEXT", only("orders", "bus", "pubsub.redis", "orders")).serve();
    let path = program.get("/dapr/subscribe").expect(200).json()[0]["route"].as_str().unwrap().to_owned();
    std::thread::scope(|scope| {
        for subject in ["a", "b", "c", "d"] {
            for number in 0..3 {
                let (program, path) = (&program, &path);
                scope.spawn(move || {
                    let event = json!({
                        "specversion": "1.0", "id": format!("{subject}{number}"), "source": "s", "type": "t", "subject": subject,
                        "datacontenttype": "text/plain", "data": subject,
                    });
                    program.post(path, "application/cloudevents+json", event.to_string()).expect(200);
                });
            }
        }
    });
    // Between a start and its end there is no other start of the same subject.
    let mut running = std::collections::BTreeSet::new();
    let mut together = 0;
    for line in program.log().all(|line| matches!(line.message(), "received" | "done")) {
        if line.message() == "done" {
            assert!(running.remove(line.field("payload")));
        } else {
            let got: serde_json::Value = serde_json::from_str(line.field("received")).unwrap();
            assert!(running.insert(got["payload"].as_str().unwrap().to_owned()), "{got} while another of its subject ran");
            together = together.max(running.len());
        }
    }
    assert!(together > 1, "those of other subjects do not wait");
}

#[test]
fn a_delivery_that_takes_too_long_comes_again() {
    let program = receiver("receive").env("FUNC_CONTEXT", super::context()).env("FUNCTION_TIMEOUT", "50ms").serve();
    let sidecar = AppCallback::connect(program.address());
    assert!(sidecar.binding("tick", "sleep 60000").is_err());
    program.log().wait_text("FUNCTION_TIMEOUT");
    program.post("/tick", "application/json", "sleep 60000").expect(500);
    sidecar.binding("tick", "ok").unwrap();
}

#[test]
fn a_storm_of_failures_leaves_the_function_responsive_and_the_log_readable() {
    let program = serve("receive");
    let sidecar = AppCallback::connect(program.address());
    for _ in 0..500 {
        sidecar.binding("tick", "fail").unwrap_err();
    }
    sidecar.binding("tick", "ok").unwrap();
    // The last of them may still be in the pipe.
    let lines = eventually("each failure is a line or counted", || {
        let lines = program.log().all(|line| line.message().contains("delivery failed"));
        let counted: u64 = program.log().lines().iter().filter_map(|line| line.json["silent"].as_u64()).sum();
        (counted + lines.len() as u64 == 500).then_some(lines.len())
    });
    assert!((1..100).contains(&lines), "{lines} lines");
}

#[test]
fn deliveries_in_flight_are_answered_before_the_end() {
    let program = serve("receive");
    let address = program.address();
    let waiting: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                let sidecar = AppCallback::connect(address);
                if number % 2 == 0 {
                    sidecar.topic(topic("1", "sleep 500")).map(|status| status == 0)
                } else {
                    sidecar.binding("tick", "sleep 500").map(|_| true)
                }
            })
        })
        .collect();
    let mut over_http = program.connect();
    received(program.log(), 8);
    program.signal("TERM");
    for call in waiting {
        assert!(call.join().unwrap().expect("it is answered"));
    }
    drop(over_http.try_send(&Request::get("/healthz")));
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert_eq!(ended.log.all(|line| line.message() == "slept").len(), 8);
    assert!(ended.errors.len() < 100_000, "{:?}", Duration::ZERO);
}
