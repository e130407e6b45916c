//! The segments of a process, as SkyWalking's collector takes them.

use black_box_tests::{
    App, AppCallback, Folder, Oap, Port, Program, Request, Start, eventually,
    oap::{Reference, Segment},
    proc,
};
use dapr::dapr::proto::runtime::v1::TopicEventRequest;
use serde_json::{Value, json};

use crate::stopped_under_load;

/// The trace `t`, from span 3 of segment `s` of service `c`, instance `i`, called `/e`, which calls us `a`.
const SW8: &str = "1-dA==-cw==-3-Yw==-aQ==-L2U=-YQ==";

/// The key `tenant` with the value 7, as the protocol has it.
const TENANT: &str = "dGVuYW50:Nw==";

fn context(oap: &str) -> Value {
    json!({
        "name": "shop", "version": "v1", "runtime": "Knative", "port": "8080",
        "outputs": { "out": { "uri": "orders", "componentName": "bus", "componentType": "pubsub.redis" } },
        "states": { "store": { "componentName": "store", "componentType": "state.redis" } },
        "prePlugins": ["skywalking"], "postPlugins": ["skywalking"],
        "pluginsTracing": {
            "enabled": true,
            "provider": { "name": "skywalking", "oapServer": oap },
            "tags": { "layer": "faas" },
            "baggage": { "key": "sw8-correlation", "value": "dGVhbQ==:Ymx1ZQ==" },
        },
    })
}

/// The program, whose segments go there.
fn program(oap: &str) -> Start {
    let start = Start::new(env!("CARGO_BIN_EXE_fixture-traced")).env("FUNC_CONTEXT", context(oap).to_string());
    let start = start.env("POD_NAME", "shop-1").env("POD_NAMESPACE", "default");
    start.env("FUNCTION_LOCAL_PORT", "0").env("FUNCTION_TIMEOUT", "300ms")
}

fn traced(oap: &Oap) -> Program {
    program(&oap.address()).serve()
}

#[track_caller]
fn only_reference(segment: &Segment) -> &Reference {
    let [reference] = &segment.entry().refs[..] else { panic!("one reference: {segment:?}") };
    reference
}

#[test]
fn every_request_is_a_segment_in_the_words_of_openfunction() {
    let oap = Oap::start();
    let program = traced(&oap);
    program.get("/hello/ada?secret=1").expect(200);
    let segment = oap.wait("hello");
    assert_eq!((segment.service.as_str(), segment.instance.as_str()), ("shop", "shop-1"));
    let [entry] = &segment.spans[..] else { panic!("one span: {segment:?}") };
    assert_eq!((entry.id, entry.parent, entry.layer, entry.component, entry.is_error), (0, -1, 6, 5013, false));
    assert!(entry.refs.is_empty() && entry.start > 0 && entry.end >= entry.start, "{entry:?}");
    for (key, value) in [
        ("func", "shop"),
        ("instance", "shop-1"),
        ("namespace", "default"),
        ("layer", "faas"),
        ("runtime", "Knative"),
        ("http.method", "GET"),
        ("http.status_code", "200"),
        ("url", "localhost/hello/ada"),
    ] {
        assert_eq!(entry.tag(key), value, "{key}: {entry:?}");
    }
    assert!(!format!("{segment:?}").contains("secret"), "a query may hold what is nobody's business");
    // What the function logs is found by the trace, and the trace by what it logs.
    let line = program.log().wait("the function's line", |line| line.message() == "hello was called");
    assert_eq!((line.field("trace_id"), line.field("span_id")), (segment.trace.as_str(), format!("{}-0", segment.id).as_str()));
}

#[test]
fn a_failure_a_panic_and_a_timeout_are_errors_with_their_reason() {
    let oap = Oap::start();
    let program = traced(&oap);
    for (name, code, kind, reason) in [
        ("broken", 500, "500", "it is broken"),
        ("crash", 500, "panic", "panicked: as told"),
        ("slow", 504, "timeout", "no answer within"),
    ] {
        program.get(&format!("/{name}")).expect(code);
        let segment = oap.wait(name);
        let entry = segment.entry();
        assert!(entry.is_error && entry.tag("http.status_code") == code.to_string(), "{entry:?}");
        assert_eq!((entry.said("event"), entry.said("error.kind")), ("error", kind), "{entry:?}");
        assert!(entry.said("message").contains(reason), "{entry:?}");
    }
    program.post("/relay", "text/plain", "panic").expect(200);
    let of_delivery = oap.wait("orders");
    assert!(of_delivery.entry().is_error && of_delivery.entry().said("error.kind") == "panic", "{of_delivery:?}");
}

