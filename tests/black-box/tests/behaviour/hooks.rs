//! What runs before and after functions.

use black_box_tests::{Connection, Program, Request, Start, eventually};
use serde_json::json;

use crate::fixture;

fn hooked() -> Start {
    Start::new(env!("CARGO_BIN_EXE_fixture-hooks"))
}

/// A function context with these hooks, and the input `tick`.
fn context(before: &[&str], after: &[&str]) -> String {
    json!({
        "name": "hooked", "version": "v1", "runtime": "Async", "port": "8080",
        "inputs": { "tick": { "uri": "tick", "componentName": "tick", "componentType": "bindings.cron" } },
        "prePlugins": before, "postPlugins": after,
    })
    .to_string()
}

fn declared(before: &[&str], after: &[&str]) -> Start {
    hooked().env("FUNC_CONTEXT", context(before, after))
}

/// The reference's two, in its order.
fn samples() -> Start {
    declared(&["plugin-custom", "plugin-example"], &["plugin-custom", "plugin-example"])
}

fn event(path: &str) -> Request {
    Request::post(path, "text/plain", "data")
        .header("ce-specversion", "1.0")
        .header("ce-id", "1")
        .header("ce-source", "/s")
        .header("ce-type", "t")
}

fn moody(path: &str, mood: &str) -> Request {
    Request::get(path).header("x-mood", mood)
}

/// How often the function has run, once this much was witnessed.
#[track_caller]
fn ran(program: &Program, witnessed: usize) -> usize {
    program.log().wait_for(witnessed, |line| line.message() == "witnessed");
    program.log().all(|line| line.message().starts_with("the function runs")).len()
}

/// What the witness says of the last of so many: the status, whether it crashed, and why.
#[track_caller]
fn witnessed(program: &Program, count: usize) -> (String, String, String) {
    let lines = program.log().wait_for(count, |line| line.message() == "witnessed");
    let line = lines.last().expect("there is one");
    (line.field("status").to_owned(), line.field("crash").to_owned(), line.field("why").to_owned())
}

#[test]
fn the_sum_is_2_in_a_thousand_invocations_at_once() {
    const CROWD: usize = 250;
    let program = samples().serve();
    for _ in 0..4 {
        // Every function waits for all others: each `after` comes when all `before`s were.
        let mut crowd: Vec<Connection> = (0..CROWD).map(|_| program.connect()).collect();
        for connection in &mut crowd {
            connection.write(Request::get("/page/meet").bytes());
        }
        for connection in &mut crowd {
            assert_eq!(connection.read().expect(200).header("x-sum"), Some("2"));
        }
    }
}

