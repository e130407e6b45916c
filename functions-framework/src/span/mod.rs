//! Where an invocation is in a trace: with the feature `otel` a span of OpenTelemetry, else nowhere.

#[cfg(not(feature = "otel"))]
mod absent;
#[cfg(feature = "otel")]
mod carried;
#[cfg(feature = "otel")]
mod open;

#[cfg(not(feature = "otel"))]
pub(crate) use absent::Span;
#[cfg(feature = "otel")]
pub(crate) use {
    carried::{Carries, OfEvent, OfEventHeaders, OfHeaders, OfTrace},
    open::{Child, Span, Tracer},
};
