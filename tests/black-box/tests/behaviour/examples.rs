//! Every example, started and called.

use std::{path::PathBuf, sync::LazyLock};

use black_box_tests::{Folder, Request, Start, built};

/// The folder the test programs are in, where cargo puts those of the examples too.
pub(crate) static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    let examples = crate::function_yaml::examples();
    built(env!("CARGO_BIN_EXE_fixture"), examples.iter().flat_map(|name| ["--package", name.as_str()]))
});

/// One call: the package, the function, the request, and what is answered.
type Call = (&'static str, &'static str, fn() -> Request, u16, &'static str);

const BATCH: &str = "application/cloudevents-batch+json";
const JSON: &str = "application/json";

const EXAMPLES: &[Call] = &[
    ("hello", "", || Request::get("/any/path"), 200, "Hello, OpenFunction!\n"),
    ("orders", "", || Request::get("/orders/1"), 200, r#"{"item":"coffee","quantity":1,"version":1}"#),
    ("orders", "", || Request::get("/orders/2"), 404, "there is no such order"),
    ("cloudevent", "", || event(r#"{"number":17,"cents":450}"#), 200, r#"{"order":17,"cents":450}"#),
    ("cloudevent", "", || event(r#"{"number":17,"cents":0}"#), 204, ""),
    ("cloudevent", "", || event(r#"{"number":17,"cents":"x"}"#), 422, "data.cents"),
    (
        "batch",
        "",
        || Request::post("/", BATCH, r#"[{"specversion":"1.0","id":"1","source":"/s","type":"t"}]"#),
        200,
        "receipt-1",
    ),
    ("typed", "", || Request::post("/", JSON, r#"{"cents":[120,80],"discount":50}"#), 200, r#"{"cents":150}"#),
    ("hooks", "", || Request::get("/"), 200, "Hello!\n"),
    ("openfunction", "", || Request::post("/greetings/world", JSON, r#"{"punctuation":"?"}"#), 200, "Hello, world?\n"),
    ("several", "", || Request::get("/hello/openfunction"), 200, r#"{"hello":"openfunction"}"#),
    ("several", "", || Request::get("/hellov2/openfunction"), 200, r#"{"hello":"openfunction"}"#),
    ("several", "", || event("1").path("/foo/x").header("ce-subject", "you"), 200, r#"{"hello":"you"}"#),
    ("several", "bar", || Request::post("/bar/openfunction", JSON, "{}"), 200, r#"{"hello":"openfunction"}"#),
    ("several", "bar", || Request::get("/hello/openfunction"), 404, ""),
    ("streaming", "", || Request::get("/?to=3&every_ms=1"), 200, "data: 1\n\ndata: 2\n\ndata: 3\n\n"),
    ("axum-router", "", || Request::get("/users/7"), 200, r#"{"id":7,"name":"Ada"}"#),
    ("axum-router", "", || Request::get("/users/8"), 404, ""),
    ("conformance", "typed_echo", || Request::post("/", JSON, r#"{"message":1}"#), 200, r#"{"payload":{"message":1}}"#),
    ("conformance", "concurrent_cloud_event", || event("{}"), 204, ""),
];

fn event(data: &str) -> Request {
    Request::post("/", JSON, data)
        .header("ce-specversion", "1.0")
        .header("ce-id", "1")
        .header("ce-source", "/s")
        .header("ce-type", "t")
}

#[test]
fn each_answers_as_it_says() {
    for (name, target, request, status, body) in EXAMPLES {
        let start = Start::new(BUILT.join(name));
        let program = if target.is_empty() { start } else { start.target(target) }.serve();
        let response = program.send(&request());
        assert_eq!(response.status, *status, "{name}: {response:?}");
        assert!(response.text().contains(body), "{name}: {response:?}");
        program.terminate().expect(0, &[]);
    }
}

/// The conformance client sets `FUNCTION_TARGET` and nothing else, and looks for a file in the current directory.
#[test]
fn conformance_writes_down_what_came() {
    let folder = Folder::new("conformance");
    let program = BUILT.join("conformance");
    // Only one process can have the default port; where somebody else has it, another must do.
    let default_is_free =
        std::net::TcpListener::bind(("::", 8080)).is_ok() && std::net::TcpListener::bind("0.0.0.0:8080").is_ok();
    let start = |target: &str| {
        let start = Start::bare(&program).target(target).directory(folder.path());
        if default_is_free { start } else { start.env("PORT", "0") }.serve()
    };
    let written = || std::fs::read_to_string(folder.path().join("function_output.json")).expect("it is written");

    let program = start("write_http");
    assert_eq!(program.address().port() == 8080, default_is_free);
    program.post("/", JSON, "{ \"n\": 1.0 }").expect(200);
    assert_eq!(written(), "{ \"n\": 1.0 }");
    program.terminate().expect(0, &[]);

    let program = start("write_cloud_event");
    program.send(&event(r#"{"n":1}"#)).expect(204);
    let expected = serde_json::json!({
        "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "datacontenttype": JSON, "data": { "n": 1 },
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written()).unwrap(), expected);
    program.terminate().expect(0, &[]);
}
