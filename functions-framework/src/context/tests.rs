//! What a function asks for, as it reaches the sidecar.

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ::http::{Method, Request, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::*;
use crate::{
    event::Event,
    manifest::{self, ComponentKind, Manifest},
    sidecar::{Answer, Batch, Change, Changes, Message, Metadata, ReadOptions, Rejected, SidecarCode, StateEntry, StatePage},
};

/// What reached the sidecar.
#[derive(Debug)]
enum Asked {
    Publish(Message),
    PublishBulk(Batch),
    Binding(Message),
    Read(ReadOptions),
    Change(Changes),
    Query(String),
    Secret(String),
    App(Request<Bytes>),
}

/// A sidecar that keeps what was asked, and answers the same to everything.
#[derive(Debug, Default)]
struct Ear {
    asked: Mutex<Vec<(Asked, Scope)>>,
    fails: Option<SidecarCode>,
    rejected: Vec<Rejected>,
    entry: StateEntry,
}

impl Ear {
    fn hear<T: Send + 'static>(&self, asked: Asked, scope: Scope, answer: T) -> Answer<'static, T> {
        self.asked.lock().unwrap().push((asked, scope));
        Box::pin(ready(self.fails.map_or(Ok(answer), |code| Err(SidecarError::new(code, "said the sidecar")))))
    }

    fn only(&self) -> (Asked, Scope) {
        let mut asked = self.asked.lock().unwrap();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }

    fn silent(&self) -> bool {
        self.asked.lock().unwrap().is_empty()
    }
}

impl Sidecar for Ear {
    fn publish(&self, message: Message, scope: Scope) -> Answer<'_, ()> {
        self.hear(Asked::Publish(message), scope, ())
    }

    fn publish_bulk(&self, batch: Batch, scope: Scope) -> Answer<'_, Vec<Rejected>> {
        self.hear(Asked::PublishBulk(batch), scope, self.rejected.clone())
    }

    fn invoke_binding(&self, message: Message, scope: Scope) -> Answer<'_, Reply> {
        self.hear(Asked::Binding(message), scope, Reply { data: "reply".into(), metadata: BTreeMap::new() })
    }

    fn state(&self, _: &str, key: String, options: ReadOptions, scope: Scope) -> Answer<'_, StateEntry> {
        self.hear(Asked::Read(options), scope, StateEntry { key, ..self.entry.clone() })
    }

    fn states(&self, _: &str, keys: Vec<String>, options: ReadOptions, scope: Scope) -> Answer<'_, Vec<StateEntry>> {
        let entries = keys.into_iter().map(|key| StateEntry { key, ..self.entry.clone() }).collect();
        self.hear(Asked::Read(options), scope, entries)
    }

    fn change_states(&self, store: &str, changes: Changes, scope: Scope) -> Answer<'_, ()> {
        assert_eq!(store, "real-redis");
        self.hear(Asked::Change(changes), scope, ())
    }

    fn query_states(&self, _: &str, query: String, _: Metadata, scope: Scope) -> Answer<'_, StatePage> {
        let page = StatePage { entries: vec![self.entry.clone()], token: Some("next".to_owned()) };
        self.hear(Asked::Query(query), scope, page)
    }

    fn secret(&self, store: &str, name: String, _: Metadata, scope: Scope) -> Answer<'_, BTreeMap<String, String>> {
        self.hear(Asked::Secret(format!("{store}/{name}")), scope, [("any".to_owned(), "x".to_owned())].into())
    }

    fn invoke(&self, _: &str, request: Request<Bytes>, scope: Scope) -> Answer<'_, Response<Bytes>> {
        self.hear(Asked::App(request), scope, Response::new("answer".into()))
    }
}

fn output(name: &str, component_type: &str, topic: Option<&str>) -> manifest::Output {
    manifest::Output {
        name: name.to_owned(),
        kind: if component_type.starts_with("bindings") { ComponentKind::Binding } else { ComponentKind::PubSub },
        component: format!("real-{name}"),
        component_type: component_type.to_owned(),
        topic: topic.map(str::to_owned),
        operation: component_type.starts_with("bindings").then(|| "create".to_owned()),
        metadata: BTreeMap::from([("declared".to_owned(), "yes".to_owned())]),
    }
}

