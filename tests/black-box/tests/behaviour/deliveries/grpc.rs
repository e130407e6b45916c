use std::collections::BTreeMap;

use black_box_tests::AppCallback;
use dapr::dapr::proto::{
    common::v1::{HttpExtension, http_extension::Verb},
    runtime::v1::{
        BindingEventRequest, JobEventRequest, TopicEventBulkRequest, TopicEventBulkRequestEntry, TopicEventCeRequest,
        TopicEventRequest, topic_event_bulk_request_entry::Event as EntryEvent,
    },
};
use prost_types::{Struct, Value as ProtoValue, value::Kind};
use serde_json::{Value, json};
use tonic::Code;

use super::{last, only, only_with, received, receiver, serve};

const SUCCESS: i32 = 0;
const DROP: i32 = 2;

fn event(payload: &[u8]) -> TopicEventRequest {
    TopicEventRequest {
        id: "7".into(),
        source: "shop".into(),
        r#type: "order.placed".into(),
        spec_version: "1.0".into(),
        data_content_type: "application/json".into(),
        data: payload.into(),
        topic: "orders".into(),
        pubsub_name: "bus".into(),
        ..TopicEventRequest::default()
    }
}

fn extensions(fields: &[(&str, Kind)]) -> Struct {
    let fields = fields.iter().map(|(name, kind)| ((*name).to_owned(), ProtoValue { kind: Some(kind.clone()) }));
    Struct { fields: fields.collect::<BTreeMap<_, _>>() }
}

#[test]
fn a_sidecar_finds_what_it_asks_for() {
    let metadata = json!({
        "rawPayload": "true", "deadLetterTopic": "dead", "bulkSubscribe": "true", "bulkSubscribe.maxAwaitDurationMs": "40",
        "routes": r#"{"rules":[{"match":"event.type == \"a\"","path":"/a"}]}"#,
    });
    let program = receiver("receive")
        .env("FUNC_CONTEXT", only_with("orders", "bus", "pubsub.redis", "orders", &metadata))
        .env("APP_API_TOKEN", "s3cret")
        .serve();
    let sidecar = AppCallback::connect(program.address());
    sidecar.healthy().unwrap();
    assert!(sidecar.bindings().unwrap().is_empty());
    let found = sidecar.subscriptions().unwrap().subscriptions;
    let [subscription] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&*subscription.pubsub_name, &*subscription.topic, &*subscription.dead_letter_topic), ("bus", "orders", "dead"));
    assert_eq!(subscription.metadata["rawPayload"], "true");
    let bulk = subscription.bulk_subscribe.unwrap();
    assert!(bulk.enabled && bulk.max_await_duration_ms == 40, "{bulk:?}");
    let routes = subscription.routes.clone().unwrap();
    assert_eq!(routes.rules[0].r#match, "event.type == \"a\"");

    let sidecar = sidecar.metadata("dapr-api-token", "s3cret");
    for (path, route) in [(&routes.rules[0].path, json!("/a")), (&routes.default, Value::Null)] {
        assert_eq!(sidecar.topic(TopicEventRequest { path: path.clone(), ..event(b"1") }).unwrap(), SUCCESS);
        let got = last(program.log(), if route.is_null() { 2 } else { 1 });
        assert_eq!(got["input"]["route"], route);
    }
}

