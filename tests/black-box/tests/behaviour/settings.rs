//! Flags and environment: which wins, and what a mistake is told.

use std::net::TcpListener;

use black_box_tests::{Ended, Start};

use crate::fixture;

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free").port()
}

#[track_caller]
fn listens_on(start: Start, port: u16) {
    let program = start.serve();
    assert_eq!(program.address().port(), port);
    program.get("/").expect(200);
}

#[test]
fn the_port_is_the_flags_then_the_environments_then_the_contexts() {
    let context = |port: u16| format!(r#"{{"name":"f","version":"v1.0.0","port":"{port}","runtime":"Knative"}}"#);
    let (flag, listen, port, func) = (free_port(), free_port(), free_port(), free_port());
    let start = || fixture("echo").without("PORT").env("FUNC_CONTEXT", context(func));
    let address = format!("127.0.0.1:{listen}");
    let all = || start().env("PORT", port.to_string()).env("LISTEN_ADDRESS", &address).env("FUNCTION_HEALTH", "off");
    listens_on(all().arg("--port").arg(flag.to_string()), flag);
    listens_on(all().arg(format!("--port={flag}")), flag);
    listens_on(all(), listen);
    listens_on(start().env("PORT", port.to_string()), port);
    listens_on(start(), func);
    listens_on(start().env("PORT", ""), func);
    let v2 = format!(r#"{{"name":"f","version":"v2.0.0","triggers":{{"http":{{"port":{func}}}}}}}"#);
    listens_on(fixture("echo").without("PORT").env("FUNC_CONTEXT_V1BETA2", v2), func);
}

#[test]
fn the_address_is_the_flags_then_the_environments() {
    let address = |start: Start| {
        let program = start.serve();
        program.get("/").expect(200);
        program.log().wait_text("listening").field("address").rsplit_once(':').map(|(host, _)| host.to_owned())
    };
    let start = || fixture("echo").env("FUNCTION_HEALTH", "off");
    assert_eq!(address(start().env("ADDRESS", "127.0.0.1")).as_deref(), Some("127.0.0.1"));
    assert_eq!(address(start().env("ADDRESS", "0.0.0.0")).as_deref(), Some("0.0.0.0"));
    assert_eq!(address(start().env("ADDRESS", "localhost").arg("--host=127.0.0.1")).as_deref(), Some("127.0.0.1"));
    let listen = start().env("LISTEN_ADDRESS", "127.0.0.1:0").env("ADDRESS", "0.0.0.0").without("PORT");
    assert_eq!(address(listen).as_deref(), Some("127.0.0.1"));
    let any = address(start().env("LISTEN_ADDRESS", ":0").without("PORT"));
    assert!(matches!(any.as_deref(), Some("[::]" | "0.0.0.0")), "{any:?}");
}

#[test]
fn the_target_is_the_flags_then_the_environments() {
    let program = fixture("echo").arg("--target=conflict").serve();
    program.get("/").expect(409);
}

#[test]
fn a_value_that_cannot_be_used_is_named_with_what_was_expected() {
    for (variable, value, expected) in [
        ("PORT", "abc", "a number from 0 to 65535"),
        ("PORT", "65536", "a number from 0 to 65535"),
        ("LISTEN_ADDRESS", "localhost", "a number from 0 to 65535"),
        ("FUNCTION_TIMEOUT", "5 parsecs", "seconds"),
        ("FUNCTION_MAX_BODY_SIZE", "lots", "bytes"),
        ("FUNCTION_CONCURRENCY", "0", "a number from 1"),
        ("FUNCTION_SHUTDOWN_GRACE", "-1", "seconds"),
        ("FUNCTION_HEADER_TIMEOUT", "0", "seconds from 1"),
        ("FUNCTION_HEALTH", "maybe", "auto, on or off"),
        ("FUNCTION_SIGNATURE_TYPE", "grpc", "cloudevent"),
        ("FUNCTION_ACCESS_LOG", "maybe", "auto, on or off"),
        ("IGNORED_ROUTES", "robots.txt", "slash"),
        ("LOG_FORMAT", "xml", "text, json or cloud"),
        ("RUST_LOG", "fixture=loud", "a level"),
    ] {
        let ended = fixture("echo").env(variable, value).end();
        ended.expect(78, &[&format!("{variable}={value}"), expected]);
    }
}

#[test]
fn a_context_that_cannot_be_used_is_named() {
    for (variable, value, said) in [
        ("FUNC_CONTEXT", "{", "FUNC_CONTEXT: "),
        ("FUNC_CONTEXT", "[]", "FUNC_CONTEXT: "),
        ("FUNC_CONTEXT", r#"{"port":"http"}"#, "FUNC_CONTEXT: port: "),
        ("FUNC_CONTEXT_V1BETA2", r#"{"triggers":{"http":{"port":70000}}}"#, "FUNC_CONTEXT_V1BETA2: triggers.http.port: "),
    ] {
        fixture("echo").env(variable, value).end().expect(78, &[said]);
    }
}

#[test]
fn a_bad_command_line_is_64_and_explained() {
    fixture("echo").arg("--prot=8080").end().expect(64, &["--prot", "did you mean `--port`?", "--help"]);
    fixture("echo").arg("--zzzzzzzz").end().expect(64, &["--zzzzzzzz"]);
    fixture("echo").arg("--port").end().expect(64, &["--port"]);
    fixture("echo").arg("--port=abc").end().expect(64, &["--port=abc", "a number from 0 to 65535"]);
    fixture("echo").arg("serve").end().expect(64, &["serve"]);
}

#[test]
fn an_unknown_target_is_64_and_the_names_are_listed() {
    let ended = fixture("descrbed").end().expect(64, &["`descrbed`", "did you mean `described`?", "FUNCTION_TARGET"]);
    for name in ["echo", "pair", "created", "relay", "batch"] {
        assert!(ended.errors.contains(name), "{name} is not in {}", ended.errors);
    }
    fixture("nothing-like-it").arg("--target=Echo").end().expect(64, &["did you mean `echo`?"]);
}

#[test]
fn a_port_that_is_taken_is_69_and_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    fixture("echo").env("PORT", &port).env("ADDRESS", "127.0.0.1").end().expect(69, &["127.0.0.1", &port, "taken"]);
    let taken = fixture("echo").serve();
    let port = taken.address().port().to_string();
    fixture("echo").env("PORT", &port).end().expect(69, &[&port, "taken"]);
    fixture("echo").env("ADDRESS", "no.such.host.invalid").end().expect(69, &["no.such.host.invalid"]);
}

/// What a flag asks for is on standard output, and nothing else happens.
fn printed(flag: &str) -> Ended {
    Start::bare(env!("CARGO_BIN_EXE_fixture")).arg(flag).end().expect(0, &[])
}

#[test]
fn help_and_version_are_printed() {
    for flag in ["--help", "-h"] {
        let help = printed(flag).output;
        for part in ["--port", "PORT", "LISTEN_ADDRESS", "FUNCTION_TARGET", "8080", "FUNC_CONTEXT", "64", "RUST_LOG"] {
            assert!(help.contains(part), "{part} is not in {help}");
        }
    }
    for flag in ["--version", "-V"] {
        assert!(printed(flag).output.contains("functions-framework"));
    }
}

#[test]
fn a_source_is_accepted_and_ignored() {
    let program = fixture("echo").env("FUNCTION_SOURCE", "/nowhere").arg("--source=.").serve();
    program.get("/").expect(200);
}

#[test]
fn a_signature_type_that_differs_is_a_warning() {
    let program = fixture("echo").env("FUNCTION_SIGNATURE_TYPE", "cloudevent").serve();
    program.get("/").expect(200);
    let line = program.log().wait("a warning", |line| line.level() == "WARN");
    assert!(line.text.contains("FUNCTION_SIGNATURE_TYPE") && line.text.contains("cloudevent"), "{line:?}");
    let program = fixture("seen").env("FUNCTION_SIGNATURE_TYPE", "http").serve();
    program.post("/", "text/plain", "x").expect(415);
    program.log().wait("a warning", |line| line.level() == "WARN");
    for (target, kind) in [("pair", "http"), ("pair", "typed"), ("seen", "event"), ("payload", "openfunction")] {
        let program = fixture(target).env("FUNCTION_SIGNATURE_TYPE", kind).serve();
        assert!(program.log().all(|line| line.level() == "WARN").is_empty(), "{}", program.log().text());
    }
}
