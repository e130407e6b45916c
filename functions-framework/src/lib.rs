//! Serve plain Rust functions over HTTP, CloudEvents and OpenFunction.
//!
//! A function is ordinary Rust, annotated. The framework opens the port, tells requests from events, decodes what came,
//! encodes what is answered, keeps a panic from being an outage, and lets nothing that was accepted go unanswered at a stop.
//! HTTP is that of [axum], which is re-exported: all its extractors, replies and layers fit.
//!
//! # A program
//!
//! ```no_run
//! use functions_framework::function;
//!
//! #[function]
//! async fn hello() -> &'static str { "Hello, OpenFunction!\n" }
//! ```
//!
//! `cargo run` serves it at port 8080: every path and every method. `cargo run -- --help` lists the settings, each a flag and an
//! environment variable.
//!
//! # Kinds of functions
//!
//! [`#[function]`](macro@function) tells them apart by the type of the first parameter.
//!
//! **HTTP**: anything but the two below, or nothing.
//!
//! ```no_run
//! use functions_framework::{function, http::{Json, Path}};
//!
//! #[derive(serde::Deserialize)]
//! struct Pair { a: i64, b: i64 }
//!
//! #[function(path = "/add/{unit}", methods(POST))]
//! async fn add(Path(unit): Path<String>, Json(Pair { a, b }): Json<Pair>) -> String { format!("{} {unit}\n", a + b) }
//! ```
//!
//! **CloudEvent**: an [`Event`], a [`CloudEvent<T>`](CloudEvent) whose data is decoded, or a `Vec` of one for batches.
//!
//! ```no_run
//! use functions_framework::{CloudEvent, Event, Result, function};
//!
//! #[derive(serde::Deserialize)]
//! struct Order { number: u32 }
//!
//! #[function]
//! async fn shipped(order: CloudEvent<Order>) -> Result<Event> {
//!     let subject = format!("order {}", order.data().number);
//!     Event::builder().id(order.id()).source("/shipping").ty("order.shipped").subject(subject).build()
//! }
//! ```
//!
//! **OpenFunction**: a [`Context`], and a payload after it.
//!
//! ```no_run
//! use functions_framework::{Context, Out, Result, function};
//!
//! #[function(path = "/relay/{topic}")]
//! async fn relay(ctx: Context, payload: String) -> Result<Out> {
//!     ctx.output("orders")?.metadata("topic", ctx.param("topic").unwrap_or("none")).send(payload).await?;
//!     Ok(Out::ok())
//! }
//! ```
//!
//! What `orders` is, a topic or a binding, is configuration: OpenFunction's function context, or a `function.yaml` at a desk, where
//! `cargo run` needs no sidecar. The same configuration has events call such a function: `#[function(input = "orders")]`.
//!
//! Several functions in one program are listed in [`main!`]; [`App`] does in code what the attribute cannot say.
//!
//! # Errors
//!
//! `?` turns any error into an [`Error`]. It has a status for the caller, who sees nothing else of it, the chain of causes for the
//! log, and a verdict for the event that was delivered: again, or never more.
//!
//! ```
//! use functions_framework::{Error, Result, ResultExt as _};
//!
//! fn quantity(text: &str) -> Result<u32> {
//!     match text.parse::<u32>().context("while reading the quantity")? {
//!         0 => Err(Error::bad_request("quantity 0").detail("order at least one")),
//!         quantity => Ok(quantity),
//!     }
//! }
//! assert_eq!(quantity("0").unwrap_err().status_code(), 400);
//! assert_eq!(quantity("x").unwrap_err().status_code(), 500);
//! ```
//!
//! # State
//!
//! `init` names what runs once, before the port is open. Its result is the state; its error ends the process with the reason.
//!
//! ```no_run
//! use std::sync::Arc;
//! use functions_framework::{Result, ResultExt as _, function, http::State};
//!
//! async fn read() -> Result<Arc<str>> {
//!     Ok(std::fs::read_to_string("greeting.txt").context("while reading greeting.txt")?.into())
//! }
//!
//! #[function(init = read)]
//! async fn greet(State(greeting): State<Arc<str>>) -> String { greeting.to_string() }
//! ```
//!
//! # Hooks
//!
//! What is the same for all functions runs before and after each: [`hooks`].
//!
//! # Tests
//!
//! The [test kit](testing) calls a function as it is served, without a socket.
//!
//! ```
//! use functions_framework::{function, testing};
//!
//! #[function(main = false, path = "/hello")]
//! async fn hello() -> &'static str { "Hello!\n" }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! assert_eq!(testing::http(hello {}).get("/hello").await.text(), "Hello!\n");
//! assert_eq!(testing::http(hello {}).get("/other").await.status(), 404);
//! # }
//! ```
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | `server` | the port and all around it: [`App`], [`main!`], [`testing`]. Without it there is the model alone, which builds for WebAssembly | yes |
//! | `dapr` | the way to a Dapr sidecar, and from it: outputs, state and asynchronous inputs | yes |
//! | `local` | what stands in for a sidecar at a desk, and `function.yaml` | yes |
//! | `tls` | a sidecar elsewhere, a collector elsewhere, and https from a desk (rustls; its cryptography, ring, needs a C compiler) | no |
//! | `cloudevents-sdk` | functions may take and return [`cloudevents::Event`]; `TryFrom` makes one of an [`Event`] and back | no |
//! | `metrics` | figures for Prometheus; those of a program, of the crate `metrics`, join them | no |
//! | `otel` | spans of OpenTelemetry for every invocation and for what it sends, sent to a collector; the figures of `metrics` too | no |
//! | `skywalking` | the same for SkyWalking, where the function context asks for it | no |
//! | `ws` | web sockets: `axum::extract::ws` | no |
//! | `multipart` | uploads: `axum::extract::Multipart` | no |
//!
//! The minimum Rust version is 1.88. The functions of a program need `panic = "unwind"`, the default, for a panic to stay within
//! its request.

