//! What is not HTTP, or not quite.

use black_box_tests::{Program, Request};

use crate::{fixture, serve};

#[track_caller]
fn refused(program: &mut Program, bytes: &[u8]) {
    let mut connection = program.connect();
    let _ = connection.try_write(bytes);
    let answer = connection.until_closed();
    let text = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{:?} was answered {text}", String::from_utf8_lossy(bytes));
    assert!(text.matches("HTTP/1.1").count() <= 1, "one answer: {text}");
    program.assert_alive();
}

#[test]
fn malformed_heads_are_refused_and_the_connection_closed() {
    let mut program = fixture("echo").env("FUNCTION_HEADER_TIMEOUT", "1s").serve();
    let long = [b"GET / HTTP/1.1\r\n", &b"a".repeat(70_000)[..], b"\r\n\r\n"].concat();
    for bytes in [
        &b"hello\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: t\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost : t\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad name: t\r\n\r\n",
        b"GET / HTTP/1.1\r\na: \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\na: b\r\n folded\r\n\r\n",
        b"G\xffT / HTTP/1.1\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: t\r\n\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked, identity\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        &long,
    ] {
        // A path of bytes that are no text is let through by hyper; that is for the function then.
        if bytes.starts_with(b"GET /\xff") {
            let mut connection = program.connect();
            connection.write(bytes);
            let status = connection.read().status;
            assert!(status == 200 || status == 400, "{status}");
            continue;
        }
        refused(&mut program, bytes);
    }
    program.get("/").expect(200);
}

/// Two lengths are how one request is smuggled inside another.
#[test]
fn two_ways_to_tell_a_length_never_make_two_requests() {
    let program = serve("echo");
    let mut connection = program.connect();
    connection.write(
        "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: t\r\n\r\n",
    );
    connection.finish_writing();
    let answer = connection.until_closed();
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(!text.contains("x-uri: /smuggled"), "{text}");
}

#[test]
fn broken_chunks_are_refused() {
    for body in ["zz\r\n", "5\r\nab", "-1\r\n", "ffffffffffffffffff\r\n", "1\r\nabc\r\n"] {
        let mut program = serve("hold");
        let mut connection = program.connect();
        connection.write(format!("POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n{body}"));
        connection.finish_writing();
        let answer = connection.until_closed();
        let text = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{body:?}: {text}");
        program.assert_alive();
    }
}

#[test]
fn strange_paths_are_for_the_function_or_refused() {
    let mut program = serve("order");
    for path in ["/orders/%", "/orders/%ff", "/orders/%c0%af", "/orders/%00", "/orders/..%2f..%2fetc", "/orders//", "/%6frders/7"] {
        let response = program.get(path);
        assert!((400..500).contains(&response.status), "{path}: {response:?}");
    }
    // A number all the same.
    program.get("/orders/%37").expect(200);
    program.get(&format!("/orders/{}", "7".repeat(60_000))).expect(400);
    program.assert_alive();
}

#[test]
fn a_query_that_is_no_text_is_refused() {
    let mut program = serve("sleep");
    for query in ["?ms=x", "?ms=%ff", "?ms=-1", "?ms=1&ms=2"] {
        program.get(&format!("/{query}")).expect(400);
    }
    program.assert_alive();
}

#[test]
fn json_that_is_too_deep_is_refused() {
    let program = serve("created");
    let deep = "[".repeat(100_000);
    program.post("/", "application/cloudevents+json", &deep).expect(400);
    let event = |data: &str| format!(r#"{{"specversion":"1.0","id":"1","source":"/","type":"t","data":{data}}}"#);
    let deep = event(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    let status = program.post("/", "application/cloudevents+json", deep).status;
    assert!(status == 400 || status == 422, "{status}");
}

#[test]
fn a_client_that_leaves_in_its_body_drops_the_function_quietly() {
    let program = fixture("stream_echo").env("RUST_LOG", "debug").serve();
    let mut connection = program.connect();
    connection.write("POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n");
    connection.write_chunk("a");
    connection.head().unwrap();
    drop(connection);
    let dropped = program.log().wait_text("dropped");
    assert_eq!(dropped.json["finished"], false);
    gone_quietly(&program);
}

#[test]
fn a_client_that_leaves_before_the_answer_drops_the_function_quietly() {
    let program = fixture("sleep").env("RUST_LOG", "debug").serve();
    let mut connection = program.connect();
    connection.write(Request::get("/?ms=60000").bytes());
    program.log().wait_text("begun");
    drop(connection);
    assert_eq!(program.log().wait_text("dropped").json["finished"], false);
    gone_quietly(&program);
}

#[test]
fn a_client_that_leaves_in_the_answer_drops_the_function_quietly() {
    let program = fixture("endless").env("RUST_LOG", "debug").serve();
    let mut connection = program.connect();
    connection.write(Request::get("/").bytes());
    connection.head().unwrap();
    connection.chunk().unwrap();
    drop(connection);
    assert_eq!(program.log().wait_text("dropped").json["finished"], false);
    gone_quietly(&program);
}

#[track_caller]
fn gone_quietly(program: &Program) {
    program.log().wait("the client that went", |line| line.level() == "DEBUG" && line.message().contains("went away"));
    let loud = program.log().all(|line| matches!(line.level(), "WARN" | "ERROR"));
    assert!(loud.is_empty(), "{loud:?}");
}
