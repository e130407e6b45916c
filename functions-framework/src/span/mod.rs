//! Where an invocation is in a trace: a span of OpenTelemetry with the feature `otel`, a segment of SkyWalking with `skywalking`,
//! else nowhere. A process makes those of one of them.

#[cfg(not(any(feature = "otel", feature = "skywalking")))]
mod absent;
#[cfg(feature = "otel")]
mod carried;
#[cfg(feature = "otel")]
mod open;
#[cfg(any(feature = "otel", feature = "skywalking"))]
mod present;
#[cfg(feature = "skywalking")]
pub(crate) mod skywalking;

#[cfg(not(any(feature = "otel", feature = "skywalking")))]
pub(crate) use absent::Span;
#[cfg(any(feature = "otel", feature = "skywalking"))]
pub(crate) use present::Span;
#[cfg(feature = "otel")]
pub(crate) use {
    carried::{Carries, OfEvent, OfEventHeaders, OfHeaders, OfTrace},
    open::{Child, Tracer},
};
