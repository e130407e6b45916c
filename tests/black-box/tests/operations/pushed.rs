//! The figures of a process, as a collector of OpenTelemetry takes them.

use std::collections::BTreeSet;

use black_box_tests::{App, Collector, Figure, Line, Measured, Port, Program, Request, Start, eventually, proc};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;

use super::{exercise, figures, measured};

/// The program with its figures sent to this collector.
fn pushed(collector: &Collector) -> Start {
    let start = measured().env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    start.env("OTEL_METRIC_EXPORT_INTERVAL", "20").env("OTEL_TRACES_EXPORTER", "none")
}

/// The series of this name with these labels.
#[track_caller]
fn find<'a>(all: &'a [Measured], name: &str, labels: &[(&str, &str)]) -> &'a Measured {
    let fits = |series: &&Measured| {
        series.name == name && labels.iter().all(|(key, value)| series.attributes.get(*key).is_some_and(|said| said == value))
    };
    all.iter().find(fits).unwrap_or_else(|| panic!("no {name} with {labels:?}: {all:#?}"))
}

/// The line that says metrics are not taken, or are again.
fn tells_of_metrics(line: &Line) -> bool {
    line.message().contains("take metrics") || line.message().contains("takes metrics")
}

#[test]
fn a_collector_gets_what_prometheus_reads_by_the_same_names() {
    let collector = Collector::start();
    let program = pushed(&collector).env("OTEL_RESOURCE_ATTRIBUTES", "team=blue").serve();
    exercise(&program);
    let page = figures(&program);
    program.terminate().expect(0, &[]);
    let (_, all) = collector.metrics();
    let (mut names, of_page): (BTreeSet<_>, BTreeSet<_>) =
        (BTreeSet::new(), page.0.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect());
    for series in &all {
        names.insert(series.name.as_str());
        assert_eq!(series.resource["service.name"], "measured");
        assert_eq!((series.resource["service.version"].as_str(), series.resource["team"].as_str()), ("v1", "blue"));
        // The process itself has gone on in between.
        if series.name.starts_with("process_") {
            continue;
        }
        let labels: Vec<_> = series.attributes.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        let read = |suffix: &str| page.sum(&format!("{}{suffix}", series.name), &labels);
        match &series.value {
            Figure::Counter(value) | Figure::Gauge(value) => assert_eq!(read(""), Some(*value), "{series:?}\n{}", page.0),
            Figure::Summary(count) => assert_eq!(read("_count").map(|read| read.to_string()), Some(count.to_string())),
            Figure::Histogram { count, sum, bounds, buckets } => {
                assert_eq!((read("_sum"), buckets.iter().sum::<u64>()), (Some(*sum), *count), "{series:?}");
                assert_eq!((bounds.len() + 1, bounds[0].to_string().as_str()), (buckets.len(), "0.001"));
            }
        }
    }
    assert_eq!(names, of_page, "each has a name in docs/operations.md, as another test proves");
}

#[test]
fn a_histogram_has_as_many_values_as_there_were_invocations() {
    let collector = Collector::start();
    let program = pushed(&collector).serve();
    exercise(&program);
    for _ in 0..10 {
        program.get("/hello/again").expect(200);
    }
    let hello = [("function", "hello"), ("kind", "http"), ("input", "")];
    let counted =
        |all: &[Measured]| all.iter().any(|series| series.name == "greetings_total" && series.value == Figure::Counter(12.0));
    let all = eventually("all calls are counted, while it runs", || {
        let (_, all) = collector.metrics();
        counted(&all).then_some(all)
    });
    let Figure::Histogram { count, .. } = find(&all, "function_invocation_duration_seconds", &hello).value else {
        panic!("it is a histogram")
    };
    assert_eq!(count, 12);
    let success = [hello[0], hello[1], hello[2], ("outcome", "success")];
    assert_eq!(find(&all, "function_invocations_total", &success).value, Figure::Counter(12.0));
    let timeout = [("function", "slow"), ("outcome", "timeout")];
    assert_eq!(find(&all, "function_invocations_total", &timeout).value, Figure::Counter(1.0));
    let orders = [("function", "orders"), ("input", "bus/orders")];
    assert_eq!(find(&all, "function_invocations_in_flight", &orders).value, Figure::Gauge(0.0));
    assert!(matches!(find(&all, "function_delivery_wait_seconds", &orders).value, Figure::Histogram { count: 6, .. }));
    assert_eq!(find(&all, "greeting_length", &[]).value, Figure::Summary(12), "the program's own");
    let received = find(&all, "function_received_bytes_total", &[("function", "hello")]);
    assert_eq!((&received.value, received.unit.as_str()), (&Figure::Counter(10.0), "By"));
    assert!(received.description.starts_with("Payloads that functions were called with"), "{received:?}");
    assert_eq!(find(&all, "function_delivery_wait_seconds", &orders).unit, "s");
}