fn context_of(ear: &Arc<Ear>, arrival: Arrival) -> Context {
    let outputs = vec![
        output("orders", "pubsub.kafka", Some("placed")),
        output("table", "bindings.postgresql", None),
        output("hook", "bindings.http", None),
        output("lost", "pubsub.kafka", None),
    ];
    let (name, component, component_type) = ("redis".to_owned(), "real-redis".to_owned(), "state.redis".to_owned());
    let states = vec![manifest::State { name, component, component_type }];
    let manifest = Manifest { outputs, states, ..Manifest::default() };
    let outside = Arc::new(Outside::new(&manifest, Arc::clone(ear) as _));
    Context::new(Arc::new(Origin { function: "f".into(), has_path: false, outside }), arrival)
}

fn context() -> (Context, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    (context_of(&ear, Arrival::default()), ear)
}

fn published(ear: &Ear) -> Message {
    match ear.only() {
        (Asked::Publish(message) | Asked::Binding(message), _) => message,
        other => panic!("{other:?}"),
    }
}

fn line(error: &Error) -> String {
    format!("{error:#}")
}

#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Order {
    id: u32,
}

#[tokio::test]
async fn a_payload_is_what_its_type_says() {
    async fn sent(payload: impl IntoPayload) -> (Bytes, String) {
        let (context, ear) = context();
        context.send("orders", payload).await.unwrap();
        let message = published(&ear);
        assert_eq!((message.component.as_str(), message.address.as_str()), ("real-orders", "placed"));
        (message.payload, message.content_type)
    }
    assert_eq!(sent("text").await, ("text".into(), "text/plain".to_owned()));
    assert_eq!(sent(vec![0, 255]).await, (Bytes::from_static(&[0, 255]), "application/octet-stream".to_owned()));
    assert_eq!(sent(&Order { id: 7 }).await, (r#"{"id":7}"#.into(), "application/json".to_owned()));
    let event = Event::builder().id("1").source("/s").ty("t").data("text/plain", "x").build().unwrap();
    let (payload, content_type) = sent(event).await;
    assert_eq!(content_type, "application/cloudevents+json");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&payload).unwrap()["datacontenttype"], "text/plain");
}

#[tokio::test]
async fn what_is_chosen_goes_where_the_sidecar_looks_for_it() {
    let (context, ear) = context();
    let output = context.output("orders").unwrap().metadata("partitionKey", "7").metadata("declared", "no");
    output.attribute("type", "placed").attribute("subject", "7").content_type("text/html").send("x").await.unwrap();
    let message = published(&ear);
    assert_eq!(message.content_type, "text/html");
    let expected = [("cloudevent.subject", "7"), ("cloudevent.type", "placed"), ("declared", "no"), ("partitionKey", "7")];
    assert!(message.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected));

    context.output("orders").unwrap().raw().send("x").await.unwrap();
    assert_eq!(published(&ear).metadata["rawPayload"], "true");

    let reply = context.output("table").unwrap().operation("query").metadata("sql", "select").send("").await.unwrap();
    assert_eq!(reply.data, "reply");
    let message = published(&ear);
    assert_eq!((message.address.as_str(), message.metadata["sql"].as_str()), ("query", "select"));
    context.send("table", "").await.unwrap();
    assert_eq!(published(&ear).address, "create");

    context.output("hook").unwrap().content_type("image/png").send("x").await.unwrap();
    assert_eq!(published(&ear).metadata["Content-Type"], "image/png");
    context.send("hook", "x").await.unwrap();
    assert_eq!(published(&ear).metadata.get("Content-Type"), None);
}

