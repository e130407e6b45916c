//! OpenFunction Events on the functions framework: what an EventSource and a Trigger of the platform run.
//!
//! Both are ordinary functions, configured by `CONFIG` as the platform's controllers write it. The programs `eventsource-handler`
//! and `trigger-handler` are [`event_source`] and [`trigger`], run; the README of this package says what goes where.

mod config;
mod event_source;
mod forward;
mod trigger;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use functions_framework::{App, Context, Error};

pub use config::{Known, Mistakes};
pub use event_source::EventSource;
pub use trigger::Trigger;

/// The variable with the configuration.
const VARIABLE: &str = "CONFIG";

/// Makes the program of an EventSource.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     openfunction_events::event_source().run()
/// }
/// ```
pub fn event_source() -> App {
    let source = Arc::new(OnceLock::<EventSource>::new());
    let read = Arc::clone(&source);
    App::new()
        .check(move |declared| {
            let config = std::env::var_os(VARIABLE);
            let source = EventSource::read(config.as_deref(), &declared.into()).map_err(|mistakes| mistakes.to_string())?;
            if source.is_idle() {
                tracing::warn!("{VARIABLE} names no output: events are taken, and go nowhere");
            }
            let _ = read.set(source);
            Ok(())
        })
        .open_function("eventsource-handler", move |ctx: Context, payload: Bytes| {
            let source = source.get().cloned();
            async move { source.ok_or_else(unread)?.handle(ctx, payload).await }
        })
}

/// Makes the program of a Trigger.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     openfunction_events::trigger().run()
/// }
/// ```
pub fn trigger() -> App {
    let trigger = Arc::new(OnceLock::<Trigger>::new());
    let read = Arc::clone(&trigger);
    App::new()
        .check(move |declared| {
            let config = std::env::var_os(VARIABLE);
            let trigger = Trigger::read(config.as_deref(), &declared.into()).map_err(|mistakes| mistakes.to_string())?;
            let _ = read.set(trigger);
            Ok(())
        })
        .open_function("trigger-handler", move |ctx: Context, payload: Bytes| {
            let trigger = Arc::clone(&trigger);
            async move { trigger.get().ok_or_else(unread)?.handle(ctx, payload).await }
        })
}

/// A function is called after the check, or never.
fn unread() -> Error {
    Error::new(format!("{VARIABLE} has not been read"))
}
