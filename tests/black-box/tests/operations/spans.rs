//! The spans of a process, as a collector takes them.

use std::{
    io::{ErrorKind, Read as _},
    net::TcpListener,
};

use black_box_tests::{App, Collector, Folder, Line, Port, Request, Span, Start, eventually, kind, proc, status};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::json;

use crate::stopped_under_load;

pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const PARENT: &str = "b7ad6b7169203331";
const ZEROS: &str = "00-00000000000000000000000000000000-0000000000000000-00";

/// The program, not traced yet.
pub(crate) fn program() -> Start {
    let context = json!({
        "name": "shop", "version": "v1", "runtime": "Knative", "port": "8080",
        "outputs": { "out": { "uri": "orders", "componentName": "bus", "componentType": "pubsub.redis" } },
        "states": { "store": { "componentName": "store", "componentType": "state.redis" } },
    });
    let start = Start::new(env!("CARGO_BIN_EXE_fixture-traced")).env("FUNC_CONTEXT", context.to_string());
    start.env("FUNCTION_LOCAL_PORT", "0").env("FUNCTION_TIMEOUT", "300ms").env("OTEL_BSP_SCHEDULE_DELAY", "20")
}

/// The program with its spans sent to this collector.
pub(crate) fn traced(collector: &Collector) -> Start {
    program().env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
}

pub(crate) fn parent(sampled: bool) -> String {
    format!("00-{TRACE}-{PARENT}-0{}", u8::from(sampled))
}

fn event(id: &str) -> Request {
    let request = Request::post("/shipped", "application/json", "{}").header("ce-specversion", "1.0").header("ce-id", id);
    request.header("ce-source", "/shop").header("ce-type", "order.shipped")
}

/// The line that says spans were lost, or are taken again.
fn tells_of_spans(line: &Line) -> bool {
    line.message().contains("spans")
}

#[test]
fn every_request_has_a_span_in_the_words_of_the_conventions() {
    let collector = Collector::start();
    let program = traced(&collector).serve();
    program.get("/hello/ada?secret=1").expect(200);
    let span = collector.wait("GET /hello/{name}");
    assert_eq!((span.kind, span.status, span.parent.as_str()), (kind::SERVER, status::UNSET, ""));
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/hello/{name}"),
        ("url.path", "/hello/ada"),
        ("http.response.status_code", "200"),
        ("server.address", "localhost"),
        ("network.protocol.version", "1.1"),
        ("faas.name", "hello"),
        ("faas.trigger", "http"),
    ] {
        assert_eq!(span.attribute(name), value, "{name}: {span:?}");
    }
    assert!(!format!("{span:?}").contains("secret"), "a query may hold what is nobody's business");
    assert_eq!((span.resource["service.name"].as_str(), span.resource["service.version"].as_str()), ("shop", "v1"));
    // What the function logs is found by the span, and the span by what it logs.
    let line = program.log().wait("the function's line", |line| line.message() == "hello was called");
    assert_eq!([line.field("trace_id"), line.field("span_id")], [span.trace.as_str(), span.id.as_str()]);
    assert_eq!(span.attribute("faas.invocation_id"), line.field("request_id"));
}

