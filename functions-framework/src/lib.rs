//! Serve plain Rust functions over HTTP, `CloudEvents` and `OpenFunction`.

mod error;
pub mod event;
mod outcome;

/// What an HTTP function needs of axum and `http`.
pub mod http {
    pub use axum::{
        Json,
        extract::{Path, Query, State},
    };
    pub use http::{HeaderMap, Method, StatusCode};
}

pub use error::{BoxError, Error, Result, ResultExt};
pub use event::Event;
pub use outcome::{Out, Verdict};
