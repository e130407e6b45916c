//! What a function sends, asks and calls, as those on the other side see it; what the sidecar calls the function with is no matter.

use std::fs;

use black_box_tests::{Answer, App, AppProtocol, Daprd, Folder, Program, Redis, Sidecar, component};
use serde_json::{Value, json};

use super::{Declared, over_both, received_at, serve};

over_both! { another_app_calls_a_function }

/// A function that runs errands.
struct Errands {
    program: Program,
    _sidecar: Daprd,
}

impl Errands {
    #[track_caller]
    fn of(sidecar: Sidecar, declared: &Declared) -> Self {
        let sidecar = sidecar.app(AppProtocol::Http).start();
        Self { program: serve(&sidecar, "errand", declared), _sidecar: sidecar }
    }

    #[track_caller]
    fn run(&self, errand: &str) -> String {
        self.program.post("/", "text/plain", errand).expect(200).text().to_owned()
    }

    /// Runs one that comes to nothing, in words.
    #[track_caller]
    fn done(&self, errand: &str) {
        assert_eq!(self.run(errand), "", "{errand}");
    }

    /// What came back by the topic that it sends to.
    #[track_caller]
    fn back(&self, count: usize) -> Value {
        received_at(self.program.log(), "back", count).pop().expect("there is one")
    }
}

/// A topic as output, and back as input.
fn loops() -> (Sidecar, Declared) {
    let declared = Declared::http().publishes("out", "events", "bills").topic("back", "events", "bills");
    (Sidecar::new("shop").with(component::memory_topics("events")), declared)
}