#[test]
fn a_failure_a_panic_and_a_timeout_are_errors_with_their_reason() {
    let collector = Collector::start();
    let program = traced(&collector).env("RUST_BACKTRACE", "1").serve();
    for (path, code, kind, reason) in [
        ("/broken", 500, "500", "it is broken"),
        ("/crash", 500, "panic", "panicked: as told"),
        ("/slow", 504, "timeout", "no answer within"),
    ] {
        program.get(path).expect(code);
        let span = collector.wait(&format!("GET {path}"));
        assert_eq!((span.status, span.attribute("error.type")), (status::ERROR, kind), "{span:?}");
        assert_eq!(span.attribute("http.response.status_code"), code.to_string());
        let [(name, exception)] = &span.events[..] else { panic!("one event: {span:?}") };
        assert_eq!(name, "exception");
        assert!(exception["exception.message"].contains(reason) && span.reason.contains(reason), "{span:?}");
        assert!(!format!("{span:?}").contains("rust_begin_unwind"), "{span:?}");
    }
    program.post("/relay", "text/plain", "panic").expect(200);
    let span = collector.wait("process orders");
    assert_eq!((span.status, span.attribute("error.type"), span.kind), (status::ERROR, "panic", kind::CONSUMER), "{span:?}");
    // By the conventions the mistake of a caller is none of the one who serves him.
    program.post("/shipped", "application/json", "{}").expect(415);
    assert_eq!(collector.wait("POST /shipped").status, status::UNSET);
}

#[test]
fn the_parent_is_who_calls_unless_it_is_nobody() {
    let collector = Collector::start();
    let program = traced(&collector).serve();
    let call = |traceparent: &str| {
        let request = Request::get("/where").header("traceparent", traceparent);
        program.send(&request).expect(200).text().to_owned()
    };
    let told = call(&parent(true));
    let span = collector.wait("GET /where");
    assert_eq!(told, format!("{TRACE} {} true", span.id), "the function runs within it");
    assert_eq!((span.trace.as_str(), span.parent.as_str()), (TRACE, PARENT));
    // Who is not sampled stays so, and is still the parent of what follows.
    let told = call(&parent(false));
    assert!(told.starts_with(TRACE) && told.ends_with(" false"), "{told}");
    for nobody in [ZEROS, "rubbish", "00-xyz-1-1"] {
        let told = call(nobody);
        let trace = told.split(' ').next().unwrap_or_default().to_owned();
        let of_call = |spans: Vec<Span>| spans.into_iter().find(|span| span.trace == trace);
        let span = eventually("its span comes", || of_call(collector.spans()));
        assert!(trace != TRACE && span.parent.is_empty(), "{span:?}");
    }
    assert_eq!(collector.spans().iter().filter(|span| span.trace == TRACE).count(), 1);
}

#[test]
fn spans_of_the_program_are_children_of_the_invocation() {
    let collector = Collector::start();
    let program = traced(&collector).serve();
    program.get("/own").expect(200);
    let (of_invocation, inner, by_hand) = (collector.wait("GET /own"), collector.wait("inner"), collector.wait("by hand"));
    for span in [inner, by_hand] {
        assert_eq!((&span.trace, &span.parent), (&of_invocation.trace, &of_invocation.id), "{span:?}");
        assert_eq!(span.kind, kind::INTERNAL);
    }
}

#[test]
fn an_event_brings_its_parent_and_a_reply_takes_it_on() {
    let collector = Collector::start();
    let program = traced(&collector).serve();
    let other = format!("00-{}-{PARENT}-01", "1".repeat(32));
    let reply = program.send(&event("7").header("traceparent", &other).header("ce-traceparent", parent(true))).expect(200);
    let span = collector.wait("POST /shipped");
    assert_eq!((span.trace.as_str(), span.parent.as_str(), span.kind), (TRACE, PARENT, kind::SERVER));
    assert_eq!(reply.header("ce-traceparent"), Some(format!("00-{TRACE}-{}-01", span.id).as_str()));
    for (name, value) in [("id", "7"), ("source", "/shop"), ("type", "order.shipped"), ("spec_version", "1.0")] {
        assert_eq!(span.attribute(&format!("cloudevents.event_{name}")), value, "{span:?}");
    }
    // What only the body tells comes too late to be the parent.
    let event = json!({ "specversion": "1.0", "id": "8", "source": "/shop", "type": "t", "traceparent": parent(true) });
    program.post("/shipped", "application/cloudevents+json", event.to_string()).expect(200);
    let linked = |spans: Vec<Span>| spans.into_iter().find(|span| span.attribute("cloudevents.event_id") == "8");
    let span = eventually("the span of the other event comes", || linked(collector.spans()));
    assert!(span.trace != TRACE && span.links == [PARENT], "{span:?}");
}