#[test]
fn the_caller_is_who_calls_unless_it_is_malformed() {
    let oap = Oap::start();
    let program = program(&oap.address()).env("RUST_LOG", "info,functions_framework=debug").serve();
    program.send(&Request::get("/hello/ada").header("sw8", SW8).header("sw8-correlation", TENANT)).expect(200);
    let segment = oap.wait("hello");
    assert_eq!(segment.trace, "t");
    let from = only_reference(&segment);
    assert_eq!((from.kind, from.span), (0, 3));
    let texts = [&from.trace, &from.segment, &from.service, &from.instance, &from.endpoint, &from.address];
    assert_eq!(texts, ["t", "s", "c", "i", "/e", "a"]);
    // An event says it by its extension, of a request that says something else.
    let event = Request::post("/shipped", "application/json", "{}").header("ce-specversion", "1.0").header("ce-id", "7");
    let event = event.header("ce-source", "/shop").header("ce-type", "order.shipped").header("ce-sw8", SW8);
    let reply = program.send(&event.header("sw8", SW8.replace("dA==", "eA=="))).expect(200);
    let segment = oap.wait("shipped");
    assert_eq!((segment.trace.as_str(), segment.entry().tag("cloudevents.event_id")), ("t", "7"));
    let marked = reply.header("ce-sw8").expect("the reply is a part of it");
    assert!(marked.starts_with("1-dA==-"), "{marked}");
    for malformed in ["rubbish", "1-dA==-cw==-x-Yw==-aQ==-L2U=-YQ==", ""] {
        program.send(&Request::get("/broken").header("sw8", malformed)).expect(500);
    }
    let segment = oap.wait("broken");
    assert!(segment.trace != "t" && segment.entry().refs.is_empty(), "{segment:?}");
    program.log().wait("it is told to who looks", |line| line.level() == "DEBUG" && line.message().contains("malformed"));
}

