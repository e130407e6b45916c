//! What a process tells of itself: its log, with the feature `metrics` its figures, and with `otel` or
//! `skywalking` its spans.

mod how;
mod json;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(not(feature = "metrics"))]
#[path = "uncounted.rs"]
mod metrics;
#[cfg(feature = "otel")]
mod otel;
#[cfg(feature = "skywalking")]
mod skywalking;
mod text;
mod traces;
#[cfg(all(feature = "metrics", not(feature = "otel")))]
mod unsent;
mod value;
mod writer;

use std::{
    io::IsTerminal as _,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tracing_subscriber::{Layer as _, Registry, fmt, layer::SubscriberExt as _};

use crate::settings::{LogFormat, Settings, Switch};
pub(crate) use how::How;
use json::Schema;
pub(crate) use metrics::{Deliveries, Invocations, Metrics, counted};
#[cfg(all(feature = "metrics", feature = "otel"))]
pub(crate) use otel::Figures;
pub(crate) use traces::{Called, Service, Traces, ended, traced};
#[cfg(all(feature = "metrics", not(feature = "otel")))]
pub(crate) use unsent::Figures;
use writer::Writer;

/// What lines of requests and deliveries are called in `RUST_LOG`. Those of what went well may be lost where nobody reads them.
pub(crate) const ACCESS: &str = "functions_framework::access";

static LOG: OnceLock<Writer> = OnceLock::new();
static OURS: AtomicBool = AtomicBool::new(false);

/// Whether somebody reads along.
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal()
}

/// Writes the log to standard error, and makes spans of those of the program, unless it has a subscriber of its own, which is
/// left alone.
pub(crate) fn install(settings: &Settings, traces: &Traces) {
    let filter = settings.log_filter.clone();
    let format = match settings.log_format {
        LogFormat::Auto if is_interactive() => LogFormat::Text,
        LogFormat::Auto => LogFormat::Json,
        format => format,
    };
    let writer = LOG.get_or_init(|| Writer::new(Box::new(std::io::stderr())));
    let lines = fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(is_interactive());
            lines.event_format(text::Lines::new(is_interactive())).with_filter(filter).boxed()
        }
        LogFormat::Cloud => {
            let project = std::env::var("GOOGLE_CLOUD_PROJECT").ok();
            let lines = lines.fmt_fields(json::Fields).event_format(json::Lines(Schema::cloud(project.as_deref())));
            lines.with_filter(filter).boxed()
        }
        LogFormat::Json | LogFormat::Auto => {
            lines.fmt_fields(json::Fields).event_format(json::Lines(Schema::plain())).with_filter(filter).boxed()
        }
    };
    // Fails only when there is one already, which is then the one to use.
    if tracing::subscriber::set_global_default(Registry::default().with(lines).with(traces.layer(&settings.log_filter))).is_ok()
    {
        writer.start();
        OURS.store(true, Relaxed);
    }
}

/// Whether lines say by themselves which invocation they belong to: they are ours, and not those of the program's own subscriber.
pub(crate) fn says_invocation() -> bool {
    OURS.load(Relaxed)
}

/// Waits until what was logged is written: what is printed next comes after it, and the process may end.
pub(crate) fn flush() {
    if let Some(writer) = LOG.get() {
        writer.flush();
    }
}

/// Writes lines among those of the log, also where the program has a subscriber of its own.
#[cfg(feature = "otel")]
fn print(lines: &str) {
    LOG.get_or_init(|| Writer::new(Box::new(std::io::stderr()))).print(lines);
}

/// Whether requests that went well get a line.
pub(crate) fn access_log(settings: &Settings) -> bool {
    match settings.access_log {
        Switch::On => true,
        Switch::Off => false,
        Switch::Auto => is_interactive(),
    }
}
