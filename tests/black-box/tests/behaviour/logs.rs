//! What is logged, in which form, and what is not.

use black_box_tests::{Line, Program, Request, Start};

use crate::{fixture, serve};

fn access(line: &Line) -> bool {
    line.message() == "request"
}

#[test]
fn lines_are_json_where_nobody_reads_along() {
    let program = serve("error");
    program.get("/").expect(500);
    program.log().wait_text("request failed");
    let ended = program.terminate();
    for line in ended.log.lines() {
        assert!(line.json.is_object() && !line.level().is_empty() && !line.message().is_empty(), "{line:?}");
        assert!(line.json["timestamp"].is_string() && line.json["target"].is_string(), "{line:?}");
    }
    assert!(ended.output.is_empty(), "standard output is the function's: {}", ended.output);
}

#[test]
fn text_is_written_on_request_and_without_colours() {
    let program = fixture("error").env("LOG_FORMAT", "text").serve();
    program.get("/").expect(500);
    let line = program.log().wait_text("request failed");
    assert!(line.json.is_null() && line.text.contains("ERROR") && line.text.contains("status=500"), "{line:?}");
    assert!(!line.text.contains('\u{1b}'), "{line:?}");
}

#[test]
fn what_callers_send_cannot_forge_a_line() {
    for format in ["text", "json"] {
        let program = fixture("error").env("LOG_FORMAT", format).env("FUNCTION_ACCESS_LOG", "on").serve();
        program.send(&Request::get("/%0aERROR%1b[31m").header("function-execution-id", b"a\tb\x80\xc2\x9b31m")).expect(500);
        let line = program.log().wait_text("request failed");
        // A tab is harmless, and JSON leaves C1 controls to whoever decodes it.
        let harmful = |c: char| c.is_control() && c != '\t' && (format == "text" || c.is_ascii());
        assert!(!line.text.chars().any(harmful), "{line:?}");
    }
}

/// Asks once well and once not, and ends it.
#[track_caller]
fn asked(program: Program) -> Vec<Line> {
    program.get("/orders/7?secret=1").expect(200);
    program.get("/orders/x").expect(400);
    program.terminate().log.lines()
}

#[test]
fn an_access_line_has_all_that_is_known() {
    let lines = asked(fixture("order").env("FUNCTION_ACCESS_LOG", "on").serve());
    let lines: Vec<_> = lines.into_iter().filter(access).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].field("method"), lines[0].field("path")), ("GET", "/orders/7"));
    assert_eq!((&lines[0].json["status"], &lines[1].json["status"]), (&200.into(), &400.into()));
    for line in &lines {
        assert_eq!(line.field("function"), "order");
        assert!(!line.field("request_id").is_empty() && line.json["duration_ms"].is_f64(), "{line:?}");
        assert!(!line.text.contains("secret"), "a query is often a secret: {line:?}");
    }
}

#[test]
fn without_a_terminal_or_switched_off_there_is_none() {
    for start in [fixture("order"), fixture("order").env("FUNCTION_ACCESS_LOG", "off")] {
        assert!(!asked(start.serve()).iter().any(access));
    }
}

#[test]
fn failures_are_logged_in_any_case() {
    let program = fixture("error").env("FUNCTION_ACCESS_LOG", "off").env("RUST_LOG", "error").quiet().serve();
    program.get("/").expect(500);
    program.log().wait_text("request failed");
    let lines = program.terminate().log.lines();
    assert!(lines.iter().all(|line| line.level() == "ERROR"), "{lines:?}");
}

#[test]
fn the_level_can_be_set_for_a_part() {
    let program = fixture("sleep").env("RUST_LOG", "warn,functions_framework=debug").serve();
    program.get("/").expect(200);
    let lines = program.terminate().log.lines();
    assert!(lines.iter().any(|line| line.message() == "stopped"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.message() == "begun"), "{lines:?}");
    let ended = fixture("sleep").env("RUST_LOG", "off").quiet().serve().terminate();
    assert_eq!((ended.code, ended.errors.as_str()), (Some(0), ""));
}

#[test]
fn a_subscriber_of_the_program_is_left_alone_and_code_wins() {
    // Its log is on standard output: the port is asked of the system. What code sets is not asked of the environment.
    let program = Start::new(env!("CARGO_BIN_EXE_fixture-in-code")).env("PORT", "1").quiet().serve();
    let response = program.get("/").expect(500);
    assert_eq!(response.header("x-layer"), Some("yes"));
    let ended = program.terminate().expect(0, &[]);
    assert!(ended.errors.is_empty(), "{}", ended.errors);
    assert!(ended.output.contains("request failed") && ended.output.contains("stopped"), "{}", ended.output);
}

#[test]
fn what_does_not_decode_neither_forges_a_line_nor_fills_the_log() {
    let program = fixture("created").env("LOG_FORMAT", "text").serve();
    let event = |data: &str| {
        let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{data}}}"#);
        Request::post("/", "application/cloudevents+json", text)
    };
    let forged = program.send(&event(r#"{"items":"x\n2026-01-01T00:00:00Z ERROR forged"}"#)).expect(422);
    assert!(!forged.text().contains('\n'), "{}", forged.text());
    let long = program.send(&event(&format!(r#"{{"items":"{}"}}"#, "A".repeat(1 << 20)))).expect(422);
    assert!(long.text().len() < 1000);
    let ended = program.terminate();
    assert!(
        ended.errors.len() < 20_000 && ended.errors.lines().all(|line| !line.starts_with("2026-01-01")),
        "{}",
        ended.errors
    );
}

#[test]
fn a_level_for_one_target_leaves_the_failures_of_the_rest() {
    let program = fixture("error").env("RUST_LOG", "fixture=debug").serve();
    program.get("/").expect(500);
    program.log().wait_text("request failed");
}