#[test]
fn two_functions_with_an_event_between_them_are_one_trace() {
    let oap = Oap::start();
    let program = traced(&oap);
    program.send(&Request::post("/relay", "text/plain", "one").header("sw8", SW8)).expect(200);
    let (relay, orders) = (oap.wait("relay"), oap.wait("orders"));
    assert!(relay.trace == "t" && orders.trace == "t", "{relay:?} {orders:?}");
    let published = relay.exit("out");
    assert_eq!((published.operation.as_str(), published.layer, published.component, published.parent), ("out", 6, 5013, 0));
    let kept = relay.exit("store");
    assert_eq!((kept.operation.as_str(), kept.layer, kept.tag("db.type")), ("change store", 1, "state.redis"));
    let from = only_reference(&orders);
    assert_eq!((&from.segment, from.span), (&relay.id, published.id));
    assert_eq!([&from.service, &from.instance, &from.endpoint, &from.address], ["shop", "shop-1", "relay", "out"]);
    let entry = orders.entry();
    assert_eq!((entry.tag("runtime"), entry.tag("component.type"), entry.tag("input")), ("Async", "pubsub", "bus/orders"));
    // What came is what was sent, and not what was put around it.
    let last = program.get("/last").expect(200).text().to_owned();
    assert_eq!(last, r#"one text/plain "sw8" "sw8-correlation""#);
    assert_eq!(orders.exit("store").operation, "change store");
}

#[test]
fn an_event_over_grpc_brings_its_caller_in_metadata_or_within_itself() {
    let oap = Oap::start();
    let program = traced(&oap);
    let event = |data: &str| TopicEventRequest {
        id: "7".to_owned(),
        source: "/shop".to_owned(),
        r#type: "order.placed".to_owned(),
        data_content_type: "application/json".to_owned(),
        data: data.as_bytes().to_vec(),
        topic: "orders".to_owned(),
        pubsub_name: "bus".to_owned(),
        ..TopicEventRequest::default()
    };
    let last = || program.get("/last").expect(200).text().to_owned();
    let sidecar = AppCallback::connect(program.address()).metadata("sw8", SW8);
    sidecar.topic(event("1")).expect("it is taken");
    let segment = oap.wait("orders");
    assert_eq!((segment.trace.as_str(), only_reference(&segment).endpoint.as_str()), ("t", "/e"));
    assert_eq!(last(), r#"1 application/json "sw8""#);
    // As the framework for Go sends it; what the sender says counts more than what comes on the way.
    let inner = json!({
        "specversion": "1.0", "id": "1", "source": "default/publish", "type": "io.openfunction.function.default.publish",
        "datacontenttype": "application/json",
        "data": { "metadata": { "sw8": SW8.replace("dA==", "Z28="), "other": "x" }, "userData": "b25l" },
    });
    sidecar.topic(event(&inner.to_string())).expect("it is taken");
    let segment = oap.wait_for("orders", |segment| segment.trace == "go");
    assert_eq!((only_reference(&segment).trace.as_str(), segment.entry().tag("cloudevents.event_id")), ("go", "7"));
    assert_eq!(last(), r#"one text/plain "sw8""#);
}

#[test]
fn who_is_called_is_told_who_calls_and_of_the_correlation() {
    let (oap, called, folder) = (Oap::start(), App::start(|_| None), Folder::new("skywalking"));
    let component = json!({
        "apiVersion": "dapr.io/v1alpha1", "kind": "Component", "metadata": { "name": "web" },
        "spec": { "type": "bindings.http", "version": "v1", "metadata": [{ "name": "url", "value": called.url() }] },
    });
    std::fs::write(folder.path().join("web.yaml"), component.to_string()).expect("a file can be written");
    let mut context = context(&oap.address());
    context["outputs"]["page"] = json!({ "componentName": "web", "componentType": "bindings.http", "operation": "post" });
    let program =
        program(&oap.address()).env("FUNC_CONTEXT", context.to_string()).arg("--resources").arg(folder.path()).serve();
    for sampled in ["1", "0"] {
        let sw8 = SW8.replacen('1', sampled, 1);
        program.send(&Request::get("/call").header("sw8", sw8).header("sw8-correlation", TENANT)).expect(200);
    }
    let [told, not_sampled] = &called.wait_for(2, "/")[..] else { panic!("it is called twice") };
    // Its own baggage comes after what came.
    assert_eq!(told.header("sw8-correlation"), format!("{TENANT},dGVhbQ==:Ymx1ZQ=="));
    assert!(told.header("sw8").starts_with("1-dA==-"), "{}", told.header("sw8"));
    assert!(not_sampled.header("sw8").starts_with("0-dA==-"), "{}", not_sampled.header("sw8"));
    assert_eq!(oap.wait("call").exit("page").parent, 0);
    assert_eq!(program.terminate().code, Some(0));
    assert_eq!(oap.segments().len(), 1, "who says that it is not to be reported is not");
}

#[test]
fn an_address_that_is_none_ends_the_start() {
    let ended = program("localhost:xxx").end();
    assert_eq!(ended.code, Some(78));
    let why = "tracing.provider.oapServer of the function context=localhost:xxx: expected the host and the port of a collector";
    assert!(ended.errors.contains(why), "{}", ended.errors);
}

#[test]
fn no_segment_is_lost_at_the_end() {
    let oap = Oap::start();
    let program = traced(&oap);
    let (answered, ended) = stopped_under_load(program);
    assert_eq!(oap.segments().len(), answered, "{}", ended.errors);
}

#[test]
fn a_collector_that_is_not_there_holds_up_nobody() {
    let nobody = Port::free();
    let program = program(&format!("127.0.0.1:{}", nobody.number())).env("RUST_LOG", "warn,functions_framework=info").serve();
    let calls = |count: usize| {
        let mut connection = program.connect();
        for _ in 0..count {
            connection.send(&Request::get("/hello/ada")).expect(200);
        }
    };
    calls(6_000);
    program.log().wait("it is told", |line| line.message().contains("spans are lost"));
    let before = proc::memory_kib(program.id(), "VmRSS");
    calls(10_000);
    let grown = proc::memory_kib(program.id(), "VmRSS").saturating_sub(before);
    assert!(grown < 16 << 10, "what waits is bounded: {grown} KiB more");
    // When it comes after all it gets what comes from then on.
    let oap = Oap::at(nobody.number());
    eventually("segments come", || {
        calls(1);
        (!oap.segments().is_empty()).then_some(())
    });
    program.log().wait("it is told", |line| line.message().contains("takes spans again"));
    let ended = program.terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    let told = ended.errors.lines().filter(|line| line.contains("spans")).count();
    assert!(
        (3..=4).contains(&told),
        "where they go, that they are lost, how many were, and perhaps a few more:\n{}",
        ended.errors
    );
}