#[tokio::test]
async fn what_is_not_declared_is_reached_by_its_component() {
    let (context, ear) = context();
    context.publish("kafka", "audit", "x").raw().metadata("a", "1").content_type("text/html").send().await.unwrap();
    let message = published(&ear);
    assert_eq!((message.component.as_str(), message.address.as_str()), ("kafka", "audit"));
    assert_eq!((message.metadata["rawPayload"].as_str(), message.metadata["a"].as_str()), ("true", "1"));
    assert_eq!(message.content_type, "text/html");
    context.publish("kafka", "audit", "x").attribute("type", "t").send().await.unwrap();
    assert_eq!(published(&ear).metadata["cloudevent.type"], "t");
    let reply = context.invoke_binding("pictures", "get", "").metadata("key", "1.png").send().await.unwrap();
    assert_eq!(reply.data, "reply");
    let message = published(&ear);
    assert_eq!((message.component.as_str(), message.address.as_str()), ("pictures", "get"));
}

#[tokio::test]
async fn what_makes_no_sense_is_an_error_and_is_not_sent() {
    let (context, ear) = context();
    let orders = || context.output("orders").unwrap();
    let event = || Event::builder().id("1").source("/s").ty("t").build().unwrap();
    let errors = [
        (orders().attribute("tenant", "x").send("").await.unwrap_err(), "`tenant` cannot be set"),
        (orders().attribute("type", "t").raw().send("").await.unwrap_err(), "raw message"),
        (orders().attribute("type", "t").send(event()).await.unwrap_err(), "has its own"),
        (context.output("table").unwrap().attribute("type", "t").send("").await.unwrap_err(), "no event around"),
        (context.send("lost", "").await.unwrap_err(), "`lost` leads to the pub/sub component `real-lost`"),
        (context.send("order", "").await.unwrap_err(), "did you mean `orders`?"),
        (context.state("rediss").unwrap_err(), "no state named `rediss` is declared (declared: redis)"),
        (context.output("table").unwrap().send_all(["x"]).await.unwrap_err(), "one payload at a time"),
        (orders().attribute("id", "1").send_all(["x"]).await.unwrap_err(), "cannot have one `id`"),
    ];
    for (error, part) in errors {
        assert!(line(&error).contains(part), "{error:#}");
    }
    assert!(ear.silent());
}

#[tokio::test]
async fn several_messages_are_one_call_that_tells_which_were_refused() {
    let rejected = ["2", "0"].map(|id| Rejected { id: id.to_owned(), why: format!("full {id}") });
    let ear = Arc::new(Ear { rejected: rejected.to_vec(), ..Ear::default() });
    let context = context_of(&ear, Arrival::default());
    let sending = context.output("orders").unwrap().attribute("type", "t").send_all(["a", "b", "c"]);
    let bulk = sending.await.unwrap();
    assert!(bulk.refused().eq([(0, "full 0"), (2, "full 2")]));
    let text = line(&bulk.complete().unwrap_err());
    assert!(text.contains("2 of 3 messages") && text.contains("`placed`") && text.contains("number 0: full 0"), "{text}");
    let (Asked::PublishBulk(batch), _) = ear.only() else { panic!() };
    assert_eq!((batch.component.as_str(), batch.topic.as_str(), batch.entries.len()), ("real-orders", "placed", 3));
    assert_eq!((&batch.entries[1].payload[..], batch.entries[1].content_type.as_str()), (&b"b"[..], "text/plain"));
    // A sidecar takes what belongs to the event from the entry only.
    assert_eq!(batch.entries[1].metadata["cloudevent.type"], "t");
    assert_eq!(batch.metadata["declared"], "yes");

    let strange = vec![Rejected { id: "9".to_owned(), why: String::new() }];
    let ear = Arc::new(Ear { rejected: strange, ..Ear::default() });
    let context = context_of(&ear, Arrival::default());
    assert!(context.output("orders").unwrap().send_all(["a"]).await.is_err());
    assert!(context.output("orders").unwrap().send_all([""; 0]).await.unwrap().complete().is_ok());
}

