//! HTTP functions, over HTTP/1.1.

use black_box_tests::{Connection, Request, Response};

use crate::{fixture, serve};

#[test]
fn every_path_and_every_method_reach_a_function_without_a_path() {
    let program = serve("echo");
    let mut connection = program.connect();
    for path in ["/", "/a/b/../c", "//", "/%2e%2e/%00?x=%zz&y", "/health/readiness", "/healthz", "/metrics", "/robots.txt/x"] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let response = connection.send(&Request::new(method, path)).expect(200);
            assert_eq!((response.header("x-method"), response.header("x-uri")), (Some(method), Some(path)));
        }
    }
}

#[test]
fn the_body_arrives_byte_by_byte_as_it_was_sent() {
    let program = serve("echo");
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for content_type in ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-16", "not a type"] {
        let response = program.post("/", content_type, &bytes).expect(200);
        assert!(response.body == bytes, "{content_type}: the body was changed");
    }
}

#[test]
fn headers_arrive_as_they_were_sent() {
    let program = serve("echo");
    let response = program.send(&Request::get("/").header("X-Kept", b"a  \"b\" %20 \xC3\xA9 \xFF")).expect(200);
    let kept = response.headers.iter().find(|(name, _)| name == "x-kept").map(|(_, value)| &value[..]);
    assert_eq!(kept, Some(&b"a  \"b\" %20 \xC3\xA9 \xFF"[..]));
}

#[test]
fn ignored_routes_are_not_found_and_nobody_is_asked() {
    let program = serve("sleep");
    for path in ["/robots.txt", "/favicon.ico"] {
        let response = program.get(path).expect(404);
        assert!(response.body.is_empty() && response.header("x-openfunction-status").is_none(), "{response:?}");
    }
    program.get("/robots").expect(200);
    let log = program.terminate().log;
    assert_eq!(log.all(|line| line.field("marker") == "sleep" && line.message() == "begun").len(), 1);
}

#[test]
fn ignored_routes_can_be_others_or_none() {
    let program = fixture("echo").env("IGNORED_ROUTES", "/secret, /old").serve();
    program.get("/secret").expect(404);
    program.get("/old").expect(404);
    program.get("/robots.txt").expect(200);
    let program = fixture("echo").env("IGNORED_ROUTES", "").serve();
    program.get("/robots.txt").expect(200);
    let program = fixture("echo").arg("--ignored-routes=/flag").env("IGNORED_ROUTES", "/variable").serve();
    program.get("/flag").expect(404);
    program.get("/variable").expect(200);
}

#[test]
fn a_path_and_methods_refuse_what_they_do_not_name() {
    let program = serve("order");
    assert_eq!(program.get("/orders/7").expect(200).text(), "order 7\n");
    let refused = program.send(&Request::new("DELETE", "/orders/7")).expect(405);
    let mut allowed: Vec<_> = refused.header("allow").expect("405 says what is allowed").split([',', ' ']).collect();
    allowed.retain(|method| !method.is_empty() && *method != "HEAD");
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "PUT"]);
    program.get("/").expect(404);
    program.get("/orders/7/items").expect(404);
    program.get("/orders/x").expect(400);
}

#[test]
fn answers_carry_no_etag() {
    for (target, path) in [("echo", "/"), ("order", "/orders/1"), ("pair", "/"), ("order", "/no")] {
        assert_eq!(serve(target).get(path).header("etag"), None, "{target} {path}");
    }
}

#[test]
fn head_is_answered_without_a_body() {
    let program = serve("order");
    let mut connection = program.connect();
    let response = connection.send(&Request::new("HEAD", "/orders/7")).expect(200);
    assert_eq!(response.header("content-length"), Some("8"));
    // A body after all would be taken for the next answer.
    assert_eq!(connection.send(&Request::get("/orders/8")).expect(200).text(), "order 8\n");
}

#[test]
fn a_connection_is_kept_and_pipelined_requests_are_answered_in_order() {
    let program = serve("echo");
    let mut connection = program.connect();
    for number in 0..20 {
        assert_eq!(connection.send(&Request::new("PUT", "/").body(number.to_string())).expect(200).text(), number.to_string());
    }
    let requests = (0..20).map(|number| Request::new("PUT", "/").body(number.to_string()).bytes());
    connection.write(requests.flatten().collect::<Vec<_>>());
    for number in 0..20 {
        assert_eq!(connection.read().expect(200).text(), number.to_string());
    }
}

