//! The trace that an invocation belongs to.

use ::http::{HeaderMap, HeaderName};

use crate::{event::Event, sidecar::Trace};

/// Of a request (W3C Trace Context, W3C Baggage).
pub(super) fn of_headers(headers: &HeaderMap) -> Trace {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(Into::into);
    match text(TRACEPARENT) {
        // Nothing else means anything without it.
        None => Trace::default(),
        traceparent => Trace { traceparent, tracestate: text(TRACESTATE), baggage: text(BAGGAGE), ..Trace::default() },
    }
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Of an event (the distributed tracing extension of CloudEvents).
pub(super) fn of_event(event: &Event) -> Trace {
    let text = |name| event.extension(name).map(|value| value.to_string().into());
    Trace { traceparent: text("traceparent"), tracestate: text("tracestate"), ..Trace::default() }
}
