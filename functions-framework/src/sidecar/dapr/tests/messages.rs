//! Every call as it arrives at a sidecar, and every answer as it comes back.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use dapr::dapr::proto::{common::v1::StateItem, runtime::v1 as proto};
use tonic::Code;

use super::{
    super::metadata::{Component, Installed, Subscription, SubscriptionOrigin},
    Act, Fake, message, no_scope, settings_for,
};
use crate::{
    settings::Token,
    sidecar::{
        Batch, BatchEntry, Change, Changes, Message, Metadata, ReadOptions, Rejected, Scope, Sidecar as _, SidecarCode,
        StateEntry, Trace, dapr::Dapr,
    },
};

fn metadata(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn to(component: &str, address: &str, payload: impl Into<Bytes>) -> Message {
    Message {
        component: component.to_owned(),
        address: address.to_owned(),
        payload: payload.into(),
        content_type: "text/plain".to_owned(),
        metadata: metadata(&[("partition", "7")]),
    }
}

fn path(name: &str) -> String {
    format!("/dapr.proto.runtime.v1.Dapr/{name}")
}

#[tokio::test]
async fn a_message_is_published_as_it_is() {
    let fake = Fake::start(|_| message(&())).await;
    let large = vec![0xFF; 1 << 20];
    let dapr = fake.dapr();
    dapr.publish(to("kafka", "orders", "one"), no_scope()).await.unwrap();
    dapr.publish(to("kafka", "orders", large.clone()), no_scope()).await.unwrap();
    let seen = fake.seen();
    assert_eq!(seen[0].uri.path(), path("PublishEvent"));
    let request: proto::PublishEventRequest = seen[0].message();
    assert_eq!((request.pubsub_name.as_str(), request.topic.as_str(), &request.data[..]), ("kafka", "orders", &b"one"[..]));
    assert_eq!((request.data_content_type.as_str(), request.metadata["partition"].as_str()), ("text/plain", "7"));
    assert_eq!(seen[1].message::<proto::PublishEventRequest>().data, large);
}

#[tokio::test]
async fn a_binding_is_called_and_answers() {
    let answer = proto::InvokeBindingResponse { data: b"rows".to_vec(), metadata: [("took".into(), "1ms".into())].into() };
    let fake = Fake::start(move |_| message(&answer)).await;
    let reply = fake.dapr().invoke_binding(to("table", "query", "select"), no_scope()).await.unwrap();
    assert_eq!((&reply.data[..], reply.metadata["took"].as_str()), (&b"rows"[..], "1ms"));
    let request: proto::InvokeBindingRequest = fake.only().message();
    assert_eq!((request.name.as_str(), request.operation.as_str(), &request.data[..]), ("table", "query", &b"select"[..]));
    assert_eq!(request.metadata, [("partition".to_owned(), "7".to_owned())].into());
}

/// A sidecar gives every header of a call to the binding as metadata.
#[tokio::test]
async fn a_call_carries_token_trace_and_time_and_nothing_else() {
    let fake = Fake::start(|_| message(&proto::InvokeBindingResponse::default())).await;
    let settings = crate::settings::Dapr { api_token: Some(Token("s3cret".to_owned())), ..settings_for(fake.port) };
    let dapr = Dapr::new(&settings, 1 << 20).unwrap();
    let trace = Trace {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        tracestate: Some("a=1".into()),
        baggage: Some("user=ada".into()),
        others: vec![("sw8", "1-YQ==".into())],
    };
    let scope = Scope { deadline: Some(Instant::now() + Duration::from_secs(60)), trace, ..Scope::default() };
    dapr.invoke_binding(to("table", "query", "x"), scope).await.unwrap();
    dapr.invoke_binding(to("table", "query", "x"), no_scope()).await.unwrap();
    let seen = fake.seen();
    let names = |index: usize| {
        let mut names: Vec<_> = seen[index].headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        names(0),
        ["baggage", "content-type", "dapr-api-token", "grpc-timeout", "sw8", "te", "traceparent", "tracestate"]
    );
    assert_eq!(seen[0].header("dapr-api-token"), Some("s3cret"));
    assert_eq!(seen[0].header("traceparent"), Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    let left: u32 = seen[0].header("grpc-timeout").unwrap().trim_end_matches('m').parse().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
    assert_eq!(names(1), ["content-type", "dapr-api-token", "te"]);
}

fn batch() -> Batch {
    let entry = |id: &str, payload: &'static str| BatchEntry {
        id: id.to_owned(),
        payload: payload.into(),
        content_type: "text/plain".to_owned(),
        metadata: metadata(&[("key", id)]),
    };
    Batch {
        component: "kafka".to_owned(),
        topic: "orders".to_owned(),
        entries: vec![entry("0", "one"), entry("1", "two")],
        metadata: metadata(&[("ttlInSeconds", "9")]),
    }
}

#[tokio::test]
async fn a_batch_tells_what_was_not_taken() {
    let failed = proto::BulkPublishResponseFailedEntry { entry_id: "1".into(), error: "full".into() };
    let fake = Fake::start(move |_| message(&proto::BulkPublishResponse { failed_entries: vec![failed.clone()] })).await;
    let rejected = fake.dapr().publish_bulk(batch(), no_scope()).await.unwrap();
    assert_eq!(rejected, [Rejected { id: "1".to_owned(), why: "full".to_owned() }]);
    let seen = fake.only();
    assert_eq!(seen.uri.path(), path("BulkPublishEvent"));
    let request: proto::BulkPublishRequest = seen.message();
    assert_eq!((request.pubsub_name.as_str(), request.topic.as_str()), ("kafka", "orders"));
    assert_eq!(request.metadata["ttlInSeconds"], "9");
    let entry = &request.entries[1];
    assert_eq!((entry.entry_id.as_str(), &entry.event[..], entry.content_type.as_str()), ("1", &b"two"[..], "text/plain"));
    assert_eq!(entry.metadata["key"], "1");
}

#[tokio::test]
async fn an_older_sidecar_gets_the_older_call_for_a_batch_from_then_on() {
    for refusal in [(Code::Unimplemented, "unknown method"), (Code::Unknown, "failed to proxy request: no app id")] {
        let fake = Fake::start(move |call| match call.uri.path() {
            path if path.ends_with("/BulkPublishEvent") => Act::Refuse(refusal.0, refusal.1),
            _ => message(&proto::BulkPublishResponse::default()),
        })
        .await;
        let dapr = fake.dapr();
        assert_eq!(dapr.publish_bulk(batch(), no_scope()).await.unwrap(), []);
        assert_eq!(dapr.publish_bulk(batch(), no_scope()).await.unwrap(), []);
        let paths: Vec<_> = fake.seen().iter().map(|call| call.uri.path().to_owned()).collect();
        let alpha = path("BulkPublishEventAlpha1");
        assert_eq!(paths, [path("BulkPublishEvent"), alpha.clone(), alpha]);
    }
}

#[tokio::test]
async fn a_value_is_read_with_its_etag() {
    let fake = Fake::start(|call| {
        let request: proto::GetStateRequest = call.message();
        message(&match request.key.as_str() {
            "there" => {
                proto::GetStateResponse { data: b"{}".to_vec(), etag: "7".into(), metadata: [("m".into(), "1".into())].into() }
            }
            "empty" => proto::GetStateResponse { etag: "8".into(), ..Default::default() },
            _ => proto::GetStateResponse::default(),
        })
    })
    .await;
    let dapr = fake.dapr();
    let options = ReadOptions { strong: true, metadata: metadata(&[("partitionKey", "p")]) };
    let entry = dapr.state("redis", "there".to_owned(), options, no_scope()).await.unwrap();
    assert_eq!((entry.value.as_deref(), entry.etag.as_deref()), (Some(&b"{}"[..]), Some("7")));
    assert_eq!(entry.metadata["m"], "1");
    let request: proto::GetStateRequest = fake.only().message();
    assert_eq!((request.store_name.as_str(), request.consistency()), ("redis", Consistency::ConsistencyStrong));
    assert_eq!(request.metadata["partitionKey"], "p");

    let empty = dapr.state("redis", "empty".to_owned(), ReadOptions::default(), no_scope()).await.unwrap();
    assert_eq!((empty.value.as_deref(), empty.etag.as_deref()), (Some(&b""[..]), Some("8")));
    let missing = dapr.state("redis", "missing".to_owned(), ReadOptions::default(), no_scope()).await.unwrap();
    assert_eq!((missing.value, missing.etag), (None, None));
}

use dapr::dapr::proto::common::v1::state_options::{StateConcurrency as Concurrency, StateConsistency as Consistency};

#[tokio::test]
async fn several_values_come_in_the_order_of_their_keys() {
    let item = |key: &str, data: &str, error: &str| proto::BulkStateItem {
        key: key.into(),
        data: data.into(),
        etag: if data.is_empty() { String::new() } else { "1".into() },
        error: error.into(),
        ..Default::default()
    };
    let items = vec![item("c", "", "broken"), item("b", "", ""), item("a", "1", "")];
    let fake = Fake::start(move |_| message(&proto::GetBulkStateResponse { items: items.clone() })).await;
    let keys = ["a", "b", "c", "d", "a"].map(str::to_owned).to_vec();
    let entries = fake.dapr().states("redis", keys.clone(), ReadOptions::default(), no_scope()).await.unwrap();
    let found: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_deref())).collect();
    assert_eq!(found, [("a", Some(&b"1"[..])), ("b", None), ("c", None), ("d", None), ("a", Some(&b"1"[..]))]);
    assert_eq!(entries[2].error.as_deref(), Some("broken"));
    assert_eq!(fake.only().message::<proto::GetBulkStateRequest>().keys, keys);
}

