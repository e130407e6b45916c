use black_box_tests::{Connection, Request, eventually};

use super::{address, event, exercise, figures, measured, order};

#[test]
fn every_call_is_counted_by_what_was_called_and_how_it_ended() {
    let program = measured().serve();
    exercise(&program);
    let figures = figures(&program);
    let invocations = |labels: &[&str]| figures.sum("function_invocations_total", labels);
    for (function, kind, outcome, count) in [
        ("hello", "http", "success", 2.0),
        ("hello", "http", "error", 0.0),
        ("broken", "http", "error", 1.0),
        ("slow", "http", "timeout", 1.0),
        ("shipped", "cloudevent", "success", 1.0),
        ("shipped", "cloudevent", "client_error", 1.0),
        ("orders", "openfunction", "success", 2.0),
        ("orders", "openfunction", "error", 3.0),
        ("orders", "openfunction", "crash", 1.0),
    ] {
        let labels =
            [("function", function), ("kind", kind), ("outcome", outcome)].map(|(name, value)| format!("{name}=\"{value}\""));
        assert_eq!(invocations(&labels.each_ref().map(String::as_str)), Some(count), "{labels:?}\n{}", figures.0);
    }
    assert_eq!(invocations(&["function=\"orders\"", "input=\"bus/orders\""]), Some(6.0));
    let input = ["function=\"orders\"", "input=\"bus/orders\""];
    for (verdict, count) in [("verdict=\"success\"", 2.0), ("verdict=\"drop\"", 1.0), ("verdict=\"retry\"", 3.0)] {
        assert_eq!(figures.sum("function_deliveries_total", &[input[0], input[1], verdict]), Some(count), "{verdict}");
    }
    assert_eq!(figures.sum("function_delivery_wait_seconds_count", &input), Some(6.0));
    assert!(figures.sum("function_last_event_timestamp_seconds", &input).is_some_and(|time| time > 1.7e9));
    assert_eq!(
        figures.sum("function_sends_total", &["output=\"out\"", "function=\"orders\"", "result=\"success\""]),
        Some(2.0)
    );
    assert_eq!(figures.sum("function_sends_total", &["output=\"(undeclared)\"", "result=\"error\""]), Some(1.0));
    assert_eq!(figures.sum("function_received_bytes_total", &["function=\"hello\""]), Some(10.0));
    assert_eq!(figures.sum("function_answered_bytes_total", &["function=\"hello\""]), Some(17.0));
    let duration = |name: &str| figures.sum(&format!("function_invocation_duration_seconds_{name}"), &["function=\"slow\""]);
    assert!(duration("count") == Some(1.0) && duration("sum").is_some_and(|sum| (0.3..30.0).contains(&sum)));
    assert_eq!(figures.sum("function_invocations_in_flight", &[]), Some(0.0));
    assert_eq!(figures.sum("function_deliveries_waiting", &[]), Some(0.0));
    assert_eq!(figures.sum("greetings_total", &[]), Some(2.0), "the program's own");
    assert_eq!(figures.sum("functions_framework_info", &["version="]), Some(1.0));
    assert!(figures.sum("process_resident_memory_bytes", &[]).is_some_and(|bytes| bytes > 1e6));
}

#[test]
fn what_callers_send_makes_no_series() {
    let program = measured().serve();
    exercise(&program);
    let before = figures(&program).series().count();
    let mut connection = program.connect();
    for number in 0..100 {
        connection.send(&Request::get(&format!("/hello/{number}")).header("x-request-id", number.to_string())).expect(200);
        connection.send(&event(&number.to_string())).expect(204);
        connection.send(&order(&number.to_string(), "x").path("/orders")).expect(200);
        connection.send(&Request::get(&format!("/nowhere/{number}"))).expect(404);
        connection.send(&order(&number.to_string(), "astray").path("/orders")).expect(500);
    }
    let after = figures(&program);
    let made: Vec<_> = after.series().map(|(name, labels, _)| (name, labels)).collect();
    // Requests of `orders` send too, and have a series for that.
    assert!(made.len() <= before + 20, "{made:#?}");
    for label in ["path=", "id=", "/nowhere", "nowhere"] {
        assert!(!made.iter().any(|(_, labels)| labels.contains(label)), "{label}: {}", after.0);
    }
}

#[test]
fn figures_are_at_their_own_address_and_one_path() {
    let program = measured().serve();
    let mut connection = Connection::open(address(&program));
    connection.send(&Request::get("/")).expect(404);
    connection.send(&Request::post("/metrics", "text/plain", "x")).expect(405);
    assert!(connection.send(&Request::new("HEAD", "/metrics")).expect(200).body.is_empty());
    program.get("/metrics").expect(404);
    program.terminate().expect(0, &[]);
}

#[test]
fn figures_are_read_to_the_end_of_the_drain() {
    let program = measured().env("FUNCTION_TIMEOUT", "0").env("FUNCTION_SHUTDOWN_GRACE", "60s").serve();
    let address = address(&program);
    let mut running = program.connect();
    running.write(Request::get("/slow").bytes());
    let in_flight = || figures(&program).sum("function_invocations_in_flight", &["function=\"slow\""]);
    eventually("it runs", || (in_flight() == Some(1.0)).then_some(()));
    program.signal("TERM");
    program.log().wait("the drain", |line| line.message() == "draining");
    assert_eq!(in_flight(), Some(1.0));
    drop(running);
    program.ended().expect(0, &[]);
    assert!(Connection::try_open(address).is_err());
}

#[test]
fn an_address_that_cannot_be_had_is_no_start() {
    let program = measured().serve();
    let taken = address(&program).to_string();
    measured().env("FUNCTION_METRICS_ADDRESS", &taken).start().ended().expect(69, &[&taken, "FUNCTION_METRICS_ADDRESS"]);
    measured().env("FUNCTION_METRICS_ADDRESS", "9464").start().ended().expect(78, &["FUNCTION_METRICS_ADDRESS=9464: expected"]);
}