#[test]
fn an_event_of_a_topic_brings_its_data_and_its_attributes() {
    let program = serve("receive");
    let sidecar = AppCallback::connect(program.address()).metadata("offset", "12").metadata("traceparent", "00-0-0-00");
    let request = TopicEventRequest {
        extensions: Some(extensions(&[
            ("subject", Kind::StringValue("17".into())),
            ("time", Kind::StringValue("2026-01-31T12:00:00.5+02:00".into())),
            ("n", Kind::NumberValue(5.0)),
            ("yes", Kind::BoolValue(true)),
            ("none", Kind::NullValue(0)),
            ("empty", Kind::StringValue(String::new())),
            ("Bad_Name", Kind::StringValue("x".into())),
        ])),
        ..event(b"{\"z\":1.0,\"a\":9007199254740993}")
    };
    assert_eq!(sidecar.topic(request).unwrap(), SUCCESS);
    let got = last(program.log(), 1);
    assert_eq!(got["payload"], r#"{"z":1.0,"a":9007199254740993}"#);
    assert_eq!(
        got["event"],
        json!({
            "id": "7", "source": "shop", "type": "order.placed", "subject": "17", "time": "2026-01-31T12:00:00.500+02:00",
            "datacontenttype": "application/json", "extensions": { "n": "5", "yes": "true" },
        })
    );
    assert_eq!((&got["input"]["name"], &got["input"]["metadata"]), (&json!("orders"), &json!({ "offset": "12" })));

    // What daprd makes of an event whose id is a number: none, and its payload is there all the same.
    assert_eq!(sidecar.topic(TopicEventRequest { id: String::new(), ..event(b"\x00\xff") }).unwrap(), SUCCESS);
    let got = last(program.log(), 2);
    assert_eq!((&got["event"], &got["payload"]), (&Value::Null, &json!(b"\x00\xff")));
}

#[test]
fn a_verdict_is_told_in_the_way_that_both_sidecar_and_proxy_read() {
    let program = serve("receive");
    let sidecar = AppCallback::connect(program.address());
    assert_eq!(sidecar.topic(event(b"drop")).unwrap(), DROP);
    assert_eq!(sidecar.topic(event(b"give up")).unwrap(), DROP);
    for payload in ["retry", "fail", "panic"] {
        for failed in [sidecar.topic(event(payload.as_bytes())).unwrap_err(), sidecar.binding("tick", payload).unwrap_err()] {
            assert!(!matches!(failed.code(), Code::Ok | Code::Unimplemented | Code::NotFound), "{payload}: {failed}");
            assert!(!failed.message().contains("secret"), "{failed}");
        }
    }
    assert_eq!(sidecar.binding("tick", b"\x00\xff").unwrap().data, b"\x00\xff");
    assert!(sidecar.binding("tick", "drop").unwrap().data.is_empty());
}

#[test]
fn a_binding_brings_its_metadata() {
    let program = serve("receive");
    let sidecar = AppCallback::connect(program.address());
    assert_eq!(sidecar.bindings().unwrap(), ["tick"]);
    let metadata = [("readTimeUTC".to_owned(), "now".to_owned())].into();
    sidecar.binding_event(BindingEventRequest { name: "tick".into(), data: Vec::new(), metadata }).unwrap();
    let got = last(program.log(), 1);
    assert_eq!((&got["input"]["name"], &got["input"]["metadata"]), (&json!("ticks"), &json!({ "readTimeUTC": "now" })));
}

#[test]
fn a_batch_has_a_verdict_for_each_in_the_stable_service_and_in_the_first() {
    let program = serve("receive");
    let sidecar = AppCallback::connect(program.address());
    let entry = |id: &str, event: EntryEvent| TopicEventBulkRequestEntry {
        entry_id: id.into(),
        event: Some(event),
        metadata: [("k".to_owned(), id.to_owned())].into(),
        ..TopicEventBulkRequestEntry::default()
    };
    let cloud_event = |payload: &[u8]| {
        let TopicEventRequest { id, source, r#type, spec_version, data_content_type, data, .. } = event(payload);
        let extensions = None;
        EntryEvent::CloudEvent(TopicEventCeRequest { id, source, r#type, spec_version, data_content_type, data, extensions })
    };
    let batch = TopicEventBulkRequest {
        id: "b".into(),
        topic: "orders".into(),
        pubsub_name: "bus".into(),
        entries: vec![
            entry("1", cloud_event(b"ok")),
            entry("2", cloud_event(b"retry")),
            entry("3", cloud_event(b"drop")),
            entry("4", EntryEvent::Bytes(b"raw".to_vec())),
        ],
        ..TopicEventBulkRequest::default()
    };
    for answer in [sidecar.bulk(batch.clone()).unwrap(), sidecar.bulk_alpha(batch).unwrap()] {
        let statuses: Vec<_> = answer.statuses.iter().map(|entry| (&*entry.entry_id, entry.status)).collect();
        assert_eq!(statuses, [("1", 0), ("2", 1), ("3", 2), ("4", 0)]);
    }
    let got = received(program.log(), 8);
    assert_eq!(got.iter().filter(|got| got["payload"] == "raw" && got["input"]["metadata"]["k"] == "4").count(), 2);
}

#[test]
fn what_is_for_no_input_is_an_error_that_brings_it_again() {
    let program = serve("receive");
    let sidecar = AppCallback::connect(program.address());
    let unknown = [
        sidecar.topic(TopicEventRequest { topic: "none".into(), ..event(b"x") }).unwrap_err(),
        sidecar.binding("none", "x").unwrap_err(),
        sidecar.job(JobEventRequest { name: "none".into(), ..JobEventRequest::default() }).unwrap_err(),
    ];
    for status in unknown {
        assert!(!matches!(status.code(), Code::Unimplemented | Code::NotFound), "{status}");
        assert!(status.message().contains("`none`") && status.message().contains("inputs: "), "{status}");
    }
    program.log().wait("about it", |line| line.message() == "delivery refused");

    // With one input a wrong name is the proxy's mistake.
    let program = receiver("receive").env("FUNC_CONTEXT", only("orders", "bus", "pubsub.redis", "orders")).serve();
    let sidecar = AppCallback::connect(program.address());
    sidecar.topic(TopicEventRequest { topic: "none".into(), path: "none".into(), ..event(b"x") }).unwrap();
    assert_eq!(last(program.log(), 1)["input"]["name"], "orders");
}

#[test]
fn a_job_calls_the_input_of_its_name() {
    let program = serve("receive");
    let data = Some(prost_types::Any { type_url: String::new(), value: b"payload".to_vec() });
    AppCallback::connect(program.address())
        .job(JobEventRequest { name: "ticks".into(), data, ..JobEventRequest::default() })
        .unwrap();
    assert_eq!(last(program.log(), 1)["payload"], "payload");
}

#[test]
fn another_app_calls_the_function_that_has_a_route() {
    let program = receiver("in_code").serve();
    let sidecar = AppCallback::connect(program.address());
    let answer = sidecar.invoke("called", None, "hello").unwrap();
    assert_eq!(answer.data.unwrap().value, b"hello");
    let get = HttpExtension { verb: Verb::Get.into(), querystring: "a=1".into() };
    sidecar.invoke("/called", Some(get), "").unwrap();
    assert_eq!(sidecar.invoke("other", None, "").unwrap_err().code(), Code::NotFound);
    assert_eq!(received(program.log(), 2)[0]["input"], Value::Null);
}

#[test]
fn the_token_is_asked_of_deliveries_only() {
    let program = receiver("receive").env("FUNC_CONTEXT", super::context()).env("APP_API_TOKEN", "s3cret").serve();
    let stranger = AppCallback::connect(program.address());
    stranger.healthy().unwrap();
    assert_eq!(stranger.subscriptions().unwrap().subscriptions.len(), 1);
    assert_eq!(stranger.bindings().unwrap(), ["tick"]);
    for refused in [stranger.topic(event(b"x")).unwrap_err(), stranger.binding("tick", "x").unwrap_err()] {
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    // The metadata of a broker's message stands beside it under the same name.
    let sidecar = stranger.metadata("dapr-api-token", "fake").metadata("dapr-api-token", "s3cret");
    assert_eq!(sidecar.topic(event(b"x")).unwrap(), SUCCESS);
    assert!(!program.log().text().contains("s3cret"));
}
