//! OpenFunction's usual way: no sidecar is beside the function. A proxy that has one passes events on, and the function sends
//! through that sidecar from afar.
//!
//! The proxy here does what dapr-proxy does: names that it mixes up, a path that is the topic, no extensions, no trace, no token,
//! and a failed event again after 5 ms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use black_box_tests::{Answer, App, AppCallback, AppProtocol, Passage, Program, Request, Sidecar, component, eventually};
use dapr::dapr::proto::runtime::v1::TopicEventRequest;
use serde_json::{Value, json};

use super::{Declared, function, over_both, received, received_at};

over_both! {
    a_binding_and_a_topic_come_through_the_proxy,
    an_event_of_a_topic_is_for_the_input_that_it_names_whatever_its_path,
    a_topic_of_two_components_is_told_apart_by_the_component,
    a_wrong_name_is_for_the_only_input,
    a_storm_of_retries_leaves_the_function_responsive_and_its_log_readable,
}

/// What passes events on to a function.
struct Proxy {
    program: Program,
    /// None over HTTP.
    grpc: Option<AppCallback>,
}

/// An event of a topic, as the proxy got it.
struct TopicEvent<'a> {
    component: &'a str,
    topic: &'a str,
    /// What it sends it to.
    path: &'a str,
    data: &'a str,
}

impl Proxy {
    #[track_caller]
    fn of(protocol: AppProtocol, target: &str, declared: &Declared) -> Self {
        // Its sidecar is elsewhere, and here there is none.
        let start = function(target, declared).env("DAPR_HOST", "127.0.0.2").env("APP_PROTOCOL", protocol.to_string());
        let program = start.serve();
        let grpc = (protocol == AppProtocol::Grpc).then(|| AppCallback::connect(program.address()));
        Self { program, grpc }
    }

    /// Passes a binding's event on; tells whether that went well.
    fn binding(&self, name: &str, data: &str) -> bool {
        match &self.grpc {
            Some(grpc) => grpc.binding(name, data).is_ok(),
            None => self.program.post(&format!("/{name}"), "application/json", data).status == 200,
        }
    }

    /// Passes a topic's event on; tells whether that went well.
    fn topic(&self, event: &TopicEvent<'_>) -> bool {
        let TopicEvent { component, topic, path, data } = *event;
        let Some(grpc) = &self.grpc else {
            // As Dapr's Go SDK writes it.
            let event = json!({
                "id": "7", "specversion": "1.0", "type": "com.dapr.event.sent", "source": "shop", "subject": "",
                "datacontenttype": "text/plain", "data": data, "topic": topic, "pubsubname": component,
            });
            let request = Request::post(&format!("/{path}"), "application/cloudevents+json", event.to_string());
            return self.program.send(&request).status == 200;
        };
        let event = TopicEventRequest {
            id: "7".into(),
            source: "shop".into(),
            r#type: "com.dapr.event.sent".into(),
            spec_version: "1.0".into(),
            data_content_type: "text/plain".into(),
            data: data.into(),
            topic: topic.into(),
            pubsub_name: component.into(),
            path: path.into(),
            ..TopicEventRequest::default()
        };
        grpc.topic(event).is_ok()
    }
}

fn a_binding_and_a_topic_come_through_the_proxy(protocol: AppProtocol) {
    let declared = Declared::events().topic("orders", "serving-x-events", "orders").binding("ticks", "serving-x-tick");
    let proxy = Proxy::of(protocol, "receive", &declared);
    assert!(proxy.binding("serving-x-tick", "tick"));
    assert!(proxy.topic(&TopicEvent { component: "serving-x-events", topic: "orders", path: "orders", data: "hello" }));
    let got = received(proxy.program.log(), 2);
    assert_eq!((&got[0]["input"]["name"], &got[0]["payload"]), (&json!("ticks"), &json!("tick")));
    assert_eq!((&got[1]["input"]["name"], &got[1]["payload"]), (&json!("orders"), &json!("hello")));
    assert_eq!((&got[1]["event"]["id"], &got[1]["event"]["subject"]), (&json!("7"), &Value::Null));
}

fn an_event_of_a_topic_is_for_the_input_that_it_names_whatever_its_path(protocol: AppProtocol) {
    let declared = Declared::events().topic("orders", "events", "orders").topic("bills", "events", "bills");
    let proxy = Proxy::of(protocol, "receive", &declared);
    assert!(proxy.topic(&TopicEvent { component: "events", topic: "orders", path: "bills", data: "an order" }));
    assert!(proxy.topic(&TopicEvent { component: "events", topic: "bills", path: "orders", data: "a bill" }));
    let got = received(proxy.program.log(), 2);
    let names = got.iter().map(|got| (got["input"]["name"].as_str().unwrap(), got["payload"].as_str().unwrap()));
    assert_eq!(names.collect::<Vec<_>>(), [("orders", "an order"), ("bills", "a bill")]);
}

