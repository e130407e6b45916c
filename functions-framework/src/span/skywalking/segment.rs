//! What happened in an invocation: the span of it, and those of what it sent.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    CORRELATION_EXTENSION, Correlation, OfEvent, Place as _, SW8, SW8_CORRELATION, Tracer,
    protocol::{
        KeyStringValuePair, Log, OPENFUNCTION, RefType, SegmentObject, SegmentReference, SpanLayer, SpanObject, SpanType,
    },
    sw8::Caller,
    tracer::unique,
};
use crate::{current::TraceIds, event::Event};

/// So many spans of a segment are kept; SkyWalking's own agents keep as many.
const MOST: i32 = 300;

/// The segment of an invocation. It is reported when all of its spans have ended.
#[derive(Debug)]
pub(crate) struct Segment {
    tracer: Arc<Tracer>,
    trace: String,
    id: String,
    /// What was called.
    endpoint: String,
    correlation: Correlation,
    /// Nothing is kept of a trace that its beginner does not want reported.
    sampled: bool,
    spans: Mutex<Spans>,
}

#[derive(Debug, Default)]
struct Spans {
    /// That of the invocation, until it ends.
    entry: Option<SpanObject>,
    ended: Vec<SpanObject>,
    begun: i32,
    /// Some were not kept.
    is_limited: bool,
}

impl Spans {
    fn are_over(&self) -> bool {
        usize::try_from(self.begun).is_ok_and(|begun| begun == self.ended.len())
    }
}

impl SpanObject {
    pub(super) fn begun(span_type: SpanType) -> Self {
        let start_time = now();
        Self {
            start_time,
            end_time: start_time,
            span_type: span_type.into(),
            span_layer: SpanLayer::Faas.into(),
            component_id: OPENFUNCTION,
            ..Self::default()
        }
    }

    fn tag(&mut self, key: &str, value: String) {
        match self.tags.iter_mut().find(|tag| tag.key == key) {
            Some(tag) => tag.value = value,
            None => self.tags.push(KeyStringValuePair { key: key.to_owned(), value }),
        }
    }

    /// Says that it failed, in the words that SkyWalking's pages know.
    fn fail(&mut self, kind: &str, reason: Option<&str>) {
        self.is_error = true;
        let mut data = vec![KeyStringValuePair::new("event", "error"), KeyStringValuePair::new("error.kind", kind)];
        // The first line says it; the others are a backtrace, which is for the log.
        let reason = reason.and_then(|text| text.lines().next());
        data.extend(reason.map(|reason| KeyStringValuePair::new("message", reason)));
        self.logs.push(Log { time: now(), data });
    }
}

impl Segment {
    pub(super) fn new(
        tracer: Arc<Tracer>,
        trace: String,
        endpoint: String,
        correlation: Correlation,
        entry: Option<SpanObject>,
    ) -> Self {
        let (sampled, begun) = (entry.is_some(), i32::from(entry.is_some()));
        let spans = Mutex::new(Spans { entry, begun, ..Spans::default() });
        Self { tracer, trace, id: unique(), endpoint, correlation, sampled, spans }
    }

    pub(crate) const fn is_sampled(&self) -> bool {
        self.sampled
    }

    pub(crate) fn ids(&self) -> Option<TraceIds> {
        // It is what a caller says, and goes to the log.
        let is_sane = self.trace.len() <= 128 && self.trace.bytes().all(|byte| byte.is_ascii_graphic());
        is_sane.then(|| TraceIds {
            trace: self.trace.as_str().into(),
            span: Some(format!("{}-0", self.id).into()),
            sampled: self.sampled,
        })
    }

    /// Says in an event that it is an effect of this, unless it says that it belongs elsewhere.
    pub(crate) fn mark(&self, event: Event) -> Event {
        let said = OfEvent(&event).get(SW8).and_then(Caller::parse);
        if said.is_some_and(|said| said.trace != self.trace) { event } else { extended(event, &self.headers(0, "")) }
    }

    /// Notes the event that the function is called with.
    pub(crate) fn called_with(&self, event: &Event) {
        if self.sampled {
            self.set([
                ("cloudevents.event_id", event.id().to_owned()),
                ("cloudevents.event_source", event.source().to_owned()),
                ("cloudevents.event_type", event.ty().to_owned()),
            ]);
        }
    }