#[test]
fn no_figure_is_lost_at_the_end_and_no_address_is_needed() {
    let collector = App::start(|_| None);
    let start =
        measured().without("FUNCTION_METRICS_ADDRESS").env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", collector.url() + "/mine");
    let start = start.env("OTEL_METRIC_EXPORT_INTERVAL", "3600s").env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b");
    let program = start.env("OTEL_EXPORTER_OTLP_COMPRESSION", "none").serve();
    program.get("/hello/world").expect(200);
    program.terminate().expect(0, &[]);
    let [post] = &collector.posts("/mine")[..] else { panic!("it is sent once: {:?}", collector.calls()) };
    assert_eq!((post.header("x-key"), post.header("content-type")), ("a b", "application/x-protobuf"));
    let all = Measured::all(ExportMetricsServiceRequest::decode(&*post.body).expect("it is an export"));
    assert_eq!(find(&all, "greetings_total", &[]).value, Figure::Counter(1.0));
    assert_eq!(collector.calls().len(), 1, "spans have no collector");
}

#[test]
fn a_collector_that_comes_back_has_what_it_missed() {
    let nobody = Port::free();
    let address = format!("http://127.0.0.1:{}", nobody.number());
    let start = measured().env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &address).env("OTEL_METRIC_EXPORT_INTERVAL", "20");
    let program = start.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").serve();
    call(&program, 100);
    program.log().wait("it is told once", tells_of_metrics);
    let before = proc::memory_kib(program.id(), "VmRSS");
    call(&program, 10_000);
    let grown = proc::memory_kib(program.id(), "VmRSS").saturating_sub(before);
    assert!(grown < 16 << 10, "nothing waits: {grown} KiB more");
    let collector = Collector::at(&nobody);
    let missed = |all: &[Measured]| {
        all.iter().any(|series| series.name == "greetings_total" && series.value == Figure::Counter(10_100.0))
    };
    eventually("it has all of them", || missed(&collector.metrics().1).then_some(()));
    program.log().wait("it is told that it is over", |line| line.message() == "the collector takes metrics again");
    let ended = program.terminate().expect(0, &[]);
    assert_eq!(ended.log.all(tells_of_metrics).len(), 2, "not a line for every attempt:\n{}", ended.errors);
}

#[track_caller]
fn call(program: &Program, count: usize) {
    let mut connection = program.connect();
    for _ in 0..count {
        connection.send(&Request::get("/hello/world")).expect(200);
    }
}

#[test]
fn a_setting_that_cannot_be_used_ends_the_start() {
    let ended = measured().env("OTEL_METRICS_EXPORTER", "prometheus").end();
    ended.expect(78, &["OTEL_METRICS_EXPORTER=prometheus: expected "]);
    let ended = measured().env("OTEL_METRICS_EXPORTER", "otlp").env("OTEL_METRIC_EXPORT_INTERVAL", "never").end();
    ended.expect(78, &["OTEL_METRIC_EXPORT_INTERVAL=never: expected milliseconds"]);
}
