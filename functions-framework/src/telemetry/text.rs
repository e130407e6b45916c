//! A line of the log for who reads along.

use std::fmt::{self, Debug};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Full, Writer},
    },
    registry::LookupSpan,
};

use super::json::Own;
use crate::current;

/// Writes lines.
#[derive(Debug)]
pub(super) struct Lines(Format<Full>);

impl Lines {
    pub(super) fn new(colours: bool) -> Self {
        Self(tracing_subscriber::fmt::format().with_target(false).with_ansi(colours))
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        current::look(|current| {
            let Some(current) = current else { return self.0.format_event(context, line, event) };
            let mut text = String::new();
            self.0.format_event(context, Writer::new(&mut text), event)?;
            line.write_str(text.trim_end_matches('\n'))?;
            let mut own = Own::default();
            event.record(&mut own);
            // Texts of others are written as Rust writes them: no line is forged.
            let mut field = |name, value: Option<&str>| match value {
                Some(value) if !own.has(name) => write!(line, " {name}={value:?}"),
                _ => Ok(()),
            };
            field("function", current.function())?;
            field("input", current.input())?;
            let event = current.event();
            field("event_id", event.map(|(id, _)| id))?;
            field("event_type", event.map(|(_, ty)| ty))?;
            field("request_id", Some(&current.ids().request))?;
            if let Some(trace) = current.trace() {
                field("trace_id", Some(&trace.trace))?;
                field("span_id", trace.span.as_deref())?;
            }
            line.write_char('\n')
        })
    }
}

impl Visit for Own {
    fn record_debug(&mut self, field: &Field, _: &dyn Debug) {
        self.note(field.name());
    }
}