#[tokio::test]
async fn several_values_are_read_strongly_one_by_one() {
    let fake = Fake::start(|_| message(&proto::GetStateResponse { data: b"1".to_vec(), ..Default::default() })).await;
    let options = ReadOptions { strong: true, ..ReadOptions::default() };
    let entries = fake.dapr().states("redis", vec!["a".to_owned(), "b".to_owned()], options, no_scope()).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let strong = |call: &super::Seen| call.message::<proto::GetStateRequest>().consistency() == Consistency::ConsistencyStrong;
    assert!(fake.seen().iter().all(strong));
}

fn change(key: &str, value: Option<&'static str>) -> Change {
    Change {
        key: key.to_owned(),
        value: value.map(Bytes::from),
        etag: None,
        first_write: false,
        strong: false,
        metadata: Metadata::new(),
    }
}

fn options_of(item: &StateItem) -> (Concurrency, Consistency) {
    let options = item.options.unwrap();
    (options.concurrency(), options.consistency())
}

#[tokio::test]
async fn changes_are_made_in_their_order() {
    let fake = Fake::start(|_| message(&())).await;
    let first = Change {
        etag: Some("3".to_owned()),
        first_write: true,
        strong: true,
        metadata: metadata(&[("ttlInSeconds", "60")]),
        ..change("a", Some("1"))
    };
    let changes =
        vec![first, change("b", Some("2")), change("c", None), change("d", Some("4")), change("e", None), change("f", None)];
    let changes = Changes { changes, transaction: false, metadata: metadata(&[("contentType", "application/json")]) };
    fake.dapr().change_states("redis", changes, no_scope()).await.unwrap();
    let seen = fake.seen();
    let paths: Vec<_> = seen.iter().map(|call| call.uri.path().rsplit('/').next().unwrap()).collect();
    assert_eq!(paths, ["SaveState", "DeleteState", "SaveState", "DeleteBulkState"]);
    let saved: proto::SaveStateRequest = seen[0].message();
    assert_eq!((saved.store_name.as_str(), saved.states.len()), ("redis", 2));
    let item = &saved.states[0];
    assert_eq!((item.key.as_str(), &item.value[..], item.etag.as_ref().unwrap().value.as_str()), ("a", &b"1"[..], "3"));
    assert_eq!(options_of(item), (Concurrency::ConcurrencyFirstWrite, Consistency::ConsistencyStrong));
    assert_eq!((item.metadata["ttlInSeconds"].as_str(), item.metadata["contentType"].as_str()), ("60", "application/json"));
    assert_eq!(saved.states[1].etag, None);
    assert_eq!(options_of(&saved.states[1]), (Concurrency::ConcurrencyLastWrite, Consistency::ConsistencyEventual));
    assert_eq!(seen[1].message::<proto::DeleteStateRequest>().key, "c");
    let deleted: proto::DeleteBulkStateRequest = seen[3].message();
    assert_eq!(deleted.states.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(), ["e", "f"]);
}

