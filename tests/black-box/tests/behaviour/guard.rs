//! What a function is protected from.

use std::time::{Duration, Instant};

use black_box_tests::{Connection, Program, Request, Start, eventually, proc};

use crate::{fixture, serve};

#[track_caller]
fn dropped(program: &Program, marker: &str) -> bool {
    let line = program.log().wait("a drop", |line| line.message() == "dropped" && line.field("marker") == marker);
    line.json["finished"] == true
}

#[test]
fn a_timeout_is_504_and_drops_the_function() {
    let program = fixture("sleep").env("FUNCTION_TIMEOUT", "100ms").serve();
    let mut connection = program.connect();
    let began = Instant::now();
    connection.send(&Request::get("/?ms=60000")).expect_problem(504, "");
    assert!(began.elapsed() >= Duration::from_millis(100));
    assert!(!dropped(&program, "sleep"));
    let line = program.log().wait("the timeout", |line| line.level() == "ERROR");
    assert!(line.field("error").contains("FUNCTION_TIMEOUT"), "{line:?}");
    connection.send(&Request::get("/?ms=1")).expect(200);
}

#[test]
fn a_long_timeout_is_kept_as_well() {
    // Long enough for the timer to be set late.
    let program = fixture("sleep").env("CLOUD_RUN_TIMEOUT_SECONDS", "2").env("FUNCTION_KEEP_ALIVE", "1").serve();
    let began = Instant::now();
    program.get("/?ms=60000").expect_problem(504, "");
    let took = began.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_timeout_does_not_cut_a_stream_that_has_begun() {
    let program = fixture("stream_echo").env("FUNCTION_TIMEOUT", "100ms").serve();
    let mut connection = program.connect();
    connection.write("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    connection.write_chunk("a");
    assert_eq!(connection.head().unwrap().status, 200);
    assert_eq!(connection.chunk().unwrap().unwrap(), b"a");
    // Not a wait for something: the time itself must not matter.
    std::thread::sleep(Duration::from_millis(300));
    connection.write_chunk("b");
    assert_eq!(connection.chunk().unwrap().unwrap(), b"b");
}

#[test]
fn a_client_that_sends_its_body_slowly_does_not_hold_a_function_for_ever() {
    let program = fixture("hold").env("FUNCTION_TIMEOUT", "200ms").serve();
    let mut connection = program.connect();
    connection.write("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nslow");
    connection.read().expect_problem(504, "");
}

#[test]
fn more_invocations_than_allowed_are_503_with_retry_after() {
    let program = fixture("stream_echo").env("FUNCTION_CONCURRENCY", "2").serve();
    let mut busy: Vec<Connection> = Vec::new();
    for _ in 0..2 {
        let mut connection = program.connect();
        connection.write("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
        connection.write_chunk("a");
        assert_eq!(connection.head().unwrap().status, 200);
        busy.push(connection);
    }
    let refused = program.get("/").expect_problem(503, "busy");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    let mut first = busy.remove(0);
    assert_eq!(first.chunk().unwrap().unwrap(), b"a");
    first.write("0\r\n\r\n");
    assert_eq!(first.chunk().unwrap(), None);
    // Its place is free as soon as its answer is complete.
    eventually("a place is free", || (program.get("/").status == 200).then_some(()));
    // And when a client leaves.
    drop(busy);
    eventually("two places are free", || {
        let mut one = program.connect();
        one.write("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
        one.write_chunk("a");
        (one.head().unwrap().status == 200 && program.get("/").status == 200).then_some(())
    });
}

#[test]
fn a_body_that_is_declared_too_large_is_413_before_it_is_sent() {
    for target in ["echo", "pair", "seen", "payload"] {
        let program = fixture(target).env("FUNCTION_MAX_BODY_SIZE", "1KiB").serve();
        let mut connection = program.connect();
        connection.write("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1025\r\n\r\n");
        connection.read().expect_problem(413, "too large");
    }
    let program = fixture("echo").arg("--max-body-size").arg("1KiB").serve();
    program.post("/", "text/plain", vec![b'x'; 1024]).expect(200);
    let mut connection = program.connect();
    connection.write(format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", u64::MAX / 2));
    connection.read().expect(413);
}

#[test]
fn a_body_that_becomes_too_large_is_413_and_its_bytes_are_not_kept() {
    for target in ["hold", "payload", "count"] {
        let program = serve(target);
        program.post("/", "text/plain", "small").expect(200);
        let before = proc::memory_kib(program.id(), "VmHWM");
        let mut connection = program.connect();
        connection.write("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
        let mebibyte = vec![b'x'; 1 << 20];
        let chunk = [b"100000\r\n", &mebibyte[..], b"\r\n"].concat();
        // Far more than the 16 MiB of the default, unless the other side is done before.
        let sent = (0..256).take_while(|_| connection.try_write(&chunk).is_ok()).count();
        assert!(sent >= 16, "{target}: cut off after {sent} MiB");
        if let Ok(response) = connection.head() {
            assert_eq!(response.status, 413, "{target}");
        }
        program.post("/", "text/plain", "small").expect(200);
        let grown = proc::memory_kib(program.id(), "VmHWM") - before;
        assert!(grown < 64 << 10, "{target}: {grown} KiB");
    }
}

#[test]
fn a_streamed_body_is_not_kept() {
    let program = fixture("count").env("FUNCTION_MAX_BODY_SIZE", "1GiB").serve();
    let mut connection = program.connect();
    let before = proc::memory_kib(program.id(), "VmHWM");
    connection.write(format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", 256 << 20));
    let mebibyte = vec![b'x'; 1 << 20];
    for _ in 0..256 {
        connection.write(&mebibyte);
    }
    assert_eq!(connection.read().expect(200).text(), (256 << 20).to_string());
    let grown = proc::memory_kib(program.id(), "VmHWM") - before;
    assert!(grown < 16 << 10, "{grown} KiB");
}

#[test]
fn a_head_that_is_too_large_is_refused_and_the_connection_closed() {
    let mut program = serve("echo");
    for head in [
        format!("GET / HTTP/1.1\r\nhost: test\r\nx-large: {}\r\n\r\n", "x".repeat(300 << 10)),
        format!("GET /{} HTTP/1.1\r\nhost: test\r\n\r\n", "x".repeat(100 << 10)),
        format!("GET / HTTP/1.1\r\nhost: test\r\n{}\r\n", "x: y\r\n".repeat(1000)),
    ] {
        let mut connection = program.connect();
        // The answer may come before all was sent.
        let _ = connection.try_write(&head);
        let answer = connection.until_closed();
        let status = answer.get(9..12).and_then(|status| std::str::from_utf8(status).ok());
        assert!(matches!(status, Some("400" | "414" | "431")), "{status:?} to {}", &head[..40]);
    }
    program.assert_alive();
    // What is large but allowed is served.
    let mut request = Request::get("/");
    for number in 0..40 {
        request = request.header(&format!("x-{number}"), "x".repeat(1000));
    }
    program.send(&request).expect(200);
}

#[test]
fn a_client_that_sends_its_head_slowly_is_cut() {
    let program = fixture("echo").env("FUNCTION_HEADER_TIMEOUT", "1s").serve();
    let mut halves = Vec::new();
    for half in ["", "G", "GET / HTTP/1.1\r\nhost:", "PRI * HTTP/2.0\r\n\r\n"] {
        let mut connection = program.connect();
        connection.write(half);
        halves.push(connection);
    }
    // The second head of a connection, too.
    let mut second = program.connect();
    second.send(&Request::get("/")).expect(200);
    second.write("GET / HTTP/1.1\r\nho");
    halves.push(second);
    let began = Instant::now();
    for half in &mut halves {
        half.until_closed();
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_client_that_drips_its_head_is_cut() {
    let program = fixture("echo").env("FUNCTION_HEADER_TIMEOUT", "1s").serve();
    let mut connection = program.connect();
    let began = Instant::now();
    // A byte now and then is no progress.
    let dripped = (0..100).take_while(|_| {
        std::thread::sleep(Duration::from_millis(100));
        connection.try_write("x").is_ok()
    });
    assert!(dripped.count() < 100 && began.elapsed() < Duration::from_secs(9));
}

#[test]
fn an_idle_connection_is_closed() {
    let program = fixture("echo").env("FUNCTION_KEEP_ALIVE", "1s").serve();
    let mut connection = program.connect();
    connection.send(&Request::get("/")).expect(200);
    let began = Instant::now();
    assert!(connection.until_closed().is_empty());
    let took = began.elapsed();
    assert!(took > Duration::from_millis(500) && took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_request_that_takes_longer_than_the_patience_with_connections_is_answered() {
    let program = fixture("sleep").env("FUNCTION_KEEP_ALIVE", "1s").env("FUNCTION_HEADER_TIMEOUT", "1s").serve();
    program.get("/?ms=2500").expect(200);
    // A body that comes slowly is not a head.
    let program = fixture("hold").env("FUNCTION_KEEP_ALIVE", "1s").env("FUNCTION_HEADER_TIMEOUT", "1s").serve();
    let mut connection = program.connect();
    connection.write("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 25\r\n\r\n");
    for _ in 0..25 {
        std::thread::sleep(Duration::from_millis(100));
        connection.write("x");
    }
    connection.read().expect(200);
}

#[test]
fn a_client_that_reads_slowly_gets_all_of_a_long_answer() {
    const SIZE: usize = 24 << 20;
    let program = fixture("large").env("FUNCTION_KEEP_ALIVE", "2s").serve();
    let mut connection = program.connect();
    connection.write(Request::get(&format!("/{SIZE}")).bytes());
    connection.head().unwrap();
    let began = Instant::now();
    let mut received = 0;
    while received < SIZE {
        received += connection.take(SIZE / 24).unwrap().len();
        // A slow reader: the whole takes longer than twice the time for which an idle connection is kept.
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(began.elapsed() > Duration::from_secs(4));
}

#[test]
fn a_client_that_stops_reading_is_cut_and_makes_room() {
    let program = fixture("endless").env("FUNCTION_CONCURRENCY", "1").env("FUNCTION_KEEP_ALIVE", "400ms").serve();
    let mut stuck = program.connect();
    stuck.write(Request::get("/").bytes());
    assert_eq!(stuck.head().unwrap().status, 200);
    program.get("/").expect(503);
    eventually("there is room again", || {
        let mut next = program.connect();
        next.write(Request::get("/").bytes());
        (next.head().unwrap().status == 200).then_some(())
    });
}

#[test]
fn a_head_in_two_pieces_after_a_pause_is_no_slow_head() {
    let program = fixture("echo").env("FUNCTION_HEADER_TIMEOUT", "4s").serve();
    let mut connection = program.connect();
    connection.send(&Request::get("/")).expect(200);
    // Longer than a head may take, and then a head that takes some time, but less.
    std::thread::sleep(Duration::from_secs(6));
    connection.write("GET / HT");
    std::thread::sleep(Duration::from_millis(1200));
    connection.write("TP/1.1\r\nhost: test\r\n\r\n");
    connection.read().expect(200);
}

#[test]
fn a_panic_in_a_layer_is_a_crash_as_any_other() {
    let program = Start::bare(env!("CARGO_BIN_EXE_fixture-in-code")).quiet().serve();
    let response = program.get("/layer").expect_problem(500, "");
    assert_eq!(response.header("x-openfunction-status"), Some("crash"));
    program.get("/").expect(500);
}