// What the default features share has no use without some of them; that nothing is left over, the build that has all of them tells.
#![cfg_attr(
    not(all(feature = "dapr", feature = "local", feature = "server")),
    allow(dead_code, unreachable_pub, unused_imports, unused_variables)
)]

// The macro writes `::functions_framework`, in this crate's own tests and examples too.
extern crate self as functions_framework;

mod context;
mod current;
mod error;
pub mod event;
mod function;
pub mod hooks;
mod manifest;
mod outcome;
mod repeats;
mod sidecar;
mod span;
mod spelling;

#[cfg(feature = "server")]
mod app;
#[cfg(feature = "server")]
mod declared;
#[cfg(feature = "server")]
mod delivery;
#[cfg(feature = "server")]
mod listing;
#[cfg(feature = "server")]
mod platform;
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
#[cfg(all(feature = "tls", any(feature = "dapr", feature = "local", feature = "otel")))]
mod trust;
#[cfg(any(feature = "otel", all(feature = "tls", feature = "local")))]
mod wire;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

/// What an HTTP function needs of axum and `http`.
///
/// All of axum is at [`axum`]: use that one, and the versions fit.
///
/// ```no_run
/// use functions_framework::{function, http::{Json, Path, StatusCode}};
///
/// #[function(path = "/users/{id}")]
/// async fn user(Path(id): Path<u32>) -> Result<Json<&'static str>, StatusCode> {
///     if id == 7 { Ok(Json("Ada")) } else { Err(StatusCode::NOT_FOUND) }
/// }
/// ```
pub mod http {
    pub use ::http::{HeaderMap, Method, StatusCode};
    pub use axum::{
        Json,
        extract::{Path, Query, State},
    };
}

/// Dapr's own API, for what the context has no method for.
///
/// [`Context::dapr`](crate::Context::dapr) gives the client.
#[cfg(feature = "dapr")]
pub mod dapr {
    #[doc(no_inline)]
    pub use ::dapr::dapr::proto;
    #[doc(no_inline)]
    pub use ::tonic;

    pub use crate::sidecar::dapr::{Channel, Client};
}

#[cfg(feature = "server")]
pub use app::App;
pub use axum;
#[cfg(feature = "cloudevents-sdk")]
pub use cloudevents;
pub use context::{
    AppCall, Bulk, Context, Entry, Input, InputKind, IntoPayload, Outgoing, Output, Page, Secret, Store, Transaction,
};
#[cfg(feature = "server")]
pub use current::within_invocation;
#[cfg(feature = "server")]
pub use declared::Declared;
pub use error::{BoxError, Error, Result, ResultExt};
pub use event::{CloudEvent, Event};
pub use function::{Function, Kind};
#[cfg_attr(feature = "server", doc = include_str!("docs/function.md"))]
pub use functions_framework_macros::function;
pub use outcome::{Out, Verdict};
pub use sidecar::{Reply, SidecarCode, SidecarError};

/// Serves the functions that are named, and nothing else: the `main` of a program with several functions.
///
/// `FUNCTION_TARGET` or `--target` picks one of them; with neither all are served, each at its `path` or, without one, at and
/// below `/<name>`. The list is explicit so that the compiler says which function is not in it: that one is unused.
///
/// ```no_run
/// use functions_framework::function;
///
/// #[function(main = false)]
/// async fn hello() -> &'static str { "Hello!\n" }
///
/// mod orders {
///     use functions_framework::{Event, function};
///
///     #[function(main = false)]
///     pub(crate) async fn created(event: Event) { println!("{event}"); }
/// }
///
/// functions_framework::main!(hello, orders::created);
/// ```
///
/// After the functions come the [hooks](hooks) that run around them, each a value that is `Clone` or a closure that makes one:
///
/// ```no_run
/// use functions_framework::{function, hooks::Hook};
///
/// #[derive(Clone)]
/// struct Audit;
/// impl Hook for Audit {
///     fn name(&self) -> &str { "audit" }
/// }
///
/// #[function(main = false)]
/// async fn hello() -> &'static str { "Hello!\n" }
///
/// functions_framework::main!(hello; hooks = [Audit]);
/// ```
#[cfg(feature = "server")]
#[macro_export]
macro_rules! main {
    ($($function:ty),+ $(,)? $(; hooks = [$($hook:expr),* $(,)?])?) => {
        // `#[function]` has it too, where it makes a `main` of its own: the compiler then shows what to do.
        #[allow(dead_code, non_upper_case_globals)]
        const two_functions_make_a_main__mark_them_main_false_and_list_them_in_functions_framework_main: () = ();

        fn main() -> $crate::__private::ExitCode {
            $crate::__private::main_of(
                [$(<$function as $crate::__private::Registration>::function()),+],
                |app| app$($(.hook($hook))*)?,
            )
        }
    };
    ($($function:ty),+ $(,)?; $($rest:tt)*) => {
        ::core::compile_error!("after the functions and a semicolon comes `hooks = [..]`: `main!(hello; hooks = [Audit])`");
    };
}

/// The snippets of the README, compiled.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../../README.md")]
struct Readme;
