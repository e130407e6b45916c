//! What an `OpenFunction` function holds: where it was called from, and where it can send to.

mod input;
mod output;
mod payload;

pub(crate) use input::Declared as DeclaredInput;
pub use input::{Input, InputKind};
pub use output::Output;
pub(crate) use output::{Destination, OutputKind, Outputs};
pub use payload::IntoPayload;

use std::{collections::BTreeMap, sync::Arc};

use ::http::request::Parts;

use crate::{error::Error, event::Event, sidecar::Reply};

/// Tells an `OpenFunction` function where its payload came from, and sends to its outputs.
///
/// A function whose first parameter is a `Context` is an `OpenFunction` function. Clones are cheap and mean the same
/// invocation.
///
/// ```
/// use functions_framework::{Context, Out, Result};
///
/// async fn greet(ctx: Context, payload: String) -> Result<Out> {
///     let name = ctx.param("name").unwrap_or("world");
///     Ok(Out::data(format!("Hello, {name}! You said {payload}.\n")))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Context(Arc<Invocation>);

#[derive(Debug)]
struct Invocation {
    origin: Origin,
    request: Option<Parts>,
    params: BTreeMap<String, String>,
    event: Option<Event>,
}

/// What all invocations of a function share.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) function: Arc<str>,
    /// Whether its route can have parameters.
    pub(crate) has_path: bool,
    pub(crate) outputs: Outputs,
}

impl Context {
    pub(crate) fn new(origin: Origin, request: Option<Parts>, params: BTreeMap<String, String>, event: Option<Event>) -> Self {
        Self(Arc::new(Invocation { origin, request, params, event }))
    }

    /// The name of the function that was called.
    pub fn function(&self) -> &str {
        &self.0.origin.function
    }

    /// The head of the request, when the function was called over HTTP.
    ///
    /// ```
    /// # use functions_framework::Context;
    /// async fn language(ctx: Context) -> String {
    ///     let header = ctx.request().and_then(|head| head.headers.get("accept-language")?.to_str().ok());
    ///     header.unwrap_or("en").to_owned()
    /// }
    /// ```
    pub fn request(&self) -> Option<&Parts> {
        self.0.request.as_ref()
    }

    /// The value of a variable in the path pattern: `name` for `/hello/{name}`.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.0.params.get(name).map(String::as_str)
    }

    /// The event that the payload is the data of, when there is one.
    ///
    /// ```
    /// use functions_framework::{Context, event::AttributesReader as _};
    ///
    /// async fn origin(ctx: Context) -> String {
    ///     ctx.event().map_or("no event", |event| event.source()).to_owned()
    /// }
    /// ```
    pub fn event(&self) -> Option<&Event> {
        self.0.event.as_ref()
    }

    /// Sends a payload to a declared output; what is behind it, a binding or a topic, is configuration.
    ///
    /// Text and bytes are sent as they are, `&T` as JSON. Returns what an output binding answered.
    ///
    /// # Errors
    /// An unknown output, with the names of the declared ones; a payload that is no JSON; a sidecar that did not take it.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// # #[derive(serde::Serialize)] struct Order { id: u32 }
    /// async fn relay(ctx: Context) -> Result<()> {
    ///     ctx.send("orders", &Order { id: 7 }).await?;
    ///     ctx.send("log", "order 7 relayed").await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn send(&self, output: &str, payload: impl IntoPayload) -> Result<Reply, Error> {
        self.output(output)?.send(payload).await
    }

    /// Prepares a send to a declared output, for its operation, metadata or content type to be chosen.
    ///
    /// # Errors
    /// An unknown output, with the names of the declared ones.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn store(ctx: Context, picture: Vec<u8>) -> Result<()> {
    ///     ctx.output("pictures")?.operation("create").metadata("key", "1.png").content_type("image/png").send(picture).await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn output(&self, name: &str) -> Result<Output, Error> {
        self.0.origin.outputs.get(name)
    }
}
