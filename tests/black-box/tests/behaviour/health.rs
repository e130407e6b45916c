//! The routes that probes ask.

use black_box_tests::{Program, Request};

use crate::{fixture, serve};

const READINESS: [&str; 2] = ["/health/readiness", "/readyz"];
const LIVENESS: [&str; 2] = ["/health/liveness", "/healthz"];

#[track_caller]
fn answers(program: &Program) {
    for path in READINESS.into_iter().chain(LIVENESS) {
        let response = program.get(path).expect(200);
        assert_eq!((response.text(), response.header("x-openfunction-status")), ("ok\n", None), "{path}");
        program.send(&Request::new("HEAD", path)).expect(200);
    }
}

#[test]
fn an_event_function_has_them() {
    answers(&serve("seen"));
    let program = serve("seen");
    // Only to read: an event may be sent to any path.
    program.post("/healthz", "text/plain", "x").expect(415);
}

#[test]
fn an_http_function_has_them_only_where_listen_address_is_set() {
    let program = serve("echo");
    for path in READINESS.into_iter().chain(LIVENESS) {
        assert_eq!(program.get(path).expect(200).header("x-uri"), Some(path));
    }
    answers(&fixture("echo").env("LISTEN_ADDRESS", "127.0.0.1:0").without("PORT").serve());
}

#[test]
fn they_can_be_switched() {
    answers(&fixture("echo").env("FUNCTION_HEALTH", "on").serve());
    answers(&fixture("echo").arg("--health=on").env("FUNCTION_HEALTH", "off").serve());
    let program = fixture("echo").env("FUNCTION_HEALTH", "off").env("LISTEN_ADDRESS", "127.0.0.1:0").serve();
    assert_eq!(program.get("/readyz").expect(200).header("x-uri"), Some("/readyz"));
    fixture("seen").env("FUNCTION_HEALTH", "off").serve().get("/readyz").expect(405);
}

#[test]
fn a_path_that_a_function_takes_stays_the_functions() {
    let program = serve("probe");
    assert_eq!(program.get("/health/readiness").expect(200).text(), "the function's own\n");
    program.get("/healthz").expect(200);
    assert_eq!(program.get("/readyz").expect(200).text(), "ok\n");
}

#[test]
fn a_process_that_drains_is_alive_and_not_ready() {
    let program = fixture("sleep").env("FUNCTION_HEALTH", "on").serve();
    let mut busy = program.connect();
    busy.write(Request::get("/?ms=500").bytes());
    // Connections that are there already: the port is closed in a drain.
    let (mut ready, mut alive) = (program.connect(), program.connect());
    ready.send(&Request::get("/readyz")).expect(200);
    alive.send(&Request::get("/healthz")).expect(200);
    program.signal("TERM");
    program.log().wait_text("draining");
    let refused = ready.send(&Request::get("/health/readiness")).expect(503);
    assert_eq!(refused.header("connection"), Some("close"));
    alive.send(&Request::get("/health/liveness")).expect(200);
    busy.read().expect(200);
    program.ended().expect(0, &[]);
}