#[test]
fn two_functions_with_an_event_between_them_are_one_trace() {
    let collector = Collector::start();
    let program = traced(&collector).serve();
    let request = Request::post("/relay", "text/plain", "one").header("traceparent", parent(true));
    program.send(&request).expect(200);
    let relay = collector.wait("POST /relay");
    let publish = collector.wait("publish orders");
    let process = collector.wait("process orders");
    let kept = |parent: &Span| {
        let of_parent =
            |spans: Vec<Span>| spans.into_iter().find(|span| span.name == "change store" && span.parent == parent.id);
        eventually("the span of its state comes", || of_parent(collector.spans()))
    };
    // Also what a task of its own keeps is found below the invocation.
    let (spawned, order) = (kept(&relay), kept(&process));
    let spans = [&relay, &publish, &process, &spawned, &order];
    assert!(spans.iter().all(|span| span.trace == TRACE && span.status == status::UNSET), "{spans:#?}");
    assert_eq!([&*relay.parent, &publish.parent, &process.parent], [PARENT, &relay.id, &publish.id]);
    let kinds = [kind::SERVER, kind::PRODUCER, kind::CONSUMER, kind::CLIENT, kind::CLIENT];
    assert_eq!(spans.map(|span| span.kind), kinds);
    assert_eq!(publish.attribute("messaging.destination.name"), "orders");
    for (name, value) in [
        ("messaging.system", "dapr"),
        ("messaging.destination.name", "orders"),
        ("messaging.operation.type", "process"),
        ("faas.trigger", "pubsub"),
        ("faas.name", "orders"),
    ] {
        assert_eq!(process.attribute(name), value, "{process:?}");
    }
    assert_ne!(process.attribute("cloudevents.event_id"), "");
}

#[test]
fn who_is_called_is_told_of_the_span_and_of_the_baggage() {
    let (collector, called, folder) = (Collector::start(), App::start(|_| None), Folder::new("spans"));
    let component = json!({
        "apiVersion": "dapr.io/v1alpha1", "kind": "Component", "metadata": { "name": "web" },
        "spec": { "type": "bindings.http", "version": "v1", "metadata": [{ "name": "url", "value": called.url() }] },
    });
    std::fs::write(folder.path().join("web.yaml"), component.to_string()).expect("a file can be written");
    let program = traced(&collector).arg("--resources").arg(folder.path()).serve();
    for sampled in [true, false] {
        let request = Request::get("/call").header("traceparent", parent(sampled)).header("tracestate", "a=1");
        program.send(&request.header("baggage", "tenant=7")).expect(200);
    }
    let [told, not_sampled] = &called.wait_for(2, "/")[..] else { panic!("it is called twice") };
    let span = collector.wait("post web");
    assert_eq!(told.header("traceparent"), format!("00-{TRACE}-{}-01", span.id));
    assert_eq!(collector.wait("GET /call").id, span.parent);
    for call in [told, not_sampled] {
        assert_eq!([call.header("tracestate"), call.header("baggage")], ["a=1", "tenant=7"]);
    }
    let traceparent = not_sampled.header("traceparent");
    assert!(traceparent.starts_with(&format!("00-{TRACE}-")) && traceparent.ends_with("-00"), "{traceparent}");
    assert!(!traceparent.contains(PARENT), "who is not recorded has an id, too");
}

