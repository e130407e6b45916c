//! Spans of SkyWalking: what happens in an invocation is a segment of a trace.

mod place;
pub(crate) mod protocol;
mod segment;
mod sw8;
mod tracer;

pub(crate) use place::{OfEvent, OfEventHeaders, OfHeaders, OfInput, Place};
pub(crate) use segment::{Exit, Leaving, Segment};
pub(crate) use sw8::Correlation;
pub(crate) use tracer::{Queue, Tracer, unique};

/// Who calls, as a header.
pub(crate) const SW8: &str = "sw8";

/// What the trace takes along, as a header.
pub(crate) const SW8_CORRELATION: &str = "sw8-correlation";

/// The same as an extension of an event, whose name has no hyphen.
pub(crate) const CORRELATION_EXTENSION: &str = "sw8correlation";
