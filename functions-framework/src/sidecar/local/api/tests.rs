use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    manifest::Manifest,
    sidecar::local::{
        Local,
        tests::{Function, LONG, component, drop_it, eventually, input, options, retry, start, state, success},
    },
};

/// An answer: status, headers, and its body as JSON when it is.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status, and the code of an error.
    fn error(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["errorCode"].as_str().unwrap_or_default().to_owned())
    }
}

async fn call(router: &Router, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: head.status, headers: head.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
}

async fn get(router: &Router, path: &str) -> Answer {
    call(router, Method::GET, path, &[], "").await
}

async fn post(router: &Router, path: &str, body: &Value) -> Answer {
    call(router, Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
}

/// A shop with one of everything.
async fn shop(function: &Function) -> (Arc<Local>, Router) {
    let manifest = Manifest {
        inputs: vec![
            input("orders", "bus", "pubsub.kafka", Some("orders/new"), &[]),
            input("mail", "mail", "bindings.rabbitmq", None, &[]),
            input("tick", "clock", "bindings.cron", None, &[]),
        ],
        states: vec![state("store")],
        ..Manifest::default()
    };
    let components = [
        component("mail", "bindings.rabbitmq", &[("queueName", "mail")]),
        component("clock", "bindings.cron", &[("schedule", "@yearly")]),
        component("vault", "secretstores.local.env", &[("prefix", "CARGO_")]),
    ];
    let local = start(&manifest, &components, options(), function).await;
    let router = local.api();
    (local, router)
}

#[tokio::test]
async fn a_message_is_published_by_a_post() {
    let function = Function::new(|_| success());
    let (local, api) = shop(&function).await;
    let path = "/v1.0/publish/bus/orders/new?metadata.cloudevent.id=7&other=x";
    let published = call(&api, Method::POST, path, &[("content-type", "application/json")], r#"{"n":1}"#).await;
    assert_eq!((published.status, published.text.as_str()), (StatusCode::NO_CONTENT, ""));
    let seen = &function.count(1).await[0];
    assert_eq!((seen.text().as_str(), seen.event_id.as_deref()), (r#"{"n":1}"#, Some("7")));
    let entries = json!([
        {"entryId": "1", "event": "text", "contentType": "text/plain"},
        {"entryId": "2", "event": "AAE=", "contentType": "application/octet-stream", "metadata": {"cloudevent.id": "two"}},
        {"entryId": "3", "event": {"a": [1]}, "contentType": "application/json"},
    ]);
    for path in ["/v1.0/publish/bulk/bus/orders/new", "/v1.0-alpha1/publish/bulk/bus/orders/new"] {
        assert_eq!(post(&api, path, &entries).await.status, StatusCode::NO_CONTENT);
    }
    let seen = function.count(7).await;
    for payload in [&b"text"[..], &[0, 1], br#"{"a":[1]}"#] {
        assert_eq!(seen.iter().filter(|seen| &seen.payload[..] == payload).count(), 2);
    }
    let some = json!([
        {"entryId": "1", "event": "x", "contentType": "application/cloudevents+json"},
        {"entryId": "2", "event": "y"},
    ]);
    let partly = post(&api, "/v1.0/publish/bulk/bus/orders/new", &some).await;
    assert_eq!(partly.error(), (500, "ERR_PUBSUB_PUBLISH_MESSAGE".to_owned()));
    assert_eq!(partly.json()["failedEntries"][0]["entryId"], "1");
    assert_eq!(function.count(8).await[7].text(), "y");
    assert!(local.stop(LONG).await);
}

#[tokio::test]
async fn what_cannot_be_published_has_daprs_codes() {
    let (local, api) = shop(&Function::new(|_| success())).await;
    let bulk = "/v1.0/publish/bulk/bus/t";
    for (path, content_type, body, error) in [
        ("/v1.0/publish/nobody/t", "", "", (404, "ERR_PUBSUB_NOT_FOUND")),
        ("/v1.0/publish/bus/", "", "", (404, "ERR_TOPIC_EMPTY")),
        ("/v1.0/publish/bus", "", "", (404, "ERR_TOPIC_EMPTY")),
        ("/v1.0/publish/bus/t?metadata.rawPayload=maybe", "", "", (400, "ERR_PUBSUB_REQUEST_METADATA")),
        ("/v1.0/publish/bus/t", "application/cloudevents+json", "[]", (500, "ERR_PUBSUB_CLOUD_EVENTS_SER")),
        (bulk, "", "{}", (400, "ERR_PUBSUB_EVENTS_SER")),
        (bulk, "", r#"[{"event": 1}]"#, (400, "ERR_PUBSUB_EVENTS_SER")),
        (bulk, "", r#"[{"entryId": "1", "event": 1}, {"entryId": "1", "event": 1}]"#, (400, "ERR_PUBSUB_EVENTS_SER")),
        (bulk, "", r#"[{"entryId": "1", "event": 1, "contentType": "text/plain"}]"#, (400, "ERR_PUBSUB_EVENTS_SER")),
        ("/v1.0/actors/a/b/method/c", "", "", (404, "ERR_NOT_FOUND")),
    ] {
        let answer = call(&api, Method::POST, path, &[("content-type", content_type)], body).await;
        assert_eq!(answer.error(), (error.0, error.1.to_owned()), "{path}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let large = call(&api, Method::POST, "/v1.0/publish/bus/t", &[], vec![b'x'; (16 << 20) + 1]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(local.stop(LONG).await);
}

#[tokio::test]
async fn state_is_saved_read_and_asked_for() {
    let (_local, api) = shop(&Function::new(|_| success())).await;
    let store = "/v1.0/state/store";
    let saved = post(
        &api,
        store,
        &json!([{"key": "a", "value": {"n": 1}}, {"key": "b", "value": "text", "metadata": {"ttlInSeconds": "60"}}]),
    )
    .await;
    assert_eq!(saved.status, StatusCode::NO_CONTENT);
    let a = get(&api, "/v1.0/state/store/a").await;
    assert_eq!((a.status, a.text.as_str(), a.header("content-type")), (StatusCode::OK, r#"{"n":1}"#, "application/json"));
    let etag = a.header("etag").to_owned();
    assert!(!etag.is_empty() && get(&api, "/v1.0/state/store/b").await.headers.contains_key("metadata.ttlexpiretime"));
    assert_eq!(get(&api, "/v1.0/state/store/missing").await.status, StatusCode::NO_CONTENT);
    let bulk = post(&api, "/v1.0/state/store/bulk", &json!({"keys": ["b", "missing", "a"]})).await.json();
    assert_eq!((&bulk[0]["data"], &bulk[1], &bulk[2]["etag"]), (&json!("text"), &json!({"key": "missing"}), &json!(etag)));
    let first = json!([{"key": "a", "value": 2, "options": {"concurrency": "first-write"}}]);
    assert_eq!(post(&api, store, &first).await.error(), (409, "ERR_STATE_SAVE".to_owned()));
    let delete = async |etag: &str| call(&api, Method::DELETE, "/v1.0/state/store/a", &[("if-match", etag)], "").await;
    assert_eq!(delete("99").await.error(), (409, "ERR_STATE_DELETE".to_owned()));
    assert_eq!(delete("x").await.error(), (400, "ERR_STATE_DELETE".to_owned()));
    assert_eq!(delete(&etag).await.status, StatusCode::NO_CONTENT);
    let upsert = json!({"operations": [
        {"operation": "upsert", "request": {"key": "c", "value": {"n": 3}}},
        {"operation": "delete", "request": {"key": "b"}},
    ]});
    assert_eq!(post(&api, "/v1.0/state/store/transaction", &upsert).await.status, StatusCode::NO_CONTENT);
    let found = post(&api, "/v1.0-alpha1/state/store/query", &json!({"filter": {"GT": {"n": 2}}})).await.json();
    assert_eq!((&found["results"][0]["key"], &found["results"][0]["data"]), (&json!("c"), &json!({"n": 3})));
    let none = post(&api, "/v1.0-alpha1/state/store/query", &json!({"filter": {"EQ": {"n": 4}}})).await;
    assert_eq!(none.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_wrong_with_a_use_of_state_has_daprs_codes() {
    let (_local, api) = shop(&Function::new(|_| success())).await;
    let transaction = "/v1.0/state/store/transaction";
    for (path, body, error) in [
        ("/v1.0/state/nobody", json!([]), (400, "ERR_STATE_STORE_NOT_FOUND")),
        ("/v1.0/state/store", json!({}), (400, "ERR_MALFORMED_REQUEST")),
        ("/v1.0/state/store", json!([{"value": 1}]), (400, "ERR_MALFORMED_REQUEST")),
        ("/v1.0/state/store", json!([{"key": "a||b", "value": 1}]), (400, "ERR_STATE_SAVE")),
        ("/v1.0/state/store", json!([{"key": "a", "options": {"concurrency": "x"}}]), (400, "ERR_MALFORMED_REQUEST")),
        ("/v1.0/state/store/bulk", json!([]), (400, "ERR_MALFORMED_REQUEST")),
        (
            transaction,
            json!({"operations": [{"operation": "x", "request": {"key": "a"}}]}),
            (400, "ERR_NOT_SUPPORTED_STATE_OPERATION"),
        ),
        (
            transaction,
            json!({"operations": [{"operation": "delete", "request": {"key": "a", "etag": "9"}}]}),
            (500, "ERR_STATE_TRANSACTION"),
        ),
        ("/v1.0-alpha1/state/store/query", json!({"filter": 1}), (500, "ERR_STATE_QUERY")),
    ] {
        assert_eq!(post(&api, path, &body).await.error(), (error.0, error.1.to_owned()), "{path} {body}");
    }
    let (_local, api) = {
        let local = start(&Manifest::default(), &[], options(), &Function::new(|_| success())).await;
        (Arc::clone(&local), local.api())
    };
    assert_eq!(get(&api, "/v1.0/state/store/a").await.error(), (500, "ERR_STATE_STORE_NOT_CONFIGURED".to_owned()));
    assert_eq!(get(&api, "/v1.0/secrets/vault/a").await.error(), (500, "ERR_SECRET_STORES_NOT_CONFIGURED".to_owned()));
    assert_eq!(post(&api, "/v1.0/publish/bus/t", &json!(1)).await.error(), (400, "ERR_PUBSUB_NOT_CONFIGURED".to_owned()));
}

#[tokio::test]
async fn bindings_secrets_and_metadata_are_there() {
    let function = Function::new(|_| success());
    let (_local, api) = shop(&function).await;
    let call = json!({"operation": "create", "data": "text", "metadata": {"priority": "1"}});
    assert_eq!(post(&api, "/v1.0/bindings/mail", &call).await.status, StatusCode::NO_CONTENT);
    let seen = &function.count(1).await[0];
    assert_eq!((seen.text().as_str(), seen.metadata["priority"].as_str()), ("\"text\"", "1"));
    for (path, body, error) in [
        ("/v1.0/bindings/clock", json!({"operation": "create"}), (500, "ERR_INVOKE_OUTPUT_BINDING")),
        ("/v1.0/bindings/nobody", json!({"operation": "create"}), (500, "ERR_INVOKE_OUTPUT_BINDING")),
        ("/v1.0/bindings/mail", json!([1]), (400, "ERR_MALFORMED_REQUEST")),
    ] {
        assert_eq!(post(&api, path, &body).await.error(), (error.0, error.1.to_owned()), "{path} {body}");
    }
    let name = get(&api, "/v1.0/secrets/vault/PKG_NAME").await;
    assert_eq!((name.status, name.json()), (StatusCode::OK, json!({"PKG_NAME": "functions-framework"})));
    assert_eq!(get(&api, "/v1.0/secrets/vault/bulk").await.json()["PKG_NAME"]["PKG_NAME"], "functions-framework");
    assert_eq!(get(&api, "/v1.0/secrets/vault/nothing").await.error(), (500, "ERR_SECRET_GET".to_owned()));
    assert_eq!(get(&api, "/v1.0/secrets/nobody/a").await.error(), (401, "ERR_SECRET_STORE_NOT_FOUND".to_owned()));
    for path in ["/v1.0/healthz", "/v1.0/healthz/outbound"] {
        assert_eq!(get(&api, path).await.status, StatusCode::NO_CONTENT);
    }
    let metadata = get(&api, "/v1.0/metadata").await.json();
    let names: Vec<_> = metadata["components"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!((&metadata["id"], names), (&json!("shop"), vec!["bus", "clock", "mail", "store", "vault"]));
    let subscription = &metadata["subscriptions"][0];
    assert_eq!((&subscription["pubsubname"], &subscription["topic"]), (&json!("bus"), &json!("orders/new")));
}

#[tokio::test]
async fn an_event_is_put_in_by_hand_and_its_end_is_answered() {
    let function = Function::new(|seen| match seen.text().as_str() {
        "again" => retry("too early"),
        "never" => drop_it(),
        _ => crate::delivery::Outcome { data: "done".into(), ..success() },
    });
    let (local, api) = shop(&function).await;
    let put = async |input: &str, headers: &[(&str, &str)], body: &'static str| {
        call(&api, Method::POST, &format!("/_local/inputs/{input}"), headers, body).await
    };
    let done = put("orders", &[("content-type", "text/plain")], "hello").await;
    assert_eq!((done.status, done.json()), (StatusCode::OK, json!({"input": "orders", "verdict": "success", "data": "done"})));
    let again = put("mail", &[], "again").await;
    assert_eq!((again.status, &again.json()["why"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("too early")));
    assert_eq!(put("orders", &[], "never").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let structured = r#"{"specversion":"1.0","id":"s","source":"/s","type":"t","data":"x"}"#;
    assert_eq!(put("orders", &[("content-type", "application/cloudevents+json")], structured).await.status, StatusCode::OK);
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "b"),
        ("ce-source", "/s"),
        ("ce-type", "t"),
        ("content-type", "application/json"),
    ];
    assert_eq!(put("orders", &binary, r#"{"n":1}"#).await.status, StatusCode::OK);
    assert_eq!(put("tick", &[], "").await.status, StatusCode::OK);
    let seen = function.seen();
    let ids: Vec<_> = seen.iter().map(|seen| seen.event_id.as_deref().unwrap_or("-")).collect();
    assert_eq!(
        (seen.len(), &ids[3..], seen[4].text().as_str(), seen[4].attempt),
        (6, &["s", "b", "-"][..], r#"{"n":1}"#, Some(1))
    );
    assert!(seen[5].metadata.contains_key("readTimeUTC"));
    let broken = put("orders", &[("content-type", "application/cloudevents+json")], "{").await;
    assert_eq!(broken.error(), (400, "ERR_MALFORMED_REQUEST".to_owned()));
    let unknown = put("nobody", &[], "").await;
    assert!(
        unknown.status == StatusCode::NOT_FOUND && unknown.text.contains("declared: orders, mail, tick"),
        "{}",
        unknown.text
    );
    assert!(local.stop(LONG).await);
    assert_eq!(put("orders", &[], "x").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_input_with_a_slash_in_its_name_is_found() {
    let input = input("bus/orders", "bus", "pubsub.kafka", Some("orders"), &[]);
    let function = Function::new(|_| success());
    let local = start(&Manifest { inputs: vec![input], ..Manifest::default() }, &[], options(), &function).await;
    for path in ["/_local/inputs/bus/orders", "/_local/inputs/bus%2Forders"] {
        assert_eq!(call(&local.api(), Method::POST, path, &[], "x").await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(function.texts(), ["x", "x"]);
}

#[tokio::test]
async fn what_was_sent_and_what_waits_is_shown() {
    let (function, gate) = Function::new(|_| success()).gated();
    let (local, api) = shop(&function).await;
    post(&api, "/v1.0/publish/bus/orders/new", &json!({"n": 1})).await;
    post(&api, "/v1.0/publish/bus/nobody", &json!(2)).await;
    post(&api, "/v1.0/bindings/clock", &json!({"operation": "create"})).await;
    let outputs = get(&api, "/_local/outputs?limit=2").await.json();
    assert_eq!((&outputs["sent"], outputs["outputs"].as_array().unwrap().len()), (&json!(3), 2));
    assert!(outputs["outputs"][0]["error"].as_str().unwrap().contains("is an input"));
    let of_bus = get(&api, "/_local/outputs?component=bus").await.json();
    assert_eq!(
        (&of_bus["outputs"][1]["data"], &of_bus["outputs"][1]["queuedFor"], &of_bus["outputs"][0]["queuedFor"]),
        (&json!({"n": 1}), &json!(1), &json!(0))
    );
    let inputs = get(&api, "/_local/inputs").await.json();
    let names: Vec<_> = inputs["inputs"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["orders", "mail", "tick"]);
    assert_eq!(
        (&inputs["inputs"][0]["topics"], &inputs["inputs"][1]["queues"], &inputs["inputs"][2]["schedule"]),
        (&json!(["orders/new"]), &json!(["mail"]), &json!("@yearly"))
    );
    gate.add_permits(10);
    assert!(local.stop(LONG).await);
}

#[tokio::test]
async fn dead_letters_are_shown_replayed_and_deleted() {
    let taken = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let answer = Arc::clone(&taken);
    let function =
        Function::new(move |_| if answer.load(std::sync::atomic::Ordering::SeqCst) { success() } else { retry("no table") });
    let (local, api) = shop(&function).await;
    for number in 0..3 {
        post(&api, "/v1.0/publish/bus/orders/new", &json!({ "number": number })).await;
    }
    eventually("dead letters", || local.broker.dead().len().unwrap() == 3).await;
    let shown = get(&api, "/_local/dead-letters?limit=2").await.json();
    let letter = &shown["deadLetters"][0];
    assert_eq!((&shown["count"], &letter["why"], &letter["attempts"]), (&json!(3), &json!("no table"), &json!(3)));
    assert_eq!((shown["deadLetters"].as_array().unwrap().len(), &letter["topic"]), (2, &json!("orders/new")));
    let first = format!("/_local/dead-letters/{}", letter["id"]);
    assert!(get(&api, &first).await.json()["data"]["data"]["number"].is_number());
    assert_eq!(call(&api, Method::DELETE, &first, &[], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(call(&api, Method::DELETE, &first, &[], "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(post(&api, &format!("{first}/replay"), &json!(null)).await.status, StatusCode::NOT_FOUND);
    taken.store(true, std::sync::atomic::Ordering::SeqCst);
    let second = &shown["deadLetters"][1]["id"];
    assert_eq!(
        post(&api, &format!("/_local/dead-letters/{second}/replay"), &json!(null)).await.json()["replayed"],
        json!([second])
    );
    let all = post(&api, "/_local/dead-letters/replay", &json!(null)).await.json();
    assert_eq!((all["replayed"].as_array().unwrap().len(), &all["stayed"]), (1, &json!([])));
    function.count(9 + 2).await;
    assert_eq!(get(&api, "/_local/dead-letters").await.json()["count"], 0);
    assert_eq!(call(&api, Method::DELETE, "/_local/dead-letters", &[], "").await.status, StatusCode::NO_CONTENT);
    assert!(local.stop(LONG).await);
    assert_eq!(local.broker.room(), 0);
}

#[tokio::test]
async fn a_page_in_a_browser_is_not_let_in() {
    let (_local, api) = shop(&Function::new(|_| success())).await;
    for (headers, status) in [
        (&[("host", "localhost:3500")][..], 204),
        (&[("host", "127.0.0.1:3500"), ("origin", "http://localhost:8080")], 204),
        (&[("host", "[::1]:3500")], 204),
        (&[("host", "evil.example:3500")], 403),
        (&[("host", "localhost.evil.example")], 403),
        (&[("host", "localhost:3500"), ("origin", "https://evil.example")], 403),
        (&[("host", "localhost:3500"), ("origin", "null")], 403),
    ] {
        let answer = call(&api, Method::GET, "/v1.0/healthz", headers, "").await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
        let inside = call(&api, Method::GET, "/_local/inputs", headers, "").await;
        assert_eq!(inside.status.as_u16(), if status == 204 { 200 } else { 403 }, "{headers:?}");
    }
}

#[tokio::test]
async fn the_port_answers_once_it_is_open() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let local = start(&Manifest::default(), &[], options(), &Function::new(|_| success())).await;
    let mut stream = tokio::net::TcpStream::connect(local.address()).await.unwrap();
    stream.write_all(b"GET /v1.0/healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 No Content\r\n"), "{answer}");
    assert!(local.stop(LONG).await);
    assert!(tokio::net::TcpStream::connect(local.address()).await.is_err());
}
