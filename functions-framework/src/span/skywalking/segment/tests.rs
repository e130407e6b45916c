use tokio::sync::mpsc::Receiver;

use super::{super::Queue, *};
use crate::span::skywalking::Place;

/// A place that says both.
struct Said(&'static str, &'static str);

impl Place for Said {
    fn get(&self, name: &'static str) -> Option<&str> {
        Some(if name == SW8 { self.0 } else { self.1 })
    }
}

/// The trace `t`, from span 3 of segment `s` of service `c`.
const CALLER: Said = Said("1-dA==-cw==-3-Yw==-aQ==-L2U=-YQ==", "dGVuYW50:Nw==");

fn tracer(room: usize) -> (Arc<Tracer>, Receiver<SegmentObject>) {
    let (queue, reported) = Queue::of(room);
    let tracer = Tracer {
        service: "shop".to_owned(),
        instance: "shop-1".to_owned(),
        operation: None,
        tags: vec![KeyStringValuePair::new("layer", "faas")],
        baggage: [("tenant".to_owned(), "0".to_owned()), ("team".to_owned(), "blue".to_owned())].into_iter().collect(),
        queue,
    };
    (Arc::new(tracer), reported)
}

fn exit(to: &str) -> Exit {
    Exit { operation: to.to_owned(), peer: to.to_owned(), layer: SpanLayer::Faas, tags: Vec::new() }
}

/// What a header says to who is called.
fn told(leaving: &Leaving) -> Caller {
    Caller::parse(&leaving.headers()[0].1).unwrap()
}

#[test]
fn an_invocation_and_what_it_sends_are_a_segment() {
    let (tracer, mut reported) = tracer(9);
    let segment = tracer.begin("relay", &[&CALLER]);
    segment.set([("url", "x".to_owned()), ("layer", "other".to_owned())]);
    let mut leaving = segment.leave(exit("orders"));
    let caller = told(&leaving);
    assert_eq!((caller.trace.as_str(), caller.span, caller.sampled), ("t", 1, true));
    let texts = [&caller.service, &caller.instance, &caller.endpoint, &caller.address];
    assert_eq!(texts, ["shop", "shop-1", "relay", "orders"]);
    let correlation = Correlation::parse(&leaving.headers()[1].1).unwrap();
    assert_eq!(correlation, [("tenant".into(), "7".into()), ("team".into(), "blue".into())].into_iter().collect());
    leaving.fail("Unavailable", Some("it is down\nat line 1"));
    segment.end(None);
    assert!(reported.try_recv().is_err(), "it is not over");
    drop(leaving);
    let object = reported.try_recv().unwrap();
    assert_eq!((object.trace_id.as_str(), object.trace_segment_id.clone()), ("t", caller.segment));
    let [entry, exit] = &object.spans[..] else { panic!("two spans: {object:?}") };
    assert_eq!((entry.span_id, entry.parent_span_id, entry.span_type()), (0, -1, SpanType::Entry));
    assert_eq!((entry.component_id, entry.span_layer(), entry.is_error), (5013, SpanLayer::Faas, false));
    let tags: Vec<_> = entry.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    assert_eq!(tags, [("layer", "other"), ("url", "x")]);
    let [from] = &entry.refs[..] else { panic!("one caller: {entry:?}") };
    assert_eq!((from.parent_span_id, from.ref_type()), (3, RefType::CrossProcess));
    let texts = [&from.trace_id, &from.parent_trace_segment_id, &from.parent_service, &from.parent_service_instance];
    assert_eq!(texts, ["t", "s", "c", "i"]);
    assert_eq!([&from.parent_endpoint, &from.network_address_used_at_peer], ["/e", "a"]);
    assert_eq!((exit.span_id, exit.parent_span_id, exit.span_type(), exit.peer.as_str()), (1, 0, SpanType::Exit, "orders"));
    assert!(exit.is_error && exit.start_time >= entry.start_time && exit.end_time >= exit.start_time, "{exit:?}");
    let log: Vec<_> = exit.logs[0].data.iter().map(|pair| (pair.key.as_str(), pair.value.as_str())).collect();
    assert_eq!(log, [("event", "error"), ("error.kind", "Unavailable"), ("message", "it is down")]);
}

