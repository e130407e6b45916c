//! Spans: of an invocation, and of what it sends.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use opentelemetry::{
    Context, ContextGuard, KeyValue,
    baggage::{BaggageExt as _, KeyValueMetadata},
    propagation::Extractor,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _},
};
use opentelemetry_sdk::trace::SdkTracer;

use super::{Carries, OfEvent, Span};
use crate::{current::TraceIds, event::Event, sidecar::Trace};

/// Makes spans.
#[derive(Debug)]
pub(crate) struct Tracer {
    pub(crate) sdk: SdkTracer,
    pub(crate) carries: Carries,
    /// Every invocation has it in its baggage, unless it came with another value.
    pub(crate) baggage: Vec<(String, String)>,
}

impl Tracer {
    /// Begins the span of an invocation, whose parent is what runs here already or else what the places say, the first first.
    ///
    /// Whether it is recorded is decided here, before anybody has made an attribute.
    pub(crate) fn begin(self: &Arc<Self>, name: &'static str, kind: SpanKind, places: &[&dyn Extractor]) -> Span {
        let mut parent = self.carries.find(Context::current(), places);
        if !self.baggage.is_empty() {
            let known = parent.baggage();
            let missing = self.baggage.iter().filter(|(key, _)| known.get(key).is_none());
            let missing = missing.map(|(key, value)| KeyValueMetadata::new(key.clone(), value.clone(), ""));
            let all = known.iter().map(|(key, (value, metadata))| {
                KeyValueMetadata::new(key.clone(), value.as_str().to_owned(), metadata.as_str())
            });
            let all: Vec<_> = all.chain(missing).collect();
            parent = parent.with_baggage(all);
        }
        let span = self.sdk.build_with_context(SpanBuilder::from_name(name).with_kind(kind), &parent);
        let (tracer, context) = (Arc::clone(self), parent.with_span(span));
        Span::OpenTelemetry(Arc::new(Open { tracer, context, is_over: AtomicBool::new(false) }))
    }
}

/// The span of an invocation.
#[derive(Debug)]
pub(crate) struct Open {
    tracer: Arc<Tracer>,
    context: Context,
    is_over: AtomicBool,
}

impl Open {
    pub(super) fn enter(&self) -> ContextGuard {
        self.context.clone().attach()
    }

    pub(super) fn ids(&self) -> Option<TraceIds> {
        let span = self.context.span();
        let context = span.span_context();
        context.is_valid().then(|| TraceIds {
            trace: context.trace_id().to_string().into(),
            span: Some(context.span_id().to_string().into()),
            sampled: context.is_sampled(),
        })
    }

    pub(super) fn mark(&self, event: Event) -> Event {
        let carries = Carries { baggage: false, ..self.tracer.carries };
        let trace = |context: &Context| context.span().span_context().trace_id();
        let said = carries.find(Context::new(), &[&OfEvent(&event)]);
        if said.has_active_span() && trace(&said) != trace(&self.context) {
            return event;
        }
        let Trace { traceparent, tracestate, .. } = carries.write(&self.context);
        let Some(traceparent) = traceparent else { return event };
        let mut marked = event.clone().into_builder().extension("traceparent", &*traceparent);
        if let Some(tracestate) = tracestate {
            marked = marked.extension("tracestate", &*tracestate);
        }
        marked.build().unwrap_or(event)
    }

    /// One that belongs elsewhere, as only its body told, is linked.
    pub(super) fn called_with(&self, event: &Event) {
        let span = self.context.span();
        if !span.is_recording() {
            return;
        }
        let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
        let mut attributes = vec![
            text("cloudevents.event_id", event.id()),
            text("cloudevents.event_source", event.source()),
            text("cloudevents.event_type", event.ty()),
            KeyValue::new("cloudevents.event_spec_version", "1.0"),
        ];
        attributes.extend(event.subject().map(|subject| text("cloudevents.event_subject", subject)));
        span.set_attributes(attributes);
        let carries = Carries { trace: self.tracer.carries.trace, baggage: false };
        let said = carries.find(Context::new(), &[&OfEvent(event)]);
        if said.has_active_span() && said.span().span_context().trace_id() != span.span_context().trace_id() {
            span.add_link(said.span().span_context().clone(), Vec::new());
        }
    }
}

impl Span {
    const fn open(&self) -> Option<&Arc<Open>> {
        if let Self::OpenTelemetry(open) = self { Some(open) } else { None }
    }

    /// Whether anybody will see it.
    pub(crate) fn is_recording(&self) -> bool {
        self.open().is_some_and(|open| open.context.span().is_recording())
    }

    pub(crate) fn name(&self, name: impl Into<Cow<'static, str>>) {
        if let Some(open) = self.open() {
            open.context.span().update_name(name);
        }
    }

    pub(crate) fn set(&self, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(open) = self.open() {
            open.context.span().set_attributes(attributes);
        }
    }

    /// Ends it, the first time it is told to; a failure has a type and, within the process, a reason.
    pub(crate) fn end(&self, failure: Option<(&str, Option<&str>)>) {
        let Some(open) = self.open().filter(|open| !open.is_over.swap(true, Relaxed)) else { return };
        let span = open.context.span();
        if let Some((kind, reason)) = failure {
            fail(&open.context, kind, reason);
        }
        span.end();
    }

    /// Begins the span of something this invocation sends: a child of what runs here, or else of the invocation.
    pub(crate) fn child(&self, name: &'static str, kind: SpanKind) -> Option<Child> {
        let open = self.open()?;
        let here = Context::map_current(|context| context.has_active_span().then(|| context.clone()));
        let parent = here.unwrap_or_else(|| open.context.clone());
        let span = open.tracer.sdk.build_with_context(SpanBuilder::from_name(name).with_kind(kind), &parent);
        Some(Child { carries: open.tracer.carries, context: parent.with_span(span) })
    }
}

/// The span of something that is sent, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    carries: Carries,
    context: Context,
}

impl Child {
    pub(crate) fn trace(&self) -> Trace {
        self.carries.write(&self.context)
    }

    /// Describes it, if anybody will see it.
    pub(crate) fn describe(&self, describe: impl FnOnce() -> (String, Vec<KeyValue>)) {
        let span = self.context.span();
        if span.is_recording() {
            let (name, attributes) = describe();
            span.update_name(name);
            span.set_attributes(attributes);
        }
    }

    pub(crate) fn set(&self, attribute: KeyValue) {
        self.context.span().set_attribute(attribute);
    }

    pub(crate) fn fail(&self, kind: &str, reason: Option<&str>) {
        fail(&self.context, kind, reason);
    }
}

fn fail(context: &Context, kind: &str, reason: Option<&str>) {
    let span = context.span();
    if !span.is_recording() {
        return;
    }
    // The first line says it; the others are a backtrace, which is for the log.
    let reason = reason.and_then(|text| text.lines().next()).map(str::to_owned);
    span.set_attribute(KeyValue::new("error.type", kind.to_owned()));
    if let Some(reason) = &reason {
        let attributes = [("exception.type", kind.to_owned()), ("exception.message", reason.clone())];
        span.add_event("exception", attributes.map(|(key, value)| KeyValue::new(key, value)).into());
    }
    span.set_status(Status::error(reason.unwrap_or_default()));
}