#[tokio::test]
async fn a_transaction_is_one_call() {
    let fake = Fake::start(|_| message(&())).await;
    let changes = vec![change("a", Some("1")), Change { etag: Some("2".to_owned()), ..change("b", None) }];
    let changes = Changes { changes, transaction: true, metadata: metadata(&[("partitionKey", "p")]) };
    fake.dapr().change_states("redis", changes, no_scope()).await.unwrap();
    let request: proto::ExecuteStateTransactionRequest = fake.only().message();
    assert_eq!((request.store_name.as_str(), request.metadata["partitionKey"].as_str()), ("redis", "p"));
    let operations: Vec<_> = request.operations.iter().map(|operation| operation.operation_type.as_str()).collect();
    assert_eq!(operations, ["upsert", "delete"]);
    let deleted = request.operations[1].request.as_ref().unwrap();
    assert_eq!((deleted.key.as_str(), deleted.etag.as_ref().unwrap().value.as_str()), ("b", "2"));
}

#[tokio::test]
async fn an_etag_that_does_not_fit_is_aborted() {
    let fake = Fake::start(|_| Act::Refuse(Code::Aborted, "possible etag mismatch")).await;
    let changes = Changes { changes: vec![change("a", Some("1"))], ..Changes::default() };
    let error = fake.dapr().change_states("redis", changes, no_scope()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (SidecarCode::Aborted, "possible etag mismatch"));
}