#[tokio::test]
async fn a_failure_says_where_and_whether_another_try_may_help() {
    for (code, again) in [(SidecarCode::Unavailable, "may help"), (SidecarCode::PermissionDenied, "will not help")] {
        let ear = Arc::new(Ear { fails: Some(code), ..Ear::default() });
        let context = context_of(&ear, Arrival::default());
        let store = context.state("redis").unwrap();
        for (error, parts) in [
            (context.send("orders", "").await.unwrap_err(), ["output `orders`", "topic `placed` of component `real-orders`"]),
            (context.send("table", "").await.unwrap_err(), ["output `table`", "component `real-table`"]),
            (context.publish("kafka", "a", "").send().await.unwrap_err(), ["topic `a`", "component `kafka`"]),
            (context.secret("vault", "db").await.unwrap_err(), ["secret `db`", "`vault`"]),
            (context.invoke("shop", "a?b=c").call().await.unwrap_err(), ["`/a` of app `shop`", "calling"]),
            (store.get::<Order>("k").await.unwrap_err(), ["reading `k`", "state `redis` (component `real-redis`)"]),
            (store.save("k", "v").await.unwrap_err(), ["saving `k`", "state `redis`"]),
            (store.delete_many(["a", "b"]).await.unwrap_err(), ["deleting 2 values", "state `redis`"]),
        ] {
            let text = line(&error);
            for part in parts.into_iter().chain([again, "said the sidecar"]) {
                assert!(text.contains(part), "{text}");
            }
            assert_eq!(error.cause().downcast_ref::<SidecarError>().unwrap().code(), code);
        }
    }
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const ZEROS: &str = "00-00000000000000000000000000000000-0000000000000000-00";

#[tokio::test]
async fn a_call_has_the_time_and_the_trace_of_its_invocation() {
    let head = |parent: &str| {
        let request = Request::builder().header("traceparent", parent).header("tracestate", "a=1").header("baggage", "b=2");
        Some(request.body(()).unwrap().into_parts().0)
    };
    let event = |parent: &str| {
        let event = Event::builder().id("1").source("/s").ty("t").extension("traceparent", parent);
        Some(event.build().unwrap()).into()
    };
    let trace = |parent: &str| Trace { traceparent: Some(parent.into()), ..Trace::default() };
    let other = PARENT.replace("0af", "0ff");
    let scope = |parent: &str| Scope { trace: trace(parent), ..Scope::default() };
    for (arrival, expected) in [
        (Arrival { request: head(PARENT), ..Arrival::default() }, Some(PARENT)),
        (Arrival { request: head(ZEROS), event: event(PARENT), ..Arrival::default() }, Some(PARENT)),
        (Arrival { event: event(PARENT), ..Arrival::default() }, Some(PARENT)),
        (Arrival { scope: scope(PARENT), event: event(&other), ..Arrival::default() }, Some(PARENT)),
        (Arrival { scope: scope(ZEROS), event: event(ZEROS), ..Arrival::default() }, None),
        (Arrival::default(), None),
    ] {
        let ear = Arc::new(Ear::default());
        context_of(&ear, arrival).send("orders", "").await.unwrap();
        assert_eq!(ear.only().1.trace.traceparent.as_deref(), expected);
    }
    let deadline = Some(Instant::now() + Duration::from_secs(9));
    let ear = Arc::new(Ear::default());
    let scope = Scope { deadline, ..Scope::default() };
    context_of(&ear, Arrival { request: head(PARENT), scope, ..Arrival::default() }).send("orders", "").await.unwrap();
    let scope = ear.only().1;
    assert_eq!(scope.deadline, deadline);
    assert_eq!((scope.trace.tracestate.as_deref(), scope.trace.baggage.as_deref()), (Some("a=1"), Some("b=2")));
}

fn changes(ear: &Ear) -> Changes {
    match ear.only() {
        (Asked::Change(changes), _) => changes,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_value_is_written_as_was_chosen() {
    let (context, ear) = context();
    let store = context.state("redis").unwrap();
    store.clone().etag("3").first_write().strong().ttl(Duration::from_millis(1500)).save("k", "v").await.unwrap();
    let mut written = changes(&ear);
    let Change { key, value, etag, first_write, strong, metadata } = written.changes.remove(0);
    assert_eq!((key.as_str(), value.as_deref(), etag.as_deref()), ("k", Some(&br#""v""#[..]), Some("3")));
    assert!(first_write && strong && !written.transaction);
    assert_eq!(metadata["ttlInSeconds"], "2");

    store.clone().ttl(Duration::from_secs(9)).delete("k").await.unwrap();
    let written = changes(&ear);
    assert!(written.changes[0].value.is_none() && written.changes[0].metadata.is_empty(), "{written:?}");

    store.save_bytes("k", "v").await.unwrap();
    assert_eq!(changes(&ear).changes[0].value.as_deref(), Some(&b"v"[..]));
    store.save_many([("a", 1), ("b", 2)]).await.unwrap();
    assert_eq!(changes(&ear).changes.iter().map(|change| change.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    store.delete_many([""; 0]).await.unwrap();

    assert!(line(&store.clone().ttl(Duration::ZERO).save("k", "v").await.unwrap_err()).contains("longer than 0 s"));
    assert!(line(&store.clone().etag("1").save_many([("a", 1)]).await.unwrap_err()).contains("one value"));
    let no_json = BTreeMap::from([(vec![1], 1)]);
    assert!(line(&store.save("k", &no_json).await.unwrap_err()).contains("`k` is no JSON"));
    assert!(line(&store.transaction().save("a", "b").save("k", &no_json).commit().await.unwrap_err()).contains("`k`"));
    assert!(ear.silent());
}

#[tokio::test]
async fn a_transaction_is_one_call_with_an_etag_for_each_change() {
    let (context, ear) = context();
    let store = context.state("redis").unwrap().metadata("partitionKey", "p");
    let transaction = store.transaction().save("a", &1).save_if("b", &2, "7").save_bytes("c", "x").delete("d");
    transaction.delete_if("e", "8").commit().await.unwrap();
    let written = changes(&ear);
    assert!(written.transaction);
    assert_eq!(written.metadata["partitionKey"], "p");
    let etags: Vec<_> = written.changes.iter().map(|change| change.etag.as_deref()).collect();
    assert_eq!(etags, [None, Some("7"), None, None, Some("8")]);
    assert!(written.changes.iter().map(|change| change.value.is_some()).eq([true, true, true, false, false]));
}

#[tokio::test]
async fn a_value_is_read_with_its_etag_or_the_error_says_what_is_wrong_with_it() {
    let read = |entry: StateEntry| {
        let ear = Arc::new(Ear { entry, ..Ear::default() });
        let context = context_of(&ear, Arrival::default());
        async move { context.state("redis").unwrap().strong().get_entry::<Order>("k").await }
    };
    let etag = Some("3".to_owned());
    let entry = read(StateEntry { value: Some(r#"{"id":7}"#.into()), etag: etag.clone(), ..StateEntry::default() }).await;
    assert_eq!(entry.unwrap(), Entry { key: "k".to_owned(), value: Some(Order { id: 7 }), etag, metadata: BTreeMap::new() });
    assert_eq!(read(StateEntry::default()).await.unwrap().value, None);
    for (value, error, part) in [
        (Some(r#"{"id":"x"}"#), None, "id: invalid type"),
        (Some(r#"{"id":7} x"#), None, "trailing"),
        (Some(""), None, "EOF"),
        (None, Some("disk"), "disk"),
    ] {
        let (value, error) = (value.map(Bytes::from), error.map(str::to_owned));
        let text = line(&read(StateEntry { value, error, ..StateEntry::default() }).await.unwrap_err());
        assert!(text.contains(part) && text.contains("`k` in state `redis`"), "{text}");
    }
}

#[tokio::test]
async fn several_values_and_a_query_are_one_call() {
    let entry = StateEntry { value: Some("7".into()), ..StateEntry::default() };
    let ear = Arc::new(Ear { entry, ..Ear::default() });
    let store = context_of(&ear, Arrival::default()).state("redis").unwrap().strong().metadata("a", "1");
    let entries = store.get_many::<u32>(["x", "y"]).await.unwrap();
    assert!(entries.iter().map(|entry| (entry.key.as_str(), entry.value)).eq([("x", Some(7)), ("y", Some(7))]));
    let (Asked::Read(options), _) = ear.only() else { panic!() };
    assert!(options.strong && options.metadata["a"] == "1");
    assert_eq!(store.get_many::<u32>([""; 0]).await.unwrap(), []);
    let page = store.query::<u32>(serde_json::json!({"filter": {}})).await.unwrap();
    assert_eq!((page.entries[0].value, page.token.as_deref()), (Some(7), Some("next")));
    let (Asked::Query(query), _) = ear.only() else { panic!() };
    assert_eq!(query, r#"{"filter":{}}"#);
}

#[tokio::test]
async fn an_app_is_called_with_verb_query_and_payload() {
    let (context, ear) = context();
    let heard = || match ear.only() {
        (Asked::App(request), _) => request,
        other => panic!("{other:?}"),
    };
    let answer = context.invoke("shop", "/orders/7?a=1").query("b c", "ä").send(&Order { id: 7 }).await.unwrap();
    assert_eq!(answer.body(), "answer");
    let request = heard();
    assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "/orders/7?a=1&b%20c=%C3%A4"));
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.body(), r#"{"id":7}"#);
    context.invoke("shop", "orders").call().await.unwrap();
    let request = heard();
    assert_eq!((request.method(), request.uri().path(), request.headers().len()), (&Method::GET, "/orders", 0));
    let call = context.invoke("shop", "orders").verb(Method::PUT).header("content-type", "text/csv").header("x-a", "1");
    call.send("a,b").await.unwrap();
    let request = heard();
    assert_eq!(request.method(), Method::PUT);
    assert!(request.headers()["content-type"] == "text/csv" && request.headers()["x-a"] == "1");
    for (call, part) in [
        (context.invoke("shop", "a b"), "`/a b` is no path"),
        (context.invoke("shop", "a").header("a b", "c"), "\"a b\" is no header name"),
        (context.invoke("shop", "a").header("a", "\n"), "value of header \"a\""),
    ] {
        let text = line(&call.call().await.unwrap_err());
        assert!(text.contains(part) && text.contains("app `shop`"), "{text}");
    }
    assert!(ear.silent());
}

#[tokio::test]
async fn a_secret_is_read_from_its_store() {
    let (context, ear) = context();
    assert_eq!(context.secret("vault", "db").await.unwrap().value().unwrap(), "x");
    let (Asked::Secret(place), _) = ear.only() else { panic!() };
    assert_eq!(place, "vault/db");
}

#[tokio::test]
async fn without_a_sidecar_every_way_out_says_so() {
    let outside = Arc::new(Outside::default());
    let context = Context::new(Arc::new(Origin { function: "f".into(), has_path: false, outside }), Arrival::default());
    for error in [
        context.publish("a", "b", "").send().await.unwrap_err(),
        context.invoke("a", "b").call().await.unwrap_err(),
        context.secret("a", "b").await.unwrap_err(),
    ] {
        assert!(line(&error).contains("feature `dapr`"), "{error:#}");
    }
}

/// A function is called on any thread: what it awaits must be able to go along.
#[test]
fn every_operation_may_move_between_threads() {
    fn movable<T: Send>(operation: T) {
        drop(operation);
    }
    let (context, _) = context();
    let store = || context.state("redis").unwrap();
    movable(context.send("orders", &Order { id: 1 }));
    movable(context.output("orders").unwrap().send_all(["a"]));
    movable(context.publish("a", "b", "c").send());
    movable(context.invoke_binding("a", "b", "c").send());
    movable(context.secret("a", "b"));
    movable(context.invoke("a", "b").send("c"));
    movable(context.invoke("a", "b").call());
    movable(store().transaction().save("a", &1).commit());
    let store = store();
    movable(store.get::<Order>("a"));
    movable(store.get_bytes("a"));
    movable(store.get_entry::<Order>("a"));
    movable(store.get_many::<Order>(["a"]));
    movable(store.save("a", &1));
    movable(store.save_bytes("a", "b"));
    movable(store.save_many([("a", 1)]));
    movable(store.delete("a"));
    movable(store.delete_many(["a"]));
    movable(store.query::<Order>("{}"));
}