#[test]
fn a_function_says_what_an_event_is() {
    let (sidecar, declared) = loops();
    let errands = Errands::of(sidecar, &declared);
    errands.done(r#"attributes|{"sum":7}"#);
    let back = errands.back(1);
    assert_eq!((&back["payload"], &back["event"]["datacontenttype"]), (&json!(r#"{"sum":7}"#), &json!("application/json")));
    let event = &back["event"];
    assert_eq!((&event["id"], &event["type"], &event["subject"]), (&json!("7"), &json!("placed"), &json!("é")));

    errands.done("event|\u{1}PNG");
    let back = errands.back(2);
    assert_eq!((&back["payload"], &back["event"]["datacontenttype"]), (&json!("\u{1}PNG"), &json!("image/png")));
    let event = &back["event"];
    assert_eq!((&event["id"], &event["source"]), (&json!("8"), &json!("/errand")));
    assert_eq!(event["extensions"]["shelf"], "3");

    errands.done("publish|events|bills|not declared");
    assert_eq!(errands.back(3)["payload"], "not declared");
}

#[test]
fn several_events_are_one_call() {
    let redis = Redis::start();
    for topics in [component::memory_topics("events"), component::redis_topics("events", &redis)] {
        let (_, declared) = loops();
        let errands = Errands::of(Sidecar::new("shop").with(topics), &declared);
        errands.done("many|one|two|three|four");
        let back = received_at(errands.program.log(), "back", 4);
        let mut payloads: Vec<_> = back.iter().filter_map(|got| got["payload"].as_str()).collect();
        payloads.sort_unstable();
        assert_eq!(payloads, ["four", "one", "three", "two"]);
    }
}

#[test]
fn a_raw_message_is_nothing_but_its_bytes() {
    let redis = Redis::start();
    let declared = Declared::http().publishes("out", "events", "bills");
    let errands = Errands::of(Sidecar::new("shop").with(component::redis_topics("events", &redis)), &declared);
    errands.done("raw|no event");
    let entry = redis.command(&["XRANGE", "bills", "-", "+"]).to_string();
    assert!(entry.contains(r#""data","no event""#), "{entry}");
}

#[test]
fn a_binding_answers_and_says_why_it_cannot() {
    let other = App::start(|call| {
        Some(if call.path == "/here" { Answer::json(json!({ "taken": true })) } else { Answer::status(404) })
    });
    let sidecar = Sidecar::new("shop").with(component::http_output("hook", &other.url()));
    let declared = Declared::http().invokes("out", "hook", "post", &json!({ "path": "/here" }));
    let errands = Errands::of(sidecar, &declared.invokes("lost", "hook", "post", &json!({ "path": "/there" })));
    let answer = errands.run("send|out|hello");
    assert!(answer.starts_with(r#"{"taken":true}"#) && answer.contains(r#""statusCode": "200""#), "{answer}");
    assert_eq!(other.posts("/here")[0].body, b"hello");
    let failed = errands.run("send|lost|hello");
    assert!(failed.contains("output `lost`") && failed.contains("`hook`") && failed.contains("404"), "{failed}");
    // As another one that nobody declared.
    let failed = errands.run("invoke|hook|post|hello");
    assert!(failed.contains("`hook`") && failed.contains("404"), "{failed}");
}

#[test]
fn what_is_not_there_is_named_and_is_no_reason_to_try_again() {
    let (sidecar, declared) = loops();
    let declared = declared.publishes("nowhere", "nothing", "bills").invokes("nobody", "no-binding", "create", &json!({}));
    let errands = Errands::of(sidecar, &declared.keeps("store", "no-store"));
    for (errand, named) in [
        ("send|nowhere|x", "output `nowhere`"),
        ("send|nobody|x", "output `nobody`"),
        ("publish|nothing|bills|x", "`nothing`"),
        ("state|save|a|b", "state `store`"),
        ("secret|no-secrets|a", "`no-secrets`"),
    ] {
        let failed = errands.run(errand);
        assert!(failed.contains(named) && failed.contains("give up: "), "{errand}: {failed}");
    }
    let unknown = errands.run("send|bills|x");
    assert!(
        unknown.contains("`bills`") && unknown.contains("back, nobody, nowhere, out") || unknown.contains("out"),
        "{unknown}"
    );
}

#[test]
fn secrets_come_from_the_environment_and_from_a_file() {
    let folder = Folder::new("function-secrets");
    let file = folder.path().join("secrets.json");
    fs::write(&file, r#"{"from-file":"two"}"#).unwrap();
    let sidecar = Sidecar::new("shop").env("FROM_ENVIRONMENT", "one").with(component::environment_secrets("environment"));
    let errands = Errands::of(sidecar.with(component::file_secrets("file", &file)), &Declared::http());
    assert_eq!(errands.run("secret|environment|FROM_ENVIRONMENT"), "one");
    assert_eq!(errands.run("secret|file|from-file"), "two");
    let missing = errands.run("secret|file|other");
    assert!(missing.contains("`other`") && missing.contains("`file`"), "{missing}");
}

#[test]
fn a_function_calls_another_app() {
    let other = App::start(|call| (call.path == "/orders").then(|| Answer::json(json!({ "taken": true }))));
    let stock = Sidecar::new("stock").app_at(AppProtocol::Http, other.port()).start();
    let errands = Errands::of(Sidecar::new("shop").peer(&stock), &Declared::http());
    assert_eq!(errands.run("call|stock|orders|hello"), r#"200 {"taken":true}"#);
    let call = &other.posts("/orders")[0];
    assert_eq!((&call.body[..], call.header("x-shop")), (&b"hello"[..], "one"));
    // What it answers is its answer, whatever it is.
    assert_eq!(errands.run("call|stock|bills|hello"), "200 ");
}

fn another_app_calls_a_function(protocol: AppProtocol) {
    let sidecar = Sidecar::new("shop").app(protocol).start();
    let program = serve(&sidecar, "receive", &Declared::http());
    let other = Sidecar::new("other").peer(&sidecar).start();
    let answer = other.invoke_app("shop", "any/path", "text/plain", "hello").expect(200);
    assert_eq!(answer.body, b"hello");
    assert_eq!(other.invoke_app("shop", "any/path", "text/plain", "retry").status, 503);
    let failed = other.invoke_app("shop", "any/path", "text/plain", "fail").expect(500);
    assert!(!String::from_utf8_lossy(&failed.body).contains("secret"), "{failed:?}");
    program.terminate().expect(0, &[]);
}