#[test]
fn connection_close_is_honoured() {
    let program = serve("echo");
    let mut connection = program.connect();
    let response = connection.send(&Request::get("/").header("connection", "close")).expect(200);
    assert_eq!(response.header("connection"), Some("close"));
    assert!(connection.until_closed().is_empty());
}

#[test]
fn http_1_0_is_answered() {
    let program = serve("echo");
    let mut connection = program.connect();
    connection.write("GET /old HTTP/1.0\r\n\r\n");
    let answer = connection.until_closed();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.0 200 OK\r\n") && text.to_lowercase().contains("x-uri: /old"), "{text}");
}

#[test]
fn expect_100_continue_is_answered_before_the_body() {
    let program = serve("echo");
    let mut connection = program.connect();
    connection.write("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n");
    assert_eq!(connection.read().status, 100);
    connection.write("body");
    assert_eq!(connection.read().expect(200).text(), "body");
}

#[test]
fn a_stream_is_answered_while_it_is_sent() {
    let program = serve("stream_echo");
    let mut connection = program.connect();
    connection.write("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    for number in 0..5 {
        // Each piece comes back before the next is sent, so neither body is held back.
        connection.write_chunk(format!("piece {number}"));
        if number == 0 {
            assert_eq!(connection.head().unwrap().status, 200);
        }
        assert_eq!(connection.chunk().unwrap().unwrap(), format!("piece {number}").as_bytes());
    }
    connection.write("0\r\n\r\n");
    assert_eq!(connection.chunk().unwrap(), None);
    let end = program.log().wait("the end of the stream", |line| line.message() == "dropped");
    assert_eq!(end.json["finished"], true);
}

#[test]
fn a_typed_function_takes_json_and_refuses_the_rest_with_4xx() {
    let program = serve("pair");
    let json = "application/json";
    assert_eq!(program.post("/", json, r#"{"a":1,"b":41}"#).expect(200).json()["sum"], 42);
    let response = program.post("/any/path", "application/json; charset=utf-8", r#"{"a":1,"b":1}"#).expect(200);
    assert_eq!(response.header("content-type"), Some(json));
    program.post("/", json, r#"{"a":1"#).expect(400);
    program.post("/", json, "").expect(400);
    program.post("/", json, r#"{"a":1}"#).expect(422);
    program.post("/", "text/plain", r#"{"a":1,"b":1}"#).expect(415);
    program.send(&Request::get("/")).expect(415);
}

#[test]
fn init_runs_once_and_its_state_is_shared() {
    let program = serve("counted");
    let mut seen: Vec<u32> = (0..5).map(|_| program.get("/").expect(200).text().parse().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!(program.log().all(|line| line.message() == "connected").len(), 1);
}

#[test]
fn invocations_run_at_the_same_time_also_when_they_block() {
    for target in ["sleep", "heavy"] {
        let program = serve(target);
        let began = std::time::Instant::now();
        let mut connections: Vec<Connection> = (0..20).map(|_| program.connect()).collect();
        for connection in &mut connections {
            connection.write(Request::get("/?ms=500").bytes());
        }
        for connection in &mut connections {
            connection.read().expect(200);
        }
        assert!(began.elapsed().as_millis() < 5000, "{target}: one after another that is 10 s");
    }
}

#[test]
fn a_web_socket_is_served() {
    let program = serve("socket");
    let mut connection = program.connect();
    let upgrade = Request::get("/")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let response: Response = connection.send(&upgrade).expect(101);
    assert_eq!(response.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "the sample of RFC 6455");
    // A final text frame of 2 bytes, masked with zeros, and back without a mask.
    connection.write(b"\x81\x82\0\0\0\0hi");
    assert_eq!(connection.take(4).unwrap(), b"\x81\x02hi");
    program.get("/").expect(400);
}

#[test]
fn an_ignored_path_that_a_function_was_given_is_its_own() {
    assert_eq!(serve("robots").get("/robots.txt").expect(200).text(), "User-agent: *\n");
}

#[test]
fn a_request_no_function_takes_is_answered_and_logged_like_any_other() {
    let program = fixture("robots").env("FUNCTION_ACCESS_LOG", "on").serve();
    for (request, status) in [(Request::post("/robots.txt", "text/plain", ""), 405), (Request::get("/other"), 404)] {
        let detail = if status == 405 { "the method is none of those" } else { "no function is served" };
        let response = program.send(&request).expect_problem(status, detail);
        assert_eq!(response.header("x-openfunction-status"), Some("error"));
        assert_eq!(response.header("allow"), (status == 405).then_some("GET,HEAD"));
        program.log().wait("the request", |line| line.json["status"] == status);
    }
}
