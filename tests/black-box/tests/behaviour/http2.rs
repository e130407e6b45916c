//! The same port, spoken to in HTTP/2 without TLS.

use black_box_tests::h2;
use bytes::Bytes;
use http_body_util::{BodyExt as _, channel::Channel};
use hyper::Request;

use crate::serve;

#[test]
fn one_port_speaks_http_1_and_http_2() {
    let program = serve("echo");
    h2::run(async {
        let mut sender = h2::connect(program.address()).await;
        // One connection, many requests at the same time.
        let answers = (0..50).map(|number| {
            let request = Request::put(format!("http://test/path/{number}")).body(h2::whole(number.to_string())).unwrap();
            (number, sender.send_request(request))
        });
        for (number, answer) in answers.collect::<Vec<_>>() {
            let response = answer.await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["x-method"], "PUT");
            assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), number.to_string());
        }
    });
    program.get("/").expect(200);
}

#[test]
fn a_stream_is_answered_while_it_is_sent() {
    let program = serve("stream_echo");
    h2::run(async {
        let mut sender = h2::connect(program.address()).await;
        let (mut pieces, body) = Channel::<Bytes>::new(1);
        let answer = sender.send_request(Request::post("http://test/").body(h2::Body::new(body)).unwrap());
        pieces.send_data(Bytes::from("piece 0")).await.unwrap();
        let mut body = answer.await.unwrap().into_body();
        for number in 0..5 {
            let mut piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            while piece.is_empty() {
                piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
            }
            assert_eq!(piece, format!("piece {number}"));
            if number < 4 {
                pieces.send_data(Bytes::from(format!("piece {}", number + 1))).await.unwrap();
            }
        }
        drop(pieces);
        assert!(body.collect().await.unwrap().to_bytes().is_empty());
    });
}

#[test]
fn the_limits_are_those_of_http_1() {
    let program = crate::fixture("echo").env("FUNCTION_MAX_BODY_SIZE", "1KiB").serve();
    h2::run(async {
        let mut sender = h2::connect(program.address()).await;
        let large = Request::post("http://test/").body(h2::whole(vec![0; 1025])).unwrap();
        assert_eq!(sender.send_request(large).await.unwrap().status(), 413);
        let fits = Request::post("http://test/").body(h2::whole(vec![0; 1024])).unwrap();
        assert_eq!(sender.send_request(fits).await.unwrap().status(), 200);
        let head = Request::get("http://test/").header("x-large", "x".repeat(100 << 10)).body(h2::whole("")).unwrap();
        // Refused with a status or by the end of the stream; never served.
        let answer = sender.send_request(head).await;
        assert!(answer.as_ref().map_or(true, |response| response.status() == 431), "{answer:?}");
    });
}

#[test]
fn a_panic_ends_one_stream_and_not_the_connection() {
    let program = serve("boom");
    h2::run(async {
        let mut sender = h2::connect(program.address()).await;
        for _ in 0..3 {
            let request = Request::get("http://test/").body(h2::whole("")).unwrap();
            assert_eq!(sender.send_request(request).await.unwrap().status(), 500);
        }
    });
}

#[test]
fn a_reset_stream_drops_the_function() {
    let program = serve("sleep");
    h2::run(async {
        let mut sender = h2::connect(program.address()).await;
        let answer = tokio::spawn(sender.send_request(Request::get("http://test/?ms=60000").body(h2::whole("")).unwrap()));
        h2::logged(program.log(), "begun").await;
        answer.abort();
        h2::logged(program.log(), "dropped").await;
    });
    assert_eq!(program.log().wait_text("dropped").json["finished"], false);
}