#[test]
fn functions_of_all_kinds_have_hooks_called_by_requests_and_by_events() {
    let program = samples().serve();
    let responses = [
        program.get("/page/x").expect(200),
        program.send(&event("/seen")).expect(204),
        program.post("/receive", "text/plain", "hello").expect(200),
    ];
    for response in responses {
        assert_eq!(response.header("x-sum"), Some("2"));
    }
    assert_eq!(program.post("/tick", "text/plain", "hello").expect(200).text(), "hello");
    let told = program.log().wait_for(4, |line| line.message() == r#"plugin - Result: {"sum":2}"#);
    assert_eq!(told.iter().map(|line| line.field("function")).collect::<Vec<_>>(), ["page", "seen", "receive", "receive"]);

    let program = declared(&[], &["witness"]).serve();
    program.post("/tick", "text/plain", "hello").expect(200);
    program.get("/page/x").expect(200);
    let lines = program.log().wait_for(2, |line| line.message() == "witnessed");
    let seen: Vec<_> = lines.iter().map(|line| (line.field("kind"), line.field("input"))).collect();
    assert_eq!(seen, [("openfunction", "tick"), ("http", "")]);
}

#[test]
fn an_error_before_the_function_stops_the_invocation() {
    let program = declared(&["moody"], &["witness"]).serve();
    program.send(&moody("/page/x", "before error")).expect_problem(418, "");
    assert_eq!(witnessed(&program, 1), ("418".to_owned(), "false".to_owned(), "hook `moody`: secret mood".to_owned()));
    program.send(&event("/seen").header("x-mood", "before drop")).expect_problem(422, "");
    program.post("/tick", "text/plain", "before error").expect(500);
    assert_eq!(program.post("/tick", "text/plain", "before drop").expect(200).text(), "");
    program.log().wait("the cause", |line| line.message() == "event dropped" && line.field("error").contains("hook `moody`"));
    assert_eq!(ran(&program, 4), 0);
}

#[test]
fn an_error_after_the_function_fails_the_invocation() {
    let program = declared(&[], &["moody", "witness"]).serve();
    program.send(&moody("/page/x", "after error")).expect_problem(418, "");
    program.post("/tick", "text/plain", "after error").expect(500);
    assert_eq!((ran(&program, 2), witnessed(&program, 2).2), (2, "hook `moody`: secret mood".to_owned()));
    // Of two failures the first is the answer, and the log has both.
    program.send(&moody("/page/fail", "after error")).expect_problem(409, "");
    program.log().wait("the other", |line| line.message() == "a hook failed" && line.field("hook") == "moody");
}

#[test]
fn a_panic_of_a_hook_is_no_outage() {
    let mut program = declared(&["moody"], &["moody", "witness"]).serve();
    for (mood, ran_before) in [("before panic", 0), ("after panic", 1)] {
        let response = program.send(&moody("/page/x", mood));
        assert_eq!((response.status, response.header("x-openfunction-status")), (500, Some("crash")), "{response:?}");
        assert!(!response.text().contains("secret"), "{response:?}");
        program.log().wait("whose it was", |line| line.field("error").starts_with("hook `moody` panicked: secret mood, at "));
        let delivered = program.post("/tick", "text/plain", mood).expect(500);
        assert_eq!(delivered.header("x-openfunction-status"), Some("crash"));
        assert_eq!(ran(&program, 2 * (ran_before + 1)), 2 * ran_before);
        assert_eq!(witnessed(&program, 2 * (ran_before + 1)).1, "true");
    }
    program.assert_alive();
    program.get("/page/x").expect(200);
}

#[test]
fn an_invocation_may_go_on_where_a_hook_fails() {
    let program = declared(&["moody"], &["moody", "witness"]).env("FUNCTION_HOOK_ERRORS", "log").serve();
    for mood in ["before error", "before panic", "after error", "after panic"] {
        assert_eq!(program.send(&moody("/page/x", mood)).expect(200).text(), "done");
        assert_eq!(program.post("/tick", "text/plain", mood).expect(200).text(), mood);
    }
    // What a delivery says right after the same of a request is only counted.
    let lines = program.log().wait_for(4, |line| line.message() == "a hook failed");
    assert!(lines.iter().all(|line| line.level() == "ERROR" && line.field("hook") == "moody"), "{lines:?}");
    assert_eq!(ran(&program, 8), 8);
}

#[test]
fn a_hook_that_fails_at_every_request_is_some_lines_with_a_count() {
    let program = declared(&["moody"], &[]).env("FUNCTION_HOOK_ERRORS", "log").serve();
    let mut connection = program.connect();
    for _ in 0..500 {
        connection.send(&moody("/page/x", "before error")).expect(200);
    }
    let told = || {
        let lines = program.log().all(|line| line.message().starts_with("a hook ") && line.field("hook") == "moody");
        let silent: u64 = lines.iter().filter_map(|line| line.json["silent"].as_u64()).sum();
        let failed = lines.iter().filter(|line| line.message() == "a hook failed").count();
        (lines.len(), u64::try_from(failed).expect("a small number") + silent)
    };
    // Who does what it should tells of the rest, a second later.
    let lines = eventually("all failures are accounted for", || {
        connection.send(&Request::get("/page/x")).expect(200);
        let (lines, failures) = told();
        (failures == 500).then_some(lines)
    });
    assert!(lines < 100, "{lines} lines:\n{}", program.log().text());
}

#[test]
fn those_after_see_every_end_of_a_function() {
    let program = declared(&["plugin-custom"], &["witness"]).env("FUNCTION_TIMEOUT", "200ms").serve();
    let told = |status: &str, crash: &str| (status.to_owned(), crash.to_owned());
    for (index, (path, status, crash, why)) in [
        ("/page/fail", "409", "false", "secret conflict"),
        ("/page/panic", "500", "true", "panicked: secret panic, at "),
        ("/page/wait", "504", "false", "no answer within 0.2 s"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(program.get(path).status.to_string(), status);
        let (seen, crashed, said) = witnessed(&program, index + 1);
        assert_eq!((seen, crashed), told(status, crash));
        assert!(said.starts_with(why), "{said}");
    }
    program.post("/tick", "text/plain", "panic").expect(500);
    assert_eq!(witnessed(&program, 4).1, "true");
}

#[test]
fn a_hook_that_is_not_registered_is_78_with_those_that_are() {
    let said = [
        "no hook is named `plugin-exampel`, did you mean `plugin-example`?",
        "registered: witness, plugin-custom, plugin-example, moody, skywalking",
        "FUNCTION_UNKNOWN_HOOKS=warn",
    ];
    let ended = declared(&["plugin-custom", "plugin-exampel"], &[]).end().expect(78, &said);
    assert!(!ended.errors.contains("listening"), "{}", ended.errors);
    hooked().env("FUNCTION_HOOKS", "audit").end().expect(78, &["FUNCTION_HOOKS: no hook is named `audit`"]);
    fixture("echo").env("FUNC_CONTEXT", context(&["audit"], &[])).end().expect(78, &["registered: none"]);

    let program = declared(&["audit", "plugin-custom"], &[]).arg("--unknown-hooks=warn").serve();
    program.log().wait("a warning", |line| line.level() == "WARN" && line.message().contains("no hook is named `audit`"));
    program.log().wait("the rest", |line| line.message() == "hooks run" && line.field("before") == "plugin-custom");
}

#[test]
fn a_hook_that_no_list_names_does_not_run_and_the_start_says_so() {
    let program = declared(&["plugin-custom"], &["moody"]).serve();
    let line = program.log().wait("a warning", |line| line.level() == "WARN" && !line.field("hooks").is_empty());
    assert_eq!(line.field("hooks"), "witness, plugin-example, skywalking");
    assert_eq!(program.get("/page/x").expect(200).header("x-sum"), None);
}

#[test]
fn where_nothing_is_declared_all_run_in_the_order_of_the_code() {
    let program = hooked().serve();
    let line = program.log().wait("the order", |line| line.message() == "hooks run");
    assert_eq!(line.field("before"), "witness, plugin-custom, plugin-example, moody, skywalking");
    assert_eq!(line.field("after"), "skywalking, moody, plugin-example, plugin-custom, witness");
    assert_eq!(program.get("/page/x").expect(200).header("x-sum"), Some("2"));
    assert_eq!(witnessed(&program, 1).0, "200");
}

#[test]
fn an_operator_chooses_over_what_is_declared() {
    let program = samples().arg("--hooks=witness,moody").serve();
    let line = program.log().wait("the order", |line| line.message() == "hooks run");
    assert_eq!((line.field("before"), line.field("after")), ("witness, moody", "moody, witness"));
    let program = samples().env("FUNCTION_HOOKS", "").serve();
    assert_eq!(program.get("/page/x").expect(200).header("x-sum"), None);
    assert!(program.log().all(|line| line.message() == "hooks run").is_empty());
}

#[test]
fn a_hook_takes_the_place_of_a_built_in_of_its_name() {
    let mut context: serde_json::Value = serde_json::from_str(&context(&["skywalking"], &["skywalking"])).unwrap();
    context["pluginsTracing"] = json!({ "enabled": true, "provider": { "name": "skywalking", "oapServer": "127.0.0.1:1" } });
    let program = hooked().env("FUNC_CONTEXT", context.to_string()).serve();
    program.get("/page/x").expect(200);
    program.log().wait_text("traced by hand");
    // Where there is no such hook the name is that of the built-in, and not unknown.
    fixture("echo").env("FUNC_CONTEXT", context.to_string()).serve().get("/").expect(200);
}

#[test]
fn spans_of_skywalking_are_made_where_they_are_asked_for_and_no_hook_has_their_name() {
    let sent = |start: Start, enabled: bool| {
        let tracing = json!({ "enabled": enabled, "provider": { "name": "skywalking", "oapServer": "127.0.0.1:1" } });
        let context = json!({ "name": "f", "version": "v1", "runtime": "Knative", "port": "8080", "pluginsTracing": tracing })
            .to_string();
        let program = start.env("FUNC_CONTEXT", context).serve();
        program.log().all(|line| line.message() == "spans are sent" && line.field("oap") == "127.0.0.1:1").len()
    };
    assert_eq!(sent(fixture("echo"), true), 1);
    assert_eq!(sent(fixture("echo"), false), 0);
    assert_eq!(sent(hooked(), true), 0, "a hook has its name");
}
