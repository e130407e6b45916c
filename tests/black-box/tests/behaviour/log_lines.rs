//! What a line of the log says of the invocation it belongs to, and what no line ever says.

use black_box_tests::{AppCallback, Line, Program, Request, Start};
use serde_json::json;

use crate::fixture;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn traced(request: Request) -> Request {
    request.header("traceparent", format!("00-{TRACE}-{SPAN}-01"))
}

/// The program whose functions events call, with an input `ticks` of the binding `tick`.
fn receiver() -> Start {
    let context = json!({
        "name": "receiver", "version": "v1", "runtime": "Async", "port": "8080",
        "inputs": { "ticks": { "uri": "tick", "componentName": "tick", "componentType": "bindings.cron" } }
    });
    Start::new(env!("CARGO_BIN_EXE_receiver")).target("receive").env("FUNC_CONTEXT", context.to_string())
}

fn ids(line: &Line) -> [&str; 4] {
    ["function", "request_id", "trace_id", "span_id"].map(|key| line.field(key))
}

/// The line with this message.
#[track_caller]
fn line(program: &Program, message: &str) -> Line {
    program.log().wait(message, |line| line.message() == message)
}

#[test]
fn what_a_function_logs_belongs_to_its_request_wherever_it_runs() {
    for (target, message) in [("sleep", "dropped"), ("heavy", "begun"), ("spawning", "later")] {
        let program = fixture(target).env("FUNCTION_ACCESS_LOG", "on").serve();
        program.send(&traced(Request::get("/")).header("x-request-id", "r-7")).expect(200);
        let of_function = line(&program, message);
        assert_eq!(ids(&of_function), [target, "r-7", TRACE, SPAN], "{}", of_function.text);
        let access = line(&program, "request");
        assert_eq!(ids(&access), ids(&of_function));
    }
    // Without an id of the caller's the lines agree on one of their own, and requests do not.
    let program = fixture("heavy").env("FUNCTION_ACCESS_LOG", "on").serve();
    program.get("/").expect(200);
    program.get("/").expect(200);
    let of_function = program.log().wait_for(2, |line| line.message() == "begun");
    let access = program.log().wait_for(2, |line| line.message() == "request");
    for (one, other) in of_function.iter().zip(&access) {
        assert!(one.field("request_id").len() == 32 && one.field("request_id") == other.field("request_id"), "{}", one.text);
        assert_eq!(one.field("trace_id"), "");
    }
    assert_ne!(access[0].field("request_id"), access[1].field("request_id"));
    assert_eq!(line(&program, "listening").field("request_id"), "", "it belongs to none");
}

#[test]
fn what_a_stream_logs_belongs_to_its_request_too() {
    let program = fixture("broken_stream").serve();
    let mut connection = program.connect();
    connection.write(traced(Request::get("/")).bytes());
    connection.until_closed();
    assert_eq!(ids(&line(&program, "the body of the answer failed")), ["broken_stream", TRACE, TRACE, SPAN]);
}

#[test]
fn a_line_names_the_event_and_the_input() {
    let program = fixture("noted").serve();
    let event = traced(Request::post("/", "application/json", "{}"))
        .header("ce-specversion", "1.0")
        .header("ce-id", "17")
        .header("ce-source", "/shop")
        .header("ce-type", "order.placed");
    program.send(&event).expect(204);
    let noted = line(&program, "noted");
    assert_eq!((noted.field("event_id"), noted.field("event_type")), ("17", "order.placed"), "{}", noted.text);
    assert_eq!(ids(&noted), ["noted", TRACE, TRACE, SPAN]);

    let program = receiver().env("FUNCTION_ACCESS_LOG", "on").serve();
    program.send(&traced(Request::post("/tick", "text/plain", "ok"))).expect(200);
    for message in ["received", "delivery"] {
        let line = line(&program, message);
        assert_eq!((line.field("input"), ids(&line)), ("ticks", ["receive", TRACE, TRACE, SPAN]), "{}", line.text);
    }
}

