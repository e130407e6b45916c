//! Spans and figures as lines on standard error, for who sits before it.

use black_box_tests::{Collector, Request};

use super::{measured, spans};

#[test]
fn a_span_is_a_line_between_those_of_the_log() {
    let program = spans::program().env("OTEL_TRACES_EXPORTER", "console").env("LOG_FORMAT", "text").serve();
    let request = Request::get("/hello/ada").header("traceparent", spans::parent(true)).header("user-agent", "a\"\u{e9}");
    program.send(&request).expect(200);
    program.get("/broken").expect(500);
    let line = program.log().wait_text("SPAN GET /hello/{name} kind=SERVER duration_ms=").text;
    for part in [
        &format!(" trace_id={} span_id=", spans::TRACE),
        &format!(" parent_id={} ", spans::PARENT),
        " http.route=\"/hello/{name}\" ",
        " http.response.status_code=200",
        " faas.name=\"hello\" ",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let failed = program.log().wait_text("SPAN GET /broken kind=SERVER").text;
    assert!(failed.contains(" error.type=\"500\"") && failed.ends_with(" error=\"it is broken\""), "{failed}");
    let text = program.terminate().expect(0, &[]).errors;
    let (logged, ended) = (text.find("hello was called"), text.find("SPAN GET /hello"));
    assert!(logged.is_some() && logged < ended, "{text}");
    assert!(text.contains("spans are written here"), "{text}");
}

#[test]
fn a_collector_may_have_the_same_spans() {
    let collector = Collector::start();
    let program = spans::traced(&collector).env("OTEL_TRACES_EXPORTER", "otlp,console").serve();
    program.get("/hello/ada").expect(200);
    let span = collector.wait("GET /hello/{name}");
    program.log().wait_text(&format!(" span_id={} ", span.id));
}

#[test]
fn figures_are_lines_too() {
    let start = measured().without("FUNCTION_METRICS_ADDRESS").env("OTEL_METRICS_EXPORTER", "console");
    let program = start.env("OTEL_METRIC_EXPORT_INTERVAL", "20").serve();
    program.get("/hello/world").expect(200);
    program.log().wait_text("  greetings_total 1");
    program.log().wait_text("  function_invocation_duration_seconds_count{function=\"hello\",kind=\"http\",input=\"\"} 1");
    let text = program.terminate().expect(0, &[]).errors;
    assert!(!text.contains("_bucket{") && !text.contains("# TYPE"), "{text}");
}
