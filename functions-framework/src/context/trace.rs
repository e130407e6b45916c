//! The trace that an invocation belongs to.

use ::http::HeaderMap;

use crate::{event::Event, sidecar::Trace};

/// Of a request (W3C Trace Context, W3C Baggage).
pub(super) fn of_headers(headers: &HeaderMap) -> Trace {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(Into::into);
    Trace { traceparent: text("traceparent"), tracestate: text("tracestate"), baggage: text("baggage") }
}

/// Of an event (the distributed tracing extension of CloudEvents).
pub(super) fn of_event(event: &Event) -> Trace {
    let text = |name| event.extension(name).map(|value| value.to_string().into());
    Trace { traceparent: text("traceparent"), tracestate: text("tracestate"), baggage: None }
}
