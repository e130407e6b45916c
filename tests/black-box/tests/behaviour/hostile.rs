//! What somebody sends who means harm, or a scanner.

use std::time::Duration;

use black_box_tests::{Connection, Program, eventually, proc};

use crate::{fixture, serve};

/// The numbers of xorshift: the same at every run.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    /// Noise, or something that begins like a request and goes wrong.
    fn bytes(&mut self) -> Vec<u8> {
        const SEEDS: [&[u8]; 6] = [
            b"",
            b"GET / HTTP/1.1\r\nhost: t\r\n\r\n",
            b"POST /a?b HTTP/1.1\r\nhost: t\r\ncontent-length: 20\r\n\r\n{\"specversion\":\"1.0\"}",
            b"POST / HTTP/1.1\r\nce-id: 1\r\nce-type: t\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x03\x01\x05\x00\x00\x00\x01\x82\x86\x84",
            b"PUT / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
        ];
        let mut bytes = SEEDS[self.below(SEEDS.len())].to_vec();
        for _ in 0..self.below(8) {
            if bytes.is_empty() {
                break;
            }
            let at = self.below(bytes.len());
            match self.below(3) {
                0 => bytes[at] = self.next().to_le_bytes()[0],
                1 => drop(bytes.drain(at..)),
                _ => bytes.insert(at, self.next().to_le_bytes()[0]),
            }
        }
        for _ in 0..self.below(64) {
            bytes.push(self.next().to_le_bytes()[0]);
        }
        bytes
    }
}

/// Sends noise over short connections, several at a time.
fn noise(program: &Program, strings: usize) {
    const CLIENTS: usize = 8;
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let mut random = Random(0x9E37_79B9_7F4A_7C15 + client as u64);
                for _ in 0..strings / CLIENTS {
                    let mut connection = program.connect();
                    let _ = connection.try_write(random.bytes());
                    // Half leave at once, half wait for what comes.
                    if random.below(2) == 0 {
                        connection.finish_writing();
                        connection.until_closed();
                    }
                }
            });
        }
    });
}

#[track_caller]
fn withstands_noise(target: &str, strings: usize) {
    let mut program = fixture(target).env("FUNCTION_HEADER_TIMEOUT", "1s").env("FUNCTION_TIMEOUT", "1s").serve();
    noise(&program, strings / 10);
    let settled = || {
        eventually("the connections are gone", || {
            let open = proc::open_files(program.id());
            (open < 30).then_some(open)
        })
    };
    settled();
    let before = proc::memory_kib(program.id(), "VmRSS");
    noise(&program, strings);
    settled();
    let after = proc::memory_kib(program.id(), "VmRSS");
    assert!(after < before + (32 << 10), "{before} KiB before, {after} KiB after");
    assert_ne!(program.get("/").status, 500);
    program.assert_alive();
    let panicked = program.terminate().expect(0, &[]).log.all(|line| line.text.contains("panicked"));
    assert!(panicked.is_empty(), "{panicked:?}");
}

#[test]
fn noise_breaks_nothing() {
    withstands_noise("hold", 5000);
    withstands_noise("seen", 5000);
}

#[test]
fn many_idle_connections_are_borne_and_forgotten() {
    let program = fixture("echo").env("FUNCTION_HEADER_TIMEOUT", "2s").serve();
    let connections: Vec<Connection> = (0..500).map(|_| program.connect()).collect();
    program.get("/").expect(200);
    drop(connections);
    eventually("they are gone", || (proc::open_files(program.id()) < 40).then_some(()));
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is small").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// GET, http, `/` and an authority, by their places in the static table.
const GET: &[u8] = b"\x82\x86\x84\x41\x01t";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn speak_h2(program: &Program) -> Connection {
    let mut connection = program.connect();
    connection.write([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
    connection
}

#[test]
fn rapid_resets_end_the_connection_and_not_the_process() {
    let mut program = serve("sleep");
    let mut connection = speak_h2(&program);
    let mut reset = 0;
    for batch in 0..10_000_u32 {
        let mut bytes = Vec::new();
        for number in 0..100 {
            let stream = (batch * 100 + number) * 2 + 1;
            bytes.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET));
            bytes.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        }
        if connection.try_write(&bytes).is_err() {
            break;
        }
        reset += 100;
    }
    // The buffers between the two take many before the end is seen.
    assert!(reset < 1_000_000, "it was let do as it liked");
    program.assert_alive();
    program.get("/").expect(200);
    eventually("what it began is gone", || (proc::open_files(program.id()) < 30).then_some(()));
}

#[test]
fn endless_continuations_end_the_connection() {
    let mut program = serve("echo");
    let mut connection = speak_h2(&program);
    connection.write(frame(HEADERS, END_STREAM, 1, GET));
    // A literal header without a place in the table, again and again.
    let header = b"\x00\x01a\x01b".repeat(1000);
    let sent = (0..2000).take_while(|_| connection.try_write(frame(CONTINUATION, 0, 1, &header)).is_ok()).count();
    assert!(sent < 2000, "10 MB of one head were taken");
    program.assert_alive();
    program.get("/").expect(200);
    let used = proc::memory_kib(program.id(), "VmHWM");
    assert!(used < 128 << 10, "{used} KiB");
}

#[test]
fn a_flood_of_pings_is_not_stored() {
    let mut program = serve("echo");
    let mut connection = speak_h2(&program);
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(1000);
    let _ = (0..200).take_while(|_| connection.try_write(&pings).is_ok()).count();
    program.get("/").expect(200);
    program.assert_alive();
    let used = proc::memory_kib(program.id(), "VmHWM");
    assert!(used < 128 << 10, "{used} KiB");
}

#[test]
fn a_client_that_does_not_read_holds_little() {
    let program = serve("endless");
    let mut connections = Vec::new();
    for _ in 0..20 {
        let mut connection = program.connect();
        connection.write(black_box_tests::Request::get("/").bytes());
        connection.head().unwrap();
        connections.push(connection);
    }
    // Time for it to fill what it fills: there is nothing to wait for, it is what must not happen.
    std::thread::sleep(Duration::from_millis(500));
    let used = proc::memory_kib(program.id(), "VmHWM");
    assert!(used < 64 << 10, "{used} KiB");
    drop(connections);
    eventually("they are dropped", || (program.log().all(|line| line.message() == "dropped").len() == 20).then_some(()));
}
