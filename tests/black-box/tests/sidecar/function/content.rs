//! What becomes of a payload on its way: over HTTP the function gets what the broker has, over gRPC what Dapr makes of it.

use black_box_tests::{AppProtocol, Nats, Request, Sidecar, component};
use serde_json::{Value, json};

use super::{Declared, over_both, received_at, serve};

over_both! {
    a_payload_is_as_exact_as_the_channel_allows,
    a_broker_may_have_what_is_no_event,
    a_batch_loses_what_is_base64_over_grpc,
}

/// What is published, and what the function gets over HTTP and over gRPC; nothing when it never comes.
struct Case {
    content_type: &'static str,
    sent: &'static [u8],
    http: Option<&'static [u8]>,
    grpc: Option<&'static [u8]>,
}

const fn case(content_type: &'static str, sent: &'static [u8], http: &'static [u8], grpc: &'static [u8]) -> Case {
    Case { content_type, sent, http: Some(http), grpc: Some(grpc) }
}

/// One that comes as it was sent.
const fn exact(content_type: &'static str, sent: &'static [u8]) -> Case {
    case(content_type, sent, sent, sent)
}

const EVENT: &str = "application/cloudevents+json";

const CASES: &[Case] = &[
    exact("", b"hello <&>"),
    exact("text/plain", "h\u{e9}llo".as_bytes()),
    exact("text/html; charset=utf-8", b"<p>&</p>"),
    exact("application/xml", b"<a>&amp;</a>"),
    exact("application/octet-stream", b"\x00\xff\x80{"),
    exact("application/json", br#"{"a":[1,"x",null,true],"b":-0.5}"#),
    exact("application/json", br#""a text""#),
    exact("application/json", b"17"),
    // What is no UTF-8 is lost at its publisher already.
    case("text/plain", b"\xff!", "\u{fffd}!".as_bytes(), "\u{fffd}!".as_bytes()),
    case("image/png", b"\x89PNG\xff", "\u{fffd}PNG\u{fffd}".as_bytes(), b""),
    // A type that Dapr does not know is text to it, and over gRPC it leaves that out.
    case("foo/bar", b"hello", b"hello", b""),
    case("application/vnd.shop+json", br#"{"a":1}"#, br#""{\"a\":1}""#, b""),
    // Integers over 2^53 are rounded over gRPC: their channel is HTTP.
    case("application/json", br#"{"n":9007199254740993}"#, br#"{"n":9007199254740993}"#, br#"{"n":9007199254740992}"#),
    case("application/json", b"18446744073709551615", b"18446744073709551615", b"18446744073709552000"),
    case("application/json", br#"{"n":1.0}"#, br#"{"n":1.0}"#, br#"{"n":1}"#),
    case("application/json", b"null", b"null", b""),
    // Keys are sorted by the publishing sidecar, and `<>&` escaped.
    case("application/json", br#"{"b":1, "a":2}"#, br#"{"a":2,"b":1}"#, br#"{"a":2,"b":1}"#),
    case("application/json", br#""<&>""#, br#""\u003c\u0026\u003e""#, br#""\u003c\u0026\u003e""#),
    case("application/json", b"{no json", br#""{no json""#, br#""{no json""#),
    // Whole events.
    exact_event(
        br#"{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"image/png","data_base64":"AP8="}"#,
        b"\x00\xff",
    ),
    exact_event(br#"{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain","data":"hi"}"#, b"hi"),
    exact_event(
        br#"{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"application/json","data":[1]}"#,
        b"[1]",
    ),
    case(EVENT, br#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":1}}"#, br#"{"a":1}"#, b""),
    case(
        EVENT,
        br#"{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"application/vnd.x+json","data":{"a":1}}"#,
        br#"{"a":1}"#,
        b"",
    ),
    Case {
        content_type: EVENT,
        sent: br#"{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain","data":{"a":1}}"#,
        http: Some(br#"{"a":1}"#),
        grpc: None,
    },
    // No number of Go: it is lost within the sidecar.
    Case { content_type: "application/json", sent: br#"{"n":1e400}"#, http: None, grpc: None },
    exact("text/plain", b"the end"),
];

const fn exact_event(sent: &'static [u8], payload: &'static [u8]) -> Case {
    case(EVENT, sent, payload, payload)
}

/// A payload as the function notes it.
fn noted(payload: &[u8]) -> Value {
    std::str::from_utf8(payload).map_or_else(|_| json!(payload), |text| json!(text))
}

fn a_payload_is_as_exact_as_the_channel_allows(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events")).start();
    let program = serve(&sidecar, "receive", &Declared::events().topic("orders", "events", "orders"));
    let mut count = 0;
    for Case { content_type, sent, http, grpc } in CASES {
        let request = Request::new("POST", "/v1.0/publish/events/orders").body(sent);
        let typed = if content_type.is_empty() { request } else { request.header("content-type", content_type) };
        sidecar.send(typed).expect(204);
        // They come one after another: what never comes would come before the next.
        if let Some(expected) = if protocol == AppProtocol::Grpc { grpc } else { http } {
            count += 1;
            let got = &received_at(program.log(), "orders", count)[count - 1]["payload"];
            assert_eq!(*got, noted(expected), "{content_type} {}", String::from_utf8_lossy(sent));
        }
    }
}

fn a_broker_may_have_what_is_no_event(protocol: AppProtocol) {
    let nats = Nats::start();
    nats.create_stream("shop", &["orders"]);
    let sidecar = Sidecar::new("shop").app(protocol).with(component::jetstream_topics("events", &nats)).start();
    let program = serve(&sidecar, "receive", &Declared::events().topic("orders", "events", "orders"));
    let numbered = r#"{"specversion":"1.0","id":7,"source":"s","type":"t","datacontenttype":"text/plain","data":"numbered"}"#;
    let over_grpc = protocol == AppProtocol::Grpc;
    let cases = [("null", "null", ""), (r#"{ "a": 1 }"#, r#"{ "a": 1 }"#, ""), (numbered, "numbered", "numbered")];
    for (number, (sent, http, grpc)) in cases.into_iter().enumerate() {
        nats.client().publish("orders", sent);
        let got = &received_at(program.log(), "orders", number + 1)[number];
        assert_eq!(got["payload"], if over_grpc { grpc } else { http }, "{sent}");
        // Over gRPC an id that is no text is lost, and what has none is no event.
        let event = if over_grpc { Value::Null } else { got["event"]["id"].clone() };
        assert_eq!(event, if over_grpc || sent != numbered { Value::Null } else { json!("7") }, "{got}");
    }
}

fn a_batch_loses_what_is_base64_over_grpc(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop").app(protocol).with(component::memory_topics("events")).start();
    let terms = json!({ "bulkSubscribe": "true", "bulkSubscribe.maxMessagesCount": "1" });
    let program = serve(&sidecar, "receive", &Declared::events().topic_with("orders", "events", "orders", &terms));
    let cases = [
        exact("text/plain", b"text"),
        case("application/octet-stream", b"\x00\xff", b"\x00\xff", b""),
        case("application/json", b"9007199254740993", b"9007199254740992", b"9007199254740992"),
    ];
    for (number, Case { content_type, sent, http, grpc }) in cases.into_iter().enumerate() {
        sidecar.publish("events", "orders", content_type, sent);
        let got = &received_at(program.log(), "orders", number + 1)[number]["payload"];
        let expected = if protocol == AppProtocol::Grpc { grpc } else { http };
        assert_eq!(*got, noted(expected.unwrap()), "{content_type}");
    }
}