#[test]
fn in_the_names_of_google_cloud_a_line_has_what_its_logging_looks_for() {
    let program = fixture("error").env("LOG_FORMAT", "cloud").env("GOOGLE_CLOUD_PROJECT", "shop").quiet().serve();
    program.send(&traced(Request::get("/orders?secret=1"))).expect(500);
    let line = line(&program, "request failed").json;
    let request = &line["httpRequest"];
    assert_eq!(
        (&line["severity"], &request["requestMethod"], &request["status"]),
        (&json!("ERROR"), &json!("GET"), &json!(500))
    );
    assert_eq!(request["requestUrl"], "/orders");
    assert!(request["latency"].as_str().is_some_and(|latency| latency.ends_with('s')), "{line}");
    assert_eq!(line["logging.googleapis.com/trace"], format!("projects/shop/traces/{TRACE}"));
    assert_eq!((&line["logging.googleapis.com/spanId"], &line["time"].is_string()), (&json!(SPAN), &true));
}

#[test]
fn no_line_is_lost_at_the_end() {
    let program = fixture("sleep").env("FUNCTION_ACCESS_LOG", "on").serve();
    let mut connection = program.connect();
    for _ in 0..500 {
        connection.send(&Request::get("/")).expect(200);
    }
    let ended = program.terminate().expect(0, &["stopped"]);
    for message in ["begun", "dropped", "request"] {
        assert_eq!(ended.log.all(|line| line.message() == message).len(), 500, "{message}");
    }
    // The same where it does not end well: the last request is cut off.
    let program = fixture("sleep").env("FUNCTION_SHUTDOWN_GRACE", "0").serve();
    let mut connection = program.connect();
    connection.write(Request::get("/?ms=60000").bytes());
    line(&program, "begun");
    let ended = program.terminate().expect(75, &["cut off"]);
    assert_eq!(ended.log.all(|line| line.message() == "begun").len(), 1);
}

#[test]
fn a_storm_of_failures_is_a_few_lines_that_count_the_others() {
    let program = receiver().serve();
    let mut connection = program.connect();
    for _ in 0..200 {
        connection.send(&Request::post("/tick", "text/plain", "retry")).expect(500);
    }
    connection.send(&Request::post("/tick", "text/plain", "ok")).expect(200);
    let ended = program.terminate();
    let failed = ended.log.all(|line| line.message() == "delivery failed, the event comes again");
    let recovered = ended.log.all(|line| line.message() == "deliveries had failed that were not logged one by one");
    let silent: u64 = failed.iter().chain(&recovered).filter_map(|line| line.json["silent"].as_u64()).sum();
    assert_eq!(silent + failed.len() as u64, 200);
    assert!(failed.len() < 50, "{} lines", failed.len());
}

#[test]
fn whatever_is_logged_has_no_secret_in_it() {
    const SECRET: &str = "do-not-tell-4711";
    let tell_all = |start: Start| start.env("RUST_LOG", "trace").env("FUNCTION_ACCESS_LOG", "on");
    let secret = |request: Request| {
        let request = request.header("authorization", format!("Bearer {SECRET}")).header("cookie", format!("session={SECRET}"));
        request.header("dapr-api-token", SECRET).header("x-key", SECRET)
    };
    let silent = |program: Program| {
        let ended = program.terminate();
        let lines = ended.log.all(|line| line.text.contains(SECRET));
        assert!(lines.is_empty() && ended.log.lines().len() > 3, "{lines:?}");
    };
    for target in ["echo", "error", "boom", "pair"] {
        let program = tell_all(fixture(target)).serve();
        program.send(&secret(Request::post(&format!("/?token={SECRET}"), "application/json", SECRET)));
        silent(program);
    }
    // The function logs payloads only where it takes them: `typed` fails before.
    let context = json!({
        "name": "receiver", "version": "v1", "runtime": "Async", "port": "8080",
        "inputs": { "ticks": { "uri": "tick", "componentName": "tick", "componentType": "bindings.cron" } }
    });
    for token in [SECRET, "another"] {
        let start = Start::new(env!("CARGO_BIN_EXE_receiver")).target("typed").env("FUNC_CONTEXT", context.to_string());
        let program = tell_all(start).env("APP_API_TOKEN", token).env("DAPR_API_TOKEN", SECRET).serve();
        program.send(&secret(Request::post("/tick", "application/json", format!("[{{\"{SECRET}\":1}}]"))));
        // Over gRPC, whose every frame may be logged.
        let _ = AppCallback::connect(program.address()).binding("tick", format!("[\"{SECRET}\"]"));
        silent(program);
    }
}
