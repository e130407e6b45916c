//! What generated code calls. Not for anybody else: it changes with every release.

pub use std::{marker::PhantomData, process::ExitCode};

pub use crate::function::{
    Deliveries, Function, Options,
    classify::{ContextKind, EventKind, HttpKind, Otherwise, Probe, Registration},
    init::{init, no_init},
};

#[cfg(feature = "server")]
pub(crate) use crate::platform::{Platform, platform};
#[cfg(feature = "server")]
pub use crate::server::crash::blocking;

/// There is none without the server.
#[cfg(not(feature = "server"))]
#[derive(Debug)]
pub(crate) enum Platform {}

#[cfg(not(feature = "server"))]
pub(crate) const fn platform() -> Option<&'static Platform> {
    None
}

/// Runs a function that is not async in place: where there is no server there are no threads either.
#[cfg(not(feature = "server"))]
pub async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    run()
}

/// Serves one function.
#[cfg(feature = "server")]
pub fn main(function: Function) -> ExitCode {
    crate::App::new().with(function).run()
}

/// What a `main` needs to serve.
#[cfg(not(feature = "server"))]
#[diagnostic::on_unimplemented(
    message = "a `main` that serves functions needs the feature `server` of functions-framework",
    label = "add the feature, which is on by default, or write `main = false`"
)]
pub trait NeedsServer {}

/// Explains that nothing is served without the server.
#[cfg(not(feature = "server"))]
pub fn main<F: NeedsServer>(_: F) -> ExitCode {
    ExitCode::FAILURE
}

/// Serves the functions that `main!` names, with its hooks.
#[cfg(feature = "server")]
pub fn main_of(functions: impl IntoIterator<Item = Function>, hooks: impl FnOnce(crate::App) -> crate::App) -> ExitCode {
    hooks(functions.into_iter().fold(crate::App::new(), crate::App::with)).run()
}

/// Merges the texts of two function contexts into the JSON of `--print-manifest`; built only by cargo-fuzz.
///
/// # Errors
/// What is wrong with them, as an operator is told.
#[cfg(fuzzing)]
pub fn merge_contexts(v1: Option<&str>, v2: Option<&str>) -> std::result::Result<String, String> {
    crate::manifest::Manifest::from_contexts(v1, v2).map(|manifest| manifest.to_json())
}