fn a_topic_of_two_components_is_told_apart_by_the_component(protocol: AppProtocol) {
    let declared = Declared::events().topic("one", "events-1", "orders").topic("two", "events-2", "orders");
    let proxy = Proxy::of(protocol, "receive", &declared);
    for (number, (component, name)) in [("events-2", "two"), ("events-1", "one")].into_iter().enumerate() {
        assert!(proxy.topic(&TopicEvent { component, topic: "orders", path: "orders", data: "an order" }), "{component}");
        assert_eq!(received(proxy.program.log(), number + 1)[number]["input"]["name"], name);
    }
}

fn a_wrong_name_is_for_the_only_input(protocol: AppProtocol) {
    let proxy = Proxy::of(protocol, "receive", &Declared::events().binding("ticks", "tick"));
    assert!(proxy.binding("another", "a tick"));
    assert_eq!(received_at(proxy.program.log(), "ticks", 1)[0]["payload"], "a tick");
    // Of two it is nobody's, and must come again rather than be lost.
    let proxy = Proxy::of(protocol, "receive", &Declared::events().binding("ticks", "tick").binding("tocks", "tock"));
    assert!(!proxy.binding("another", "a tick"));
    let refused = proxy.program.log().wait("of the refusal", |line| line.message() == "delivery refused");
    assert!(refused.field("error").contains("`another`"), "{}", refused.text);
}

/// The proxy tries a failed event again every 5 ms, for a minute; here as long as it takes to see what else the function does.
fn a_storm_of_retries_leaves_the_function_responsive_and_its_log_readable(protocol: AppProtocol) {
    const OTHERS: usize = 200;
    let declared =
        Declared::events().topic("orders", "events", "orders").topic("bills", "events", "bills").binding("ticks", "tick");
    let proxy = Arc::new(Proxy::of(protocol, "receive", &declared));
    let (over, failed) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let storms: Vec<_> = ["orders", "bills"]
        .map(|topic| {
            let (proxy, over, failed) = (Arc::clone(&proxy), Arc::clone(&over), Arc::clone(&failed));
            thread::spawn(move || {
                while !over.load(SeqCst) {
                    assert!(!proxy.topic(&TopicEvent { component: "events", topic, path: topic, data: "fail" }));
                    failed.fetch_add(1, SeqCst);
                    // Some hundred a second of each: a storm, but no flood that takes the processor from what is looked at.
                    thread::sleep(Duration::from_millis(5));
                }
            })
        })
        .into();
    for number in 0..OTHERS {
        assert!(proxy.binding("tick", &number.to_string()), "while the others fail");
        // Each in the midst of it.
        let before = failed.load(SeqCst);
        eventually("the storm goes on", || (failed.load(SeqCst) > before).then_some(()));
    }
    over.store(true, SeqCst);
    for storm in storms {
        storm.join().expect("the storm is over");
    }
    let log = proxy.program.log();
    assert_eq!(received_at(log, "ticks", OTHERS).len(), OTHERS);
    // Each event is told of or counted.
    for topic in ["orders", "bills"] {
        assert!(proxy.topic(&TopicEvent { component: "events", topic, path: topic, data: "ok" }));
    }
    let of_failures = |line: &black_box_tests::Line| matches!(line.level(), "WARN" | "ERROR");
    let failed = failed.load(SeqCst);
    eventually("each failure is a line or counted", || {
        let lines = log.all(of_failures);
        let told = lines.iter().filter(|line| line.level() == "ERROR").count() as u64;
        let counted: u64 = lines.iter().filter_map(|line| line.json["silent"].as_u64()).sum();
        (told + counted == failed).then_some(())
    });
    let lines = log.all(of_failures).len() as u64;
    assert!(lines < failed / 10, "{lines} lines for {failed} failures");
}

#[test]
fn a_function_sends_through_the_sidecar_of_its_proxy() {
    let other = App::start(|_| Some(Answer::json("taken")));
    let sidecar = Sidecar::new("shop").with(component::http_output("hook", &other.url())).with(component::memory_state("kept"));
    let sidecar = sidecar.api_token("s3cret").start();
    // Of that sidecar only the gRPC API can be reached, under the name of a service.
    let service = Passage::to(sidecar.grpc());
    let start = |target: &str, declared: &Declared| {
        let (host, port) = (service.address().ip().to_string(), service.address().port().to_string());
        let start = function(target, declared).env("DAPR_HOST", &host).env("DAPR_SIDECAR_IP", &host);
        start.env("DAPR_GRPC_PORT", port).env("DAPR_API_TOKEN", "s3cret").serve()
    };
    let declared = Declared::http().invokes("out", "hook", "post", &json!({ "path": "/bills" })).keeps("store", "kept");
    let relay = start("relay", &declared);
    assert_eq!(service.passed(), 0, "it connects when it has something to send");
    assert_eq!(relay.post("/", "text/plain", "a bill").expect(200).text(), "\"taken\"");
    assert_eq!(other.posts("/bills")[0].body, b"a bill");
    let count = start("count", &declared);
    assert_eq!(count.post("/", "text/plain", "key").expect(200).text(), "1");
    assert_eq!(sidecar.state("kept", "key"), Some(json!(1)));
    assert_eq!(service.passed(), 2);
}
