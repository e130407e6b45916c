//! Serve plain Rust functions over HTTP, `CloudEvents` and `OpenFunction`.

// Without the server nobody delivers, guards or logs: the model keeps its parts for them.
#![cfg_attr(not(feature = "server"), allow(dead_code, unused_imports, unreachable_pub))]

// The macro writes `::functions_framework`, in this crate's own tests and examples too.
extern crate self as functions_framework;

mod context;
mod error;
pub mod event;
mod function;
#[cfg(feature = "server")]
mod manifest;
mod outcome;
mod sidecar;

#[cfg(feature = "server")]
mod app;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod settings;
#[cfg(feature = "server")]
mod startup;
#[cfg(feature = "server")]
mod telemetry;
#[cfg(feature = "server")]
pub mod testing;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

/// What an HTTP function needs of axum and `http`.
pub mod http {
    pub use ::http::{HeaderMap, Method, StatusCode};
    pub use axum::{
        Json,
        extract::{Path, Query, State},
    };
}

#[cfg(feature = "server")]
pub use app::App;
pub use axum;
pub use context::{Context, IntoPayload, Output};
pub use error::{BoxError, Error, Result, ResultExt};
pub use event::{CloudEvent, Event};
pub use function::{Function, Kind};
pub use functions_framework_macros::function;
pub use outcome::{Out, Verdict};
pub use sidecar::Reply;

/// Serves the functions that are named, and nothing else.
#[cfg(feature = "server")]
#[macro_export]
macro_rules! main {
    ($($function:ty),+ $(,)?) => {
        // `#[function]` has it too, where it makes a `main` of its own: the compiler then shows what to do.
        #[allow(dead_code, non_upper_case_globals)]
        const two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main: () = ();

        fn main() -> $crate::__private::ExitCode {
            $crate::__private::main_of([$(<$function as $crate::__private::Registration>::function()),+])
        }
    };
}

/// The snippets of the README, compiled.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../../README.md")]
struct Readme;
