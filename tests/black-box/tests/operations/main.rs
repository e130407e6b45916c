//! What those who run a function look at: its figures, read by hand and by Prometheus, and its spans, of OpenTelemetry and of SkyWalking.

mod console;
mod dashboard;
mod figures;
mod prometheus;
mod pushed;
mod skywalking;
mod spans;

use std::net::SocketAddr;

use black_box_tests::{Connection, Ended, Program, Request, Start};
use serde_json::json;

/// A program with functions of all kinds, an input `bus/orders` and an output `out`, whose figures are read at a free port.
fn measured() -> Start {
    let context = json!({
        "name": "measured", "version": "v1", "runtime": "Knative", "port": "8080",
        "outputs": { "out": { "uri": "done", "componentName": "bus", "componentType": "pubsub.redis" } },
    });
    let start = Start::new(env!("CARGO_BIN_EXE_measured")).env("FUNC_CONTEXT", context.to_string());
    start.env("FUNCTION_METRICS_ADDRESS", "127.0.0.1:0").env("FUNCTION_LOCAL_PORT", "0").env("FUNCTION_TIMEOUT", "300ms")
}

/// Where its figures are read.
#[track_caller]
fn address(program: &Program) -> SocketAddr {
    let line = program.log().wait("the address of its metrics", |line| line.message() == "metrics");
    line.field("address").parse().expect("it is an address")
}

/// Its figures.
#[track_caller]
fn figures(program: &Program) -> Figures {
    let response = Connection::open(address(program)).send(&Request::get("/metrics")).expect(200);
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    Figures(response.text().to_owned())
}

/// What Prometheus would read.
struct Figures(String);

impl Figures {
    /// The sum of all series of this name that have these labels, each written `name="value"`; none where there is no such series.
    fn sum(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let series = self.series().filter(|(known, all, _)| *known == name && labels.iter().all(|label| all.contains(label)));
        series.map(|(_, _, value)| value).reduce(|one, other| one + other)
    }

    /// Every series: its name, its labels as they are written, and its value.
    fn series(&self) -> impl Iterator<Item = (&str, &str, f64)> {
        let lines = self.0.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no series: {line}"));
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            (name, labels, value.parse().unwrap_or_else(|_| panic!("no value: {line}")))
        })
    }
}

fn order(id: &str, payload: &str) -> Request {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "shop", "type": "placed", "topic": "orders", "pubsubname": "bus",
        "datacontenttype": "text/plain", "data": payload,
    });
    Request::post("/", "application/cloudevents+json", event.to_string())
}

fn event(id: &str) -> Request {
    let request = Request::post("/shipped", "application/json", "{}").header("ce-specversion", "1.0").header("ce-id", id);
    request.header("ce-source", "/shop").header("ce-type", "order.shipped")
}

/// Calls every function well and badly: by requests, by events and by deliveries.
#[track_caller]
fn exercise(program: &Program) {
    let subscription = program.get("/dapr/subscribe").expect(200).json()[0].clone();
    let route = subscription["route"].as_str().expect("it subscribes to `orders`").to_owned();
    program.get("/hello/world").expect(200);
    program.post("/hello/echo", "text/plain", "0123456789").expect(200);
    program.get("/broken").expect(500);
    program.get("/slow").expect(504);
    program.send(&event("1")).expect(204);
    program.post("/shipped", "application/json", "{}").expect(415);
    for (payload, status) in [("one", 200), ("two", 200), ("retry", 500), ("drop", 200), ("panic", 500), ("astray", 500)] {
        program.send(&order(payload, payload).path(&route)).expect(status);
    }
}

/// Stops a program while four call it; returns how many calls it answered, and how it ended.
fn stopped_under_load(program: Program) -> (usize, Ended) {
    let answered = std::thread::scope(|scope| {
        let calling = [(); 4].map(|()| scope.spawn(|| call_until_it_ends(&program)));
        program.log().wait_for(100, |line| line.message() == "hello was called");
        program.signal("TERM");
        calling.map(|thread| thread.join().expect("it calls")).iter().sum::<usize>()
    });
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert!(answered >= 100);
    (answered, ended)
}

/// Calls for as long as calls are answered, and counts them.
fn call_until_it_ends(program: &Program) -> usize {
    let Ok(mut connection) = Connection::try_open(program.address()) else { return 0 };
    let mut answered = 0;
    while connection.try_send(&Request::get("/hello/ada")).is_ok() {
        answered += 1;
    }
    answered
}
