//! The trace of an event goes on through the function.

use black_box_tests::{Answer, App, AppProtocol, Daprd, Request, Sidecar, component};
use serde_json::json;

use super::{Declared, over_both, received_at, serve};

over_both! { a_trace_goes_on_to_a_binding, a_trace_goes_on_to_a_topic }

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