#[tokio::test]
async fn a_query_gives_a_page() {
    let item = proto::QueryStateItem { key: "a".into(), data: b"1".to_vec(), etag: "2".into(), error: String::new() };
    let page = proto::QueryStateResponse { results: vec![item], token: "next".into(), ..Default::default() };
    let fake = Fake::start(move |_| message(&page)).await;
    let page = fake.dapr().query_states("redis", "{}".to_owned(), Metadata::new(), no_scope()).await.unwrap();
    let entry = StateEntry { key: "a".into(), value: Some("1".into()), etag: Some("2".into()), ..StateEntry::default() };
    assert_eq!((page.entries, page.token.as_deref()), (vec![entry], Some("next")));
    assert_eq!(fake.only().message::<proto::QueryStateRequest>().query, "{}");
}

#[tokio::test]
async fn a_secret_may_have_several_values() {
    let found = proto::GetSecretResponse { data: [("user".into(), "ada".into()), ("password".into(), "x".into())].into() };
    let fake = Fake::start(move |_| message(&found)).await;
    let secret = fake.dapr().secret("vault", "db".to_owned(), metadata(&[("version", "2")]), no_scope()).await.unwrap();
    assert_eq!(secret, BTreeMap::from([("password".to_owned(), "x".to_owned()), ("user".to_owned(), "ada".to_owned())]));
    let request: proto::GetSecretRequest = fake.only().message();
    assert_eq!((request.store_name.as_str(), request.key.as_str(), request.metadata["version"].as_str()), ("vault", "db", "2"));
}

#[tokio::test]
async fn the_sidecar_says_what_it_has() {
    let metadata = proto::GetMetadataResponse {
        id: "shop".into(),
        runtime_version: "1.18.3".into(),
        registered_components: vec![proto::RegisteredComponents {
            name: "redis".into(),
            r#type: "state.redis".into(),
            version: "v1".into(),
            capabilities: vec!["ETAG".into()],
        }],
        subscriptions: vec![proto::PubsubSubscription {
            pubsub_name: "kafka".into(),
            topic: "orders".into(),
            dead_letter_topic: "dead".into(),
            r#type: proto::PubsubSubscriptionType::Programmatic.into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let fake = Fake::start(move |_| message(&metadata)).await;
    let expected = Installed {
        version: "1.18.3".to_owned(),
        app_id: "shop".to_owned(),
        components: vec![Component {
            name: "redis".to_owned(),
            kind: "state.redis".to_owned(),
            capabilities: vec!["ETAG".to_owned()],
        }],
        subscriptions: vec![Subscription {
            pubsub: "kafka".to_owned(),
            topic: "orders".to_owned(),
            dead_letter_topic: Some("dead".to_owned()),
            origin: SubscriptionOrigin::Programmatic,
        }],
    };
    assert_eq!(fake.dapr().metadata(&no_scope()).await.unwrap(), expected);
}
