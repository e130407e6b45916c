//! Spans as lines on standard error, for who sits before it.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use opentelemetry::{SpanId, Value, trace::Status};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

use crate::telemetry::print;

/// Writes every span when it ends, between the lines of the log.
#[derive(Debug)]
pub(super) struct Console;

impl SpanExporter for Console {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &batch {
            print(&line(span));
        }
        Ok(())
    }
}

/// Texts of others are written as Rust writes them: no line is forged.
fn line(span: &SpanData) -> String {
    let ended = DateTime::<Utc>::from(span.end_time).to_rfc3339_opts(SecondsFormat::Micros, true);
    let took = span.end_time.duration_since(span.start_time).unwrap_or_default().as_secs_f64() * 1e3;
    let (context, kind) = (&span.span_context, format!("{:?}", span.span_kind).to_uppercase());
    let mut line = format!("{ended}  SPAN {} kind={kind} duration_ms={}", span.name.escape_debug(), (took * 1e3).round() / 1e3);
    // Writing to a text cannot fail.
    let _ = write!(line, " trace_id={} span_id={}", context.trace_id(), context.span_id());
    if span.parent_span_id != SpanId::INVALID {
        let _ = write!(line, " parent_id={}", span.parent_span_id);
    }
    for pair in &span.attributes {
        let _ = match &pair.value {
            Value::String(text) => write!(line, " {}={:?}", pair.key.as_str().escape_debug(), text.as_str()),
            other => write!(line, " {}={}", pair.key.as_str().escape_debug(), other.to_string().escape_debug()),
        };
    }
    for link in span.links.iter() {
        let _ = write!(line, " link={}/{}", link.span_context.trace_id(), link.span_context.span_id());
    }
    // What an exception says is the error, too.
    for event in span.events.iter().filter(|event| event.name != "exception") {
        let _ = write!(line, " event={:?}", event.name);
    }
    if let Status::Error { description } = &span.status {
        let _ = write!(line, " error={description:?}");
    }
    line.push('\n');
    line
}