#[test]
fn the_function_context_can_ask_for_spans_and_variables_win() {
    let collector = Collector::start();
    let (mut context, endpoint) = (json!({ "name": "asked", "version": "v1", "runtime": "Knative" }), collector.url());
    context["pluginsTracing"] = json!({
        "enabled": true,
        "provider": { "name": "opentelemetry", "exporter": {
            "name": "otlp", "endpoint": endpoint, "protocol": "grpc", "headers": "x-key=a%20b", "compression": "gzip", "timeout": "5s",
        } },
        "tags": { "layer": "faas" },
        "baggage": { "key": "baggage", "value": "team=blue" },
    });
    context["prePlugins"] = json!(["opentelemetry"]);
    let start = || program().env("FUNC_CONTEXT", context.to_string());
    let asked = start().serve();
    asked.get("/hello/ada").expect(200);
    let span = collector.wait("GET /hello/{name}");
    assert_eq!((span.attribute("layer"), span.resource["service.name"].as_str()), ("faas", "asked"));
    assert_eq!(collector.metadata()[0].get("x-key").and_then(|value| value.to_str().ok()), Some("a b"));
    assert!(collector.metadata()[0].contains_key("grpc-encoding"), "{:?}", collector.metadata());
    let elsewhere = App::start(|_| None);
    let moved = start().env("OTEL_EXPORTER_OTLP_ENDPOINT", elsewhere.url()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let moved = moved.env("OTEL_SERVICE_NAME", "mine").serve();
    moved.get("/hello/ada").expect(200);
    let post = elsewhere.wait_for(1, "/v1/traces").remove(0);
    assert_eq!((post.header("x-key"), post.header("content-type")), ("a b", "application/x-protobuf"));
    assert_eq!(post.header("content-encoding"), "gzip", "what no variable says is still the context's");
    let off = start().env("OTEL_SDK_DISABLED", "true").serve();
    off.get("/hello/ada").expect(200);
    assert_eq!(off.terminate().code, Some(0));
    assert_eq!(collector.spans().len(), 1);
}

#[test]
fn spans_go_over_http_too() {
    let collector = App::start(|_| None);
    let program = program().env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).serve();
    program.get("/hello/ada").expect(200);
    let post = collector.wait_for(1, "/v1/traces").remove(0);
    let export = ExportTraceServiceRequest::decode(&*post.body).expect("it is an export");
    assert_eq!(Span::all(export)[0].name, "GET /hello/{name}");
}

#[test]
fn a_setting_that_cannot_be_used_ends_the_start() {
    let ended = program().env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317").env("OTEL_TRACES_SAMPLER", "sometimes").end();
    assert_eq!(ended.code, Some(78));
    let why = "OTEL_TRACES_SAMPLER=sometimes: expected always_on, always_off or traceidratio";
    assert!(ended.errors.contains(why), "{}", ended.errors);
}

#[test]
fn no_span_is_lost_at_the_end() {
    let collector = Collector::start();
    let program = traced(&collector).env("OTEL_BSP_SCHEDULE_DELAY", "60000").env("OTEL_BSP_MAX_QUEUE_SIZE", "100000").serve();
    let (answered, ended) = stopped_under_load(program);
    assert_eq!(collector.spans().len(), answered, "{}", ended.errors);
}

#[test]
fn no_answer_waits_for_a_collector_that_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    silent.set_nonblocking(true).expect("it need not wait");
    let address = silent.local_addr().expect("it listens");
    let start =
        program().env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}")).env("OTEL_METRIC_EXPORT_INTERVAL", "20");
    // Nothing but an answer would end what is on its way.
    let start = ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_METRIC_EXPORT_TIMEOUT"]
        .into_iter()
        .fold(start, |start, name| start.env(name, "3600s"));
    let program = start.env("OTEL_BSP_MAX_QUEUE_SIZE", "64").env("FUNCTION_SHUTDOWN_GRACE", "1s").serve();
    let mut connection = program.connect();
    let mut call = |count: usize| (0..count).for_each(|_| drop(connection.send(&Request::get("/hello/ada")).expect(200)));
    call(1);
    // One brings spans, one figures, and both wait from now on.
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let accept = || match silent.accept() {
                Ok((stream, _)) => Some(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                Err(error) => panic!("{error}"),
            };
            let mut stream = eventually("something is sent", accept);
            stream.set_nonblocking(false).expect("it may wait");
            assert_ne!(stream.read(&mut [0; 5]).expect("a request"), 0);
            stream
        })
        .collect();
    call(1_000);
    let before = proc::memory_kib(program.id(), "VmRSS");
    call(10_000);
    let grown = proc::memory_kib(program.id(), "VmRSS").saturating_sub(before);
    assert!(grown < 16 << 10, "what waits is bounded: {grown} KiB more");
    program.terminate().expect(0, &["spans are lost", "the collector did not take the last metrics"]);
    drop(waiting);
}

