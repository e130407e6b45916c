//! The end of a process.

use std::{
    io,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use black_box_tests::{Connection, Program, Request, eventually, h2};

use crate::{fixture, serve};

/// Opens a request that waits for the end of its body, and returns once the function has begun.
#[track_caller]
fn in_flight(program: &Program) -> Connection {
    let mut connection = program.connect();
    connection.write("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    connection.write_chunk("a");
    assert_eq!(connection.head().unwrap().status, 200);
    assert_eq!(connection.chunk().unwrap().unwrap(), b"a");
    connection
}

#[test]
fn either_signal_ends_an_idle_process_with_success() {
    for signal in ["TERM", "INT"] {
        let program = serve("echo");
        let mut idle = program.connect();
        idle.send(&Request::get("/")).expect(200);
        let began = Instant::now();
        program.signal(signal);
        let ended = program.ended().expect(0, &["draining", "stopped", &format!("SIG{signal}")]);
        assert!(began.elapsed() < Duration::from_secs(5), "{}", ended.errors);
        assert!(idle.until_closed().is_empty());
    }
}

#[test]
fn what_is_in_flight_is_finished_and_nothing_new_is_taken() {
    let program = serve("stream_echo");
    let mut busy = in_flight(&program);
    program.signal("TERM");
    program.log().wait_text("draining");
    eventually("the port is closed", || (!program.accepts()).then_some(()));
    // Longer than an idle connection is kept.
    std::thread::sleep(Duration::from_millis(1200));
    busy.write_chunk("b");
    assert_eq!(busy.chunk().unwrap().unwrap(), b"b");
    busy.write("0\r\n\r\n");
    assert_eq!(busy.chunk().unwrap(), None);
    assert!(busy.until_closed().is_empty());
    program.ended().expect(0, &[]);
}

#[test]
fn answers_in_a_drain_close_their_connection() {
    let program = fixture("sleep").serve();
    let (mut busy, mut kept) = (program.connect(), program.connect());
    kept.send(&Request::get("/")).expect(200);
    busy.write(Request::get("/?ms=300").bytes());
    program.log().wait_for(2, |line| line.message() == "begun");
    program.signal("TERM");
    program.log().wait_text("draining");
    // A request on a connection that was kept alive is not lost.
    let late = kept.send(&Request::get("/")).expect(200);
    assert_eq!(late.header("connection"), Some("close"));
    assert_eq!(busy.read().expect(200).header("connection"), Some("close"));
    assert!(kept.until_closed().is_empty() && busy.until_closed().is_empty());
    program.ended().expect(0, &[]);
}

#[test]
fn http_2_streams_are_finished() {
    let program = serve("sleep");
    h2::run(async {
        let mut sender = h2::connect(program.address()).await;
        let request = hyper::Request::get("http://test/?ms=1500").body(h2::whole("")).unwrap();
        let answer = sender.send_request(request);
        // Sent once the connection is polled.
        let answer = tokio::spawn(answer);
        h2::logged(program.log(), "begun").await;
        program.signal("TERM");
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    });
    program.ended().expect(0, &[]);
}

#[test]
fn a_second_signal_ends_at_once() {
    let program = serve("stream_echo");
    let _busy = in_flight(&program);
    program.signal("TERM");
    program.log().wait_text("draining");
    let began = Instant::now();
    program.signal("INT");
    program.ended().expect(75, &["second time", "1 of `stream_echo`"]);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_drain_that_takes_too_long_is_cut_and_says_what_it_cut() {
    for target in ["stream_echo", "heavy"] {
        let program = fixture(target).env("FUNCTION_SHUTDOWN_GRACE", "300ms").serve();
        let mut busy = program.connect();
        let request = if target == "heavy" {
            Request::get("/?ms=20000").bytes()
        } else {
            b"POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n".to_vec()
        };
        busy.write(request);
        program.log().wait_text("begun");
        let began = Instant::now();
        program.signal("TERM");
        program.ended().expect(75, &["FUNCTION_SHUTDOWN_GRACE", &format!("1 of `{target}`")]);
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{target}: {took:?}");
    }
}

#[test]
fn a_client_that_hangs_does_not_hold_the_process_past_the_grace() {
    let program = fixture("endless").env("FUNCTION_SHUTDOWN_GRACE", "500ms").serve();
    let mut stuck = program.connect();
    stuck.write(Request::get("/").bytes());
    stuck.head().unwrap();
    program.terminate().expect(75, &["1 of `endless`"]);
}

#[test]
fn a_signal_before_the_port_is_open_ends_the_start() {
    let starting = fixture("init_waits").start();
    starting.log().wait_text("waiting");
    starting.signal("TERM");
    starting.ended().expect(0, &["stopped before the port was open"]);
}

/// One client in the load: what it sent, and what was answered.
fn keep_asking(mut connection: Connection, stop: &AtomicBool, sent: &AtomicU32, answered: &AtomicU32) -> io::Result<()> {
    let request = Request::new("POST", "/?ms=1").body("x".repeat(100));
    while !stop.load(Ordering::Relaxed) {
        connection.try_write(request.bytes())?;
        sent.fetch_add(1, Ordering::Relaxed);
        let response = connection.read_answer()?;
        assert_eq!((response.status, response.text()), (200, "slept\n"));
        answered.fetch_add(1, Ordering::Relaxed);
        if response.header("connection") == Some("close") {
            return Ok(());
        }
    }
    Ok(())
}

#[test]
fn under_load_every_request_that_was_sent_is_answered() {
    for round in 0..5 {
        let program = fixture("sleep").env("RUST_LOG", "info,fixture=warn").serve();
        let (stop, sent, answered) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
        let connections: Vec<Connection> = (0..64).map(|_| program.connect()).collect();
        std::thread::scope(|scope| {
            let clients: Vec<_> = connections
                .into_iter()
                .map(|connection| scope.spawn(|| keep_asking(connection, &stop, &sent, &answered)))
                .collect();
            eventually("load", || (answered.load(Ordering::Relaxed) > 500).then_some(()));
            program.signal("TERM");
            for client in clients {
                client.join().expect("each answer is complete").unwrap_or_else(|error| {
                    panic!("round {round}: a request was not answered: {error}");
                });
            }
        });
        assert_eq!(sent.load(Ordering::Relaxed), answered.load(Ordering::Relaxed), "round {round}");
        program.ended().expect(0, &["stopped"]);
    }
}

#[test]
fn a_connection_the_kernel_took_before_the_signal_is_served() {
    let program = fixture("echo").serve();
    program.get("/").expect(200);
    program.signal("STOP");
    let mut waiting: Vec<Connection> = (0..8).map(|_| program.connect()).collect();
    for connection in &mut waiting {
        connection.write(Request::get("/").bytes());
    }
    program.signal("TERM");
    program.signal("CONT");
    for connection in &mut waiting {
        connection.read().expect(200);
    }
    program.ended().expect(0, &[]);
}