#[test]
fn what_is_sent_after_the_end_is_a_segment_of_its_own() {
    let (tracer, mut reported) = tracer(9);
    let segment = tracer.begin("relay", &[]);
    segment.end(None);
    let first = reported.try_recv().unwrap();
    let leaving = segment.leave(exit("orders"));
    let caller = told(&leaving);
    assert_eq!((&caller.trace, caller.span), (&first.trace_id, 0));
    assert_ne!(caller.segment, first.trace_segment_id);
    drop(leaving);
    let later = reported.try_recv().unwrap();
    assert_eq!((&later.trace_id, &later.trace_segment_id), (&first.trace_id, &caller.segment));
    let [exit] = &later.spans[..] else { panic!("one span: {later:?}") };
    assert_eq!((exit.span_id, exit.parent_span_id), (0, -1));
    assert_eq!(
        (exit.refs[0].ref_type(), &exit.refs[0].parent_trace_segment_id),
        (RefType::CrossThread, &first.trace_segment_id)
    );
    drop(segment);
    assert!(reported.try_recv().is_err(), "all was reported, and once");
}

#[test]
fn what_nobody_waited_for_is_reported_as_given_up() {
    let (tracer, mut reported) = tracer(9);
    drop(tracer.begin("relay", &[]));
    let object = reported.try_recv().unwrap();
    assert!(object.spans[0].is_error && object.spans[0].logs[0].data[1].value == "cancelled", "{object:?}");
}

#[test]
fn a_trace_that_shall_not_be_reported_goes_on_unreported() {
    let (tracer, mut reported) = tracer(9);
    let segment = tracer.begin("relay", &[&Said("0-dA==-cw==-3-Yw==-aQ==-L2U=-YQ==", "")]);
    let leaving = segment.leave(exit("orders"));
    assert_eq!((told(&leaving).trace.as_str(), told(&leaving).sampled), ("t", false));
    drop(leaving);
    segment.end(Some(("panic", None)));
    drop(segment);
    assert!(reported.try_recv().is_err());
}

#[test]
fn there_is_an_end_to_the_spans_of_a_segment_and_to_the_segments_that_wait() {
    let (tracer, mut reported) = tracer(1);
    let segment = tracer.begin("relay", &[]);
    for _ in 0..500 {
        assert!(told(&segment.leave(exit("orders"))).span < MOST);
    }
    segment.end(None);
    tracer.begin("relay", &[]).end(None);
    assert_eq!(tracer.queue.take_refused(), 1);
    let object = reported.try_recv().unwrap();
    assert!(object.is_size_limited && object.spans.len() == 300, "{}", object.spans.len());
}

#[test]
fn an_event_says_what_it_is_an_effect_of_unless_it_belongs_elsewhere() {
    let (tracer, _reported) = tracer(9);
    let segment = tracer.begin("relay", &[&CALLER]);
    let event = Event::builder().id("1").source("/s").ty("t").build().unwrap();
    let marked = segment.mark(event.clone());
    let said = Caller::parse(marked.extension("sw8").unwrap().as_str().unwrap()).unwrap();
    assert_eq!((said.trace.as_str(), said.service.as_str(), said.span), ("t", "shop", 0));
    assert!(marked.extension("sw8correlation").is_some());
    let elsewhere = tracer.begin("relay", &[]).mark(event);
    assert_eq!(segment.mark(elsewhere.clone()), elsewhere);
}

#[test]
fn a_trace_with_an_odd_name_stays_out_of_the_log() {
    let (tracer, _reported) = tracer(9);
    let ids = tracer.begin("relay", &[&CALLER]).ids().unwrap();
    assert!(&*ids.trace == "t" && ids.sampled && ids.span.unwrap().ends_with("-0"));
    // The trace is `a`, a new line, and `b`.
    assert_eq!(tracer.begin("relay", &[&Said("1-YQpi-cw==-3-Yw==-aQ==-L2U=-YQ==", "")]).ids(), None);
}
