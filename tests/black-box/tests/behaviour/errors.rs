//! What a caller learns of a failure, and what the log does.

use black_box_tests::{Line, Program, Request};

use crate::{fixture, serve};

/// The line of a failed request.
fn failed(line: &Line) -> bool {
    line.level() == "ERROR" && line.message() == "request failed"
}

#[track_caller]
fn tells_no_secret(text: &str) {
    let text = text.to_lowercase();
    for secret in ["secret", "panic", "fixture", ".rs", "digit", "backtrace"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[test]
fn an_error_is_a_problem_without_details_and_its_chain_is_logged() {
    let program = serve("error");
    let response = program.get("/some/path?query=secret").expect_problem(500, "");
    tells_no_secret(response.text());
    assert_eq!(response.header("x-openfunction-status"), Some("error"));
    let line = program.log().wait("the failure", failed);
    assert_eq!(line.field("error"), "while reading the secret: secret table: invalid digit found in string");
    assert_eq!((line.field("method"), line.field("path"), line.field("function")), ("GET", "/some/path", "error"));
    assert_eq!(line.json["status"], 500);
    assert!(line.json["duration_ms"].as_f64().is_some_and(|took| took > 0.0));
}

#[test]
fn the_status_and_the_detail_of_an_error_are_its_own() {
    let program = serve("conflict");
    let response = program.get("/").expect_problem(409, "version 3 is current");
    assert_eq!(response.json()["title"], "Conflict");
    tells_no_secret(response.text());
}

#[test]
fn the_request_id_is_the_callers_or_a_new_one() {
    let program = serve("error");
    let mut connection = program.connect();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    let of = |id: &str| program.log().wait(id, |line| failed(line) && line.field("request_id") == id);
    let cloud = "105445aa7843bc8bf206b12000100000";
    let request = Request::get("/").header("X-Cloud-Trace-Context", format!("{cloud}/1;o=1"));
    connection.send(&request);
    of(cloud);
    let request = request.header("traceparent", &traceparent);
    connection.send(&request);
    of(trace);
    let request = request.header("X-Request-Id", "r-1");
    connection.send(&request);
    of("r-1");
    connection.send(&request.header("Function-Execution-Id", "exec-1"));
    of("exec-1");
    connection.send(&Request::get("/"));
    connection.send(&Request::get("/"));
    let ids: std::collections::HashSet<String> =
        program.log().wait_for(6, failed).iter().map(|line| line.field("request_id").to_owned()).collect();
    assert_eq!(ids.len(), 6, "each has one of its own: {ids:?}");
    assert!(ids.iter().all(|id| !id.is_empty()));
}

/// A panic is a plain 500, logged with its place; the connection and the program go on.
#[track_caller]
fn panic_is_contained(program: &mut Program, path: &str) {
    let mut connection = program.connect();
    for _ in 0..3 {
        let response = connection.send(&Request::get(path)).expect_problem(500, "");
        tells_no_secret(response.text());
        assert_eq!(response.header("x-openfunction-status"), Some("crash"));
    }
    let line = program.log().wait("the failure", failed);
    let error = line.field("error");
    assert!(error.starts_with("panicked: secret panic, at ") && error.contains("http.rs:"), "{error}");
    assert!(!program.log().text().contains("thread '"), "std's own message is not printed:\n{}", program.log().text());
    program.assert_alive();
}

#[test]
fn a_panic_is_contained() {
    panic_is_contained(&mut serve("boom"), "/");
    panic_is_contained(&mut serve("boom"), "/?ms=1");
    panic_is_contained(&mut serve("boom_at_once"), "/");
}

#[test]
fn a_panic_on_a_blocking_thread_is_contained() {
    panic_is_contained(&mut serve("heavy_boom"), "/");
}

#[test]
fn a_panic_has_its_backtrace_in_the_log_when_asked_for() {
    let program = fixture("boom").env("RUST_BACKTRACE", "1").serve();
    tells_no_secret(program.get("/").expect(500).text());
    let line = program.log().wait("the failure", failed);
    let (_, backtrace) = line.field("error").split_once('\n').expect("it has several lines");
    assert!(backtrace.contains("fixture/http.rs:"), "{line:?}");
}

/// Half an answer must not look like a whole one.
#[track_caller]
fn breaks_off(target: &str, logged: &str) {
    let mut program = serve(target);
    let mut connection = program.connect();
    connection.write(Request::get("/").bytes());
    assert_eq!(connection.head().unwrap().status, 200);
    assert_eq!(connection.chunk().unwrap().unwrap(), b"first");
    let rest = connection.until_closed();
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    let line = program.log().wait("the broken body", |line| line.level() == "ERROR");
    assert!(line.text.contains(logged) && line.field("function") == target, "{line:?}");
    program.assert_alive();
}

#[test]
fn a_panic_while_the_answer_streams_breaks_the_connection() {
    breaks_off("broken_stream", "panicked: secret panic, at ");
}

#[test]
fn an_error_while_the_answer_streams_breaks_the_connection() {
    breaks_off("failing_stream", "secret error");
}
