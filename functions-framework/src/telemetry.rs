//! The logs of a process.

use std::io::IsTerminal as _;

use tracing_subscriber::{Layer as _, Registry, fmt, layer::SubscriberExt as _};

use crate::settings::{LogFormat, Settings, Switch};

/// Whether somebody reads along.
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal()
}

/// Writes the log to standard error, unless the program has a subscriber of its own, which is left alone.
pub(crate) fn install(settings: &Settings) {
    let filter = settings.log_filter.clone();
    let json = match settings.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !is_interactive(),
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).with_current_span(false).with_filter(filter).boxed()
    } else {
        lines.with_ansi(is_interactive()).with_target(false).with_filter(filter).boxed()
    };
    // Fails only when there is one already, which is then the one to use.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(lines));
}

/// Whether requests that went well get a line.
pub(crate) fn access_log(settings: &Settings) -> bool {
    match settings.access_log {
        Switch::On => true,
        Switch::Off => false,
        Switch::Auto => is_interactive(),
    }
}
