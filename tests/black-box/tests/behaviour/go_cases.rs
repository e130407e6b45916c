//! The end-to-end cases of the Go framework that need no sidecar, called as they are there.

use black_box_tests::{Program, Request, Start};
use serde_json::json;

use crate::{examples::BUILT, fixture};

const CONTEXT: &str = r#"{"name":"function-demo","version":"v1.0.0","port":"8080","runtime":"Knative"}"#;

const JSON: &str = "application/json";
const HELLO: &str = r#"{"hello":"openfunction"}"#;
const DATA: &str = r#"{"data":"hello"}"#;

/// An event in binary mode.
fn binary(path: &str, data: &str) -> Request {
    Request::post(path, JSON, data)
        .header("Ce-Specversion", "1.0")
        .header("Ce-Type", "io.openfunction.samples.helloworld")
        .header("Ce-Source", "io.openfunction.samples/helloworldsource")
        .header("Ce-Id", "536808d3-88be-4077-9d7a-a3f162705f79")
}

/// The same event as one JSON text.
fn structured(path: &str) -> Request {
    let event = json!({
        "specversion": "1.0", "type": "io.openfunction.samples.helloworld", "source": "io.openfunction.samples/helloworldsource",
        "id": "536808d3-88be-4077-9d7a-a3f162705f79", "datacontenttype": JSON, "data": { "data": "hello" },
    });
    Request::post(path, "application/cloudevents+json", event.to_string())
}

/// What curl makes of `-X GET -d`.
fn get_with_a_body(path: &str) -> Request {
    Request::new("GET", path).header("content-type", "application/x-www-form-urlencoded").body(DATA)
}

#[test]
fn sync_http() {
    let program = Start::new(BUILT.join("hello")).env("FUNC_CONTEXT", CONTEXT).serve();
    assert_eq!(program.get("/").expect(200).text(), "Hello, OpenFunction!\n");
}

#[test]
fn sync_cloudevent() {
    let program = fixture("described").env("FUNC_CONTEXT", CONTEXT).serve();
    let seen = program.send(&binary("/", r#"{"hello":"world"}"#)).expect(200).json();
    assert_eq!((&seen["data"], &seen["datacontenttype"]), (&json!(r#"{"hello":"world"}"#), &json!(JSON)));
    assert_eq!(seen["id"], "536808d3-88be-4077-9d7a-a3f162705f79");
}

/// All functions of one program, none chosen: `declarative/sync-http-variables`.
#[test]
fn sync_http_variables() {
    let program: Program = Start::new(BUILT.join("several")).env("FUNC_CONTEXT", CONTEXT).serve();
    for path in ["/hello/openfunction", "/hellov2/openfunction"] {
        assert_eq!(program.get(path).expect(200).text(), HELLO, "{path}");
    }
    for path in ["/foo/openfunction", "/foov2/openfunction"] {
        for request in [binary(path, DATA), structured(path)] {
            assert_eq!(program.send(&request).expect(200).text(), HELLO, "{path}");
        }
    }
    for path in ["/bar/openfunction", "/barv2/openfunction"] {
        for request in [get_with_a_body(path), Request::post(path, JSON, DATA), binary(path, DATA), structured(path)] {
            assert_eq!(program.send(&request).expect(200).text(), HELLO, "{path}");
        }
    }
    // The payload is the data of the event, whichever way it came, and what is no event is its own.
    let ended = program.terminate().expect(0, &[]);
    let payloads = ended.output.lines().filter_map(|line| line.strip_prefix("bar got "));
    assert_eq!(payloads.collect::<Vec<_>>(), [DATA; 4]);
}
