//! Starts programs as an operator would, talks to them as a caller would, and reads what they log.
//!
//! Nothing here knows the library: a program is its exit code, its standard error and its port. A wait is for something to
//! be true, and fails after [`PATIENCE`] with what was there instead; no test sleeps for a guess.

#![allow(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a harness fails by panicking, and says with what"
)]

mod app;
mod app_callback;
pub mod broker;
mod built;
mod collector;
pub mod component;
mod folder;
pub mod h2;
pub mod http1;
mod log;
mod measured;
pub mod oap;
mod passage;
pub mod pluggable;
mod port;
pub mod proc;
mod program;
mod prometheus;
mod service;
mod sidecar;

use std::time::{Duration, Instant};

pub use app::{Answer, App, Call};
pub use app_callback::AppCallback;
pub use broker::{Mosquitto, Nats, Redis};
pub use built::built;
pub use collector::{Collector, Span, kind, status};
pub use component::Resource;
pub use folder::Folder;
pub use http1::{Connection, Request, Response};
pub use log::{Line, Log};
pub use measured::{Figure, Measured};
pub use oap::Oap;
pub use passage::Passage;
pub use pluggable::{Message, Pluggable};
pub use port::Port;
pub use program::{Ended, Program, Start, Starting};
pub use prometheus::Prometheus;
pub use sidecar::{AppProtocol, Daprd, Sidecar};

/// The longest wait for anything that should happen at once; generous, since tests run side by side on small machines.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `look` finds something.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