#[test]
fn the_declared_baggage_goes_along_unless_the_caller_says_otherwise() {
    let (collector, called, folder) = (Collector::start(), App::start(|_| None), Folder::new("baggage"));
    let component = json!({
        "apiVersion": "dapr.io/v1alpha1", "kind": "Component", "metadata": { "name": "web" },
        "spec": { "type": "bindings.http", "version": "v1", "metadata": [{ "name": "url", "value": called.url() }] },
    });
    std::fs::write(folder.path().join("web.yaml"), component.to_string()).expect("a file can be written");
    let context = json!({
        "name": "shop", "version": "v1", "runtime": "Knative", "port": "8080",
        "pluginsTracing": {
            "enabled": true, "provider": { "name": "opentelemetry" }, "baggage": { "key": "baggage", "value": "team=blue" },
        },
    });
    let start = traced(&collector).env("FUNC_CONTEXT", context.to_string()).arg("--resources").arg(folder.path());
    let program = start.serve();
    for said in ["", "team=red", "tenant=7"] {
        program.send(&Request::get("/call").header("baggage", said)).expect(200);
    }
    let told: Vec<_> = called.wait_for(3, "/").iter().map(|call| call.header("baggage").to_owned()).collect();
    assert_eq!(told[..2], ["team=blue", "team=red"]);
    assert!(told[2] == "team=blue,tenant=7" || told[2] == "tenant=7,team=blue", "{told:?}");
}

#[test]
fn what_proves_who_sends_is_never_logged() {
    let collector = Collector::start();
    let start = traced(&collector).env("OTEL_METRIC_EXPORT_INTERVAL", "20").env("RUST_LOG", "trace");
    let program = start.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20opensesame").serve();
    program.get("/hello/ada").expect(200);
    collector.wait("GET /hello/{name}");
    eventually("metrics come", || (collector.metrics().0 > 0).then_some(()));
    let came = collector.metadata();
    assert!(came.iter().all(|metadata| metadata.get("authorization").is_some_and(|said| said == "Bearer opensesame")));
    let ended = program.terminate().expect(0, &[]);
    assert!(!ended.errors.contains("opensesame"), "{:?}", ended.log.all(|line| line.text.contains("opensesame")));
}

#[test]
fn a_collector_that_is_not_there_holds_up_nobody() {
    let nobody = Port::free();
    let start = program().env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", nobody.number()));
    let start = start
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "64")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "1s")
        .env("RUST_LOG", "warn,functions_framework=info");
    let program = start.serve();
    let calls = |count: usize| {
        let mut connection = program.connect();
        for _ in 0..count {
            connection.send(&Request::get("/hello/ada")).expect(200);
        }
    };
    calls(1_000);
    let before = proc::memory_kib(program.id(), "VmRSS");
    calls(10_000);
    let grown = proc::memory_kib(program.id(), "VmRSS").saturating_sub(before);
    assert!(grown < 16 << 10, "what waits is bounded: {grown} KiB more");
    program.log().wait("it is told once", tells_of_spans);
    let ended = program.terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    let told = ended.errors.lines().filter(|line| line.contains("span") || line.contains("Span")).count();
    assert!(told <= 6, "not a line for every span:\n{}", ended.errors);
    assert!(ended.errors.contains("lost"), "{}", ended.errors);
}