    /// Adds tags to the span of the invocation.
    pub(crate) fn set(&self, tags: impl IntoIterator<Item = (&'static str, String)>) {
        if let Some(entry) = &mut self.spans().entry {
            tags.into_iter().for_each(|(key, value)| entry.tag(key, value));
        }
    }

    /// Ends the span of the invocation, the first time it is told to; a failure has a kind and, within the process, a reason.
    pub(crate) fn end(&self, failure: Option<(&str, Option<&str>)>) {
        let mut spans = self.spans();
        let Some(mut entry) = spans.entry.take() else { return };
        if let Some((kind, reason)) = failure {
            entry.fail(kind, reason);
        }
        self.ended(spans, entry);
    }

    fn ended(&self, mut spans: MutexGuard<'_, Spans>, mut span: SpanObject) {
        span.end_time = now();
        spans.ended.push(span);
        if !spans.are_over() {
            return;
        }
        // The number of those that have begun stays: what begins after this is told by it.
        let (mut ended, is_size_limited) = (std::mem::take(&mut spans.ended), spans.is_limited);
        drop(spans);
        ended.sort_unstable_by_key(|span| span.span_id);
        self.tracer.queue.push(SegmentObject {
            trace_id: self.trace.clone(),
            trace_segment_id: self.id.clone(),
            spans: ended,
            service: self.tracer.service.clone(),
            service_instance: self.tracer.instance.clone(),
            is_size_limited,
        });
    }

    /// Begins the span of something that leaves the process.
    pub(crate) fn leave(self: &Arc<Self>, exit: Exit) -> Leaving {
        let address = exit.peer.clone();
        let leaving = |segment: &Arc<Self>, id, span| Leaving { segment: Arc::clone(segment), id, address, span };
        if !self.sampled {
            return leaving(self, 0, None);
        }
        let mut spans = self.spans();
        if spans.entry.is_none() && spans.ended.is_empty() {
            // A task of its own that goes on after the invocation: its segment is reported, and this is another one.
            drop(spans);
            let later = Arc::new(self.later());
            later.spans().begun = 1;
            return leaving(&later, 0, Some(SpanObject { parent_span_id: -1, refs: vec![self.reference()], ..exit.begun(0) }));
        }
        if spans.begun >= MOST {
            spans.is_limited = true;
            return leaving(self, 0, None);
        }
        let id = spans.begun;
        spans.begun += 1;
        drop(spans);
        leaving(self, id, Some(exit.begun(id)))
    }

    /// A segment that goes on from this one.
    fn later(&self) -> Self {
        let (tracer, trace, endpoint) = (Arc::clone(&self.tracer), self.trace.clone(), self.endpoint.clone());
        let mut segment = Self::new(tracer, trace, endpoint, self.correlation.clone(), None);
        segment.sampled = true;
        segment
    }

    fn reference(&self) -> SegmentReference {
        SegmentReference {
            ref_type: RefType::CrossThread.into(),
            trace_id: self.trace.clone(),
            parent_trace_segment_id: self.id.clone(),
            parent_span_id: 0,
            parent_service: self.tracer.service.clone(),
            parent_service_instance: self.tracer.instance.clone(),
            parent_endpoint: self.endpoint.clone(),
            network_address_used_at_peer: String::new(),
        }
    }

    /// What who is called is told.
    fn headers(&self, span: i32, address: &str) -> Vec<(&'static str, String)> {
        let caller = Caller {
            sampled: self.sampled,
            trace: self.trace.clone(),
            segment: self.id.clone(),
            span,
            service: self.tracer.service.clone(),
            instance: self.tracer.instance.clone(),
            endpoint: self.endpoint.clone(),
            address: address.to_owned(),
        };
        let mut headers = vec![(SW8, caller.encode())];
        if !self.correlation.is_empty() {
            headers.push((SW8_CORRELATION, self.correlation.encode()));
        }
        headers
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Segment {
    /// Whoever waited for the invocation gave it up.
    fn drop(&mut self) {
        self.end(Some(("cancelled", None)));
    }
}

/// An event that says by its extensions who sends it.
fn extended(event: Event, headers: &[(&'static str, String)]) -> Event {
    let extensions = headers.iter().map(|(name, value)| (if *name == SW8 { SW8 } else { CORRELATION_EXTENSION }, value));
    let marked = extensions.fold(event.clone().into_builder(), |event, (name, value)| event.extension(name, value.as_str()));
    marked.build().unwrap_or(event)
}

/// Something that leaves the process.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) operation: String,
    /// Who is called.
    pub(crate) peer: String,
    pub(crate) layer: SpanLayer,
    pub(crate) tags: Vec<KeyStringValuePair>,
}

impl Exit {
    fn begun(self, span_id: i32) -> SpanObject {
        let Self { operation, peer, layer, tags } = self;
        SpanObject {
            span_id,
            parent_span_id: 0,
            operation_name: operation,
            peer,
            span_layer: layer.into(),
            tags,
            ..SpanObject::begun(SpanType::Exit)
        }
    }
}

/// The span of something that leaves the process, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Leaving {
    segment: Arc<Segment>,
    id: i32,
    address: String,
    /// None where nothing is kept.
    span: Option<SpanObject>,
}

impl Leaving {
    /// What who is called is told: names of headers, and values.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        self.segment.headers(self.id, &self.address)
    }

    /// An event that says who sends it.
    pub(crate) fn mark(&self, event: Event) -> Event {
        extended(event, &self.headers())
    }

    pub(crate) fn tag(&mut self, key: &str, value: String) {
        if let Some(span) = &mut self.span {
            span.tag(key, value);
        }
    }

    pub(crate) fn fail(&mut self, kind: &str, reason: Option<&str>) {
        if let Some(span) = &mut self.span {
            span.fail(kind, reason);
        }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            self.segment.ended(self.segment.spans(), span);
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
