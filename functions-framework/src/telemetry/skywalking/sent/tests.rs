use tokio::sync::mpsc::Receiver;

use super::*;
use crate::{
    event::inner::Inner,
    manifest::State,
    sidecar::{BatchEntry, SidecarCode, recording::Recording},
    span::skywalking::{
        Correlation, Queue, Segment, Tracer,
        protocol::{SegmentObject, SpanObject},
    },
};

fn output(name: &str, component: &str, component_type: &str, topic: Option<&str>) -> Output {
    let kind = if topic.is_some() { ComponentKind::PubSub } else { ComponentKind::Binding };
    Output {
        name: name.to_owned(),
        kind,
        component: component.to_owned(),
        component_type: component_type.to_owned(),
        topic: topic.map(str::to_owned),
        operation: None,
        metadata: BTreeMap::new(),
    }
}

struct Sending {
    sidecar: Arc<Recording>,
    traced: Traced,
    segment: Arc<Segment>,
    reported: Receiver<SegmentObject>,
}

fn sending(failing: &str) -> Sending {
    let manifest = Manifest {
        name: "relay".to_owned(),
        outputs: vec![
            output("orders", "bus", "pubsub.redis", Some("placed")),
            output("queue", "kafka", "bindings.kafka", None),
            output("web", "web", "bindings.http", None),
            output("file", "disk", "bindings.localstorage", None),
        ],
        states: vec![State { name: "store".into(), component: "redis".into(), component_type: "state.redis".into() }],
        ..Manifest::default()
    };
    let mut sidecar = Recording::default();
    sidecar.failing.insert(failing.to_owned(), SidecarCode::Unavailable);
    let sidecar = Arc::new(sidecar);
    let traced = Traced::new(Arc::clone(&sidecar) as _, &manifest, Some("shop"));
    let (queue, reported) = Queue::of(9);
    let (service, instance, baggage) = ("relay".to_owned(), "1".to_owned(), Correlation::default());
    let process = Arc::new(Tracer { service, instance, operation: None, tags: Vec::new(), baggage, queue });
    Sending { sidecar, traced, segment: process.begin("relay", &[]), reported }
}

impl Sending {
    fn scope(&self) -> Scope {
        Scope { span: Span::SkyWalking(Arc::clone(&self.segment)), ..Scope::default() }
    }

    /// The spans of what was sent.
    fn spans(mut self) -> Vec<SpanObject> {
        self.segment.end(None);
        self.reported.try_recv().unwrap().spans.split_off(1)
    }
}

fn message(component: &str, address: &str, content_type: &str, payload: &str) -> Message {
    Message {
        component: component.to_owned(),
        address: address.to_owned(),
        payload: payload.to_owned().into(),
        content_type: content_type.to_owned(),
        metadata: Metadata::new(),
    }
}

#[tokio::test]
async fn topics_and_queues_get_an_inner_event_and_nothing_else_does() {
    let sending = sending("");
    let (traced, scope) = (&sending.traced, || sending.scope());
    traced.publish(message("bus", "placed", "text/plain", "one"), scope()).await.unwrap();
    traced.invoke_binding(message("kafka", "create", "text/plain", "one"), scope()).await.unwrap();
    let wrapped = |message: &Message| {
        let inner = Inner::of(&message.payload).expect("it is an inner event");
        (inner.payload, inner.metadata["sw8"].clone(), message.content_type.clone())
    };
    for sent in sending.sidecar.messages() {
        let (payload, sw8, content_type) = wrapped(&sent);
        assert_eq!((&payload[..], content_type.as_str()), (&b"one"[..], "application/json"));
        assert!(sw8.starts_with("1-"), "{sw8}");
    }
    let raw = || Scope { raw: true, ..scope() };
    traced.publish(message("bus", "placed", "text/plain", "one"), raw()).await.unwrap();
    traced.invoke_binding(message("kafka", "create", "text/plain", "one"), raw()).await.unwrap();
    let mut declared = message("bus", "placed", "text/plain", "one");
    declared.metadata.insert("rawPayload".to_owned(), "true".to_owned());
    traced.publish(declared, scope()).await.unwrap();
    traced.publish(message("bus", "undeclared", "text/plain", "one"), scope()).await.unwrap();
    traced.invoke_binding(message("disk", "create", "text/plain", "one"), scope()).await.unwrap();
    traced.invoke_binding(message("web", "post", "text/plain", "one"), scope()).await.unwrap();
    let sent = sending.sidecar.messages().split_off(2);
    assert!(sent.iter().all(|sent| sent.payload == "one" && sent.content_type == "text/plain"), "{sent:?}");
    assert!(sent[5].metadata["Sw8"].starts_with("1-") && sent[..5].iter().all(|sent| !sent.metadata.contains_key("Sw8")));
    let peers: Vec<_> = sending.spans().into_iter().map(|span| span.peer).collect();
    assert_eq!(peers, ["orders", "queue", "orders", "queue", "orders", "undeclared", "file", "web"]);
}

