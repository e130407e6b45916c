//! The trace of an event goes on through the function.

use black_box_tests::{
    Answer, App, AppProtocol, Collector, Daprd, Oap, Request, Sidecar, Span, Start, component, eventually, kind,
};
use serde_json::json;

use super::{Declared, over_both, received_at, serve};

over_both! {
    a_trace_goes_on_to_a_binding,
    a_trace_goes_on_to_a_topic,
    two_functions_with_an_event_between_them_are_one_trace,
    two_functions_with_an_event_between_them_are_one_trace_of_skywalking,
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Publishes as a part of the trace.
#[track_caller]
fn publish(sidecar: &Daprd) {
    let request = Request::post("/v1.0/publish/events/orders", "text/plain", "hello");
    sidecar.send(request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))).expect(204);
}

fn sidecar(protocol: AppProtocol) -> Sidecar {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events"));
    sidecar.configure("tracing", json!({ "samplingRate": "1" }))
}

fn a_trace_goes_on_to_a_binding(protocol: AppProtocol) {
    let other = App::start(|_| Some(Answer::status(200)));
    let sidecar = sidecar(protocol).with(component::http_output("hook", &other.url())).start();
    let declared = Declared::events().topic("in", "events", "orders").invokes("out", "hook", "post", &json!({ "path": "/x" }));
    let _program = serve(&sidecar, "relay", &declared);
    publish(&sidecar);
    let call = &other.wait_for(1, "/x")[0];
    assert!(call.header("traceparent").contains(TRACE), "{call:?}");
}

fn a_trace_goes_on_to_a_topic(protocol: AppProtocol) {
    let sidecar = sidecar(protocol).start();
    let declared =
        Declared::events().topic("in", "events", "orders").topic("back", "events", "bills").publishes("out", "events", "bills");
    let program = serve(&sidecar, "relay", &declared);
    publish(&sidecar);
    let bill = &received_at(program.log(), "back", 1)[0];
    assert!(bill["event"]["extensions"]["traceparent"].as_str().is_some_and(|parent| parent.contains(TRACE)), "{bill}");
}

/// The sidecar sends its spans to the same collector, so that nothing is missing between the two functions.
fn two_functions_with_an_event_between_them_are_one_trace(protocol: AppProtocol) {
    let collector = Collector::start();
    let address = collector.url().replace("http://", "");
    let otel = json!({ "endpointAddress": address, "isSecure": false, "protocol": "grpc" });
    let sidecar = Sidecar::new("shop").app(protocol).configure("tracing", json!({ "samplingRate": "1", "otel": otel }));
    let sidecar = sidecar.with(component::memory_topics("bus")).with(component::memory_state("store")).start();
    let declared = Declared::http().publishes("out", "bus", "orders").keeps("store", "store");
    let start = Start::new(env!("CARGO_BIN_EXE_fixture-traced")).env("FUNC_CONTEXT", declared.0.to_string());
    let start = start.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let program = sidecar.start_function(start.env("OTEL_BSP_SCHEDULE_DELAY", "20"));
    sidecar.wait_for_subscriptions(1);
    program.post("/relay", "text/plain", "one").expect(200);
    let last = eventually("the second function keeps what came", || {
        let all = collector.spans();
        let process = all.iter().find(|span| span.name == "process orders")?.id.clone();
        all.into_iter().find(|span| span.name == "change store" && span.parent == process)
    });
    let chain = eventually("its trace is whole", || whole(&collector.spans(), last.clone()));
    assert!(chain.iter().all(|span| span.trace == last.trace), "{chain:#?}");
    let of_functions = chain.iter().filter(|span| span.resource["service.name"] == "fixture");
    let of_functions: Vec<_> = of_functions.map(|span| (span.name.as_str(), span.kind)).collect();
    let expected = [
        ("POST /relay", kind::SERVER),
        ("publish orders", kind::PRODUCER),
        ("process orders", kind::CONSUMER),
        ("change store", kind::CLIENT),
    ];
    assert_eq!(of_functions, expected, "{chain:#?}");
    assert_eq!(chain.len(), 5, "the sidecar has published it: {chain:#?}");
    assert_eq!(chain[2].resource["service.name"], "shop");
}

/// What the sidecar does with the event, which knows nothing of SkyWalking, leaves the inner one whole.
fn two_functions_with_an_event_between_them_are_one_trace_of_skywalking(protocol: AppProtocol) {
    let oap = Oap::start();
    let sidecar =
        Sidecar::new("shop").app(protocol).with(component::memory_topics("bus")).with(component::memory_state("store"));
    let sidecar = sidecar.start();
    let mut context = Declared::http().publishes("out", "bus", "orders").keeps("store", "store").0;
    let provider = json!({ "name": "skywalking", "oapServer": oap.address() });
    context["pluginsTracing"] = json!({ "enabled": true, "provider": provider, "tags": {}, "baggage": { "tenant": "7" } });
    let start = Start::new(env!("CARGO_BIN_EXE_fixture-traced")).env("FUNC_CONTEXT", context.to_string());
    let program = sidecar.start_function(start);
    sidecar.wait_for_subscriptions(1);
    let payload = r#"{"number":12345678901234567890}"#;
    program.post("/relay", "application/json", payload).expect(200);
    let (relay, orders) = (oap.wait("relay"), oap.wait("orders"));
    let [from] = &orders.entry().refs[..] else { panic!("it goes on from the first: {orders:?}") };
    assert_eq!((&orders.trace, &from.segment, from.span), (&relay.trace, &relay.id, relay.exit("out").id));
    assert_eq!(orders.exit("store").operation, "change store");
    let last = program.get("/last").expect(200).text().to_owned();
    assert_eq!(last, format!(r#"{payload} application/json "sw8" "sw8-correlation""#), "not a digit is another");
}

/// The spans from the first of all to this one, once they are all there.
fn whole(spans: &[Span], last: Span) -> Option<Vec<Span>> {
    let mut chain = vec![last];
    while let Some(parent) = chain.last().map(|span| span.parent.clone()).filter(|parent| !parent.is_empty()) {
        chain.push(spans.iter().find(|span| span.id == parent)?.clone());
    }
    chain.reverse();
    Some(chain)
}