#[tokio::test]
async fn an_event_says_itself_who_sends_it() {
    let sending = sending("");
    let event = Event::builder().id("1").source("/s").ty("t").data("text/plain", "one").build().unwrap();
    let whole = |event: &Event| message("bus", "placed", STRUCTURED, std::str::from_utf8(&event.to_json()).unwrap());
    sending.traced.publish(whole(&event), sending.scope()).await.unwrap();
    sending.traced.publish(message("bus", "placed", STRUCTURED, "no event"), sending.scope()).await.unwrap();
    let [sent, broken] = &sending.sidecar.messages()[..] else { panic!("two are sent") };
    let said = Event::from_json(sent.payload.clone()).unwrap();
    assert!(said.extension("sw8").unwrap().as_str().unwrap().starts_with("1-"));
    assert_eq!((said.data().unwrap(), sent.content_type.as_str()), (event.data().unwrap(), STRUCTURED));
    assert_eq!(broken.payload, "no event");
}

#[tokio::test]
async fn every_call_has_a_span_and_a_failed_one_says_so() {
    let sending = sending("redis");
    let (traced, scope) = (&sending.traced, || sending.scope());
    traced.state("redis", "key".to_owned(), ReadOptions::default(), scope()).await.unwrap_err();
    let entry = |id: &str| BatchEntry {
        id: id.to_owned(),
        payload: "one".into(),
        content_type: "text/plain".to_owned(),
        metadata: Metadata::new(),
    };
    let (component, topic, metadata) = ("bus".to_owned(), "placed".to_owned(), Metadata::new());
    let batch = Batch { component, topic, entries: vec![entry("0"), entry("1")], metadata };
    traced.publish_bulk(batch, scope()).await.unwrap();
    let sent = sending.sidecar.messages();
    assert!(sent.len() == 2 && sent.iter().all(|sent| Inner::of(&sent.payload).is_some()), "{sent:?}");
    let [read, published] = &sending.spans()[..] else { panic!("two calls, two spans") };
    let tags: Vec<_> = read.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    assert_eq!(tags, [("db.type", "state.redis"), ("db.instance", "redis"), ("db.operation", "get")]);
    assert_eq!((read.operation_name.as_str(), read.is_error, read.span_layer()), ("get redis", true, SpanLayer::Database));
    assert_eq!(read.logs[0].data[1].value, "Unavailable");
    assert_eq!((published.operation_name.as_str(), published.is_error, published.component_id), ("orders", false, 5013));
}

#[tokio::test]
async fn what_is_sent_for_nobody_who_is_traced_stays_as_it_is() {
    let sending = sending("");
    sending.traced.publish(message("bus", "placed", "text/plain", "one"), Scope::default()).await.unwrap();
    assert_eq!(sending.sidecar.messages()[0].payload, "one");
}
