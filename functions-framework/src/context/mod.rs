//! What an `OpenFunction` function holds: where it was called from, and where it can send to.

mod input;
mod output;
mod outside;
mod payload;

pub(crate) use input::Declared as DeclaredInput;
pub use input::{Input, InputKind};
pub use output::Output;
pub(crate) use outside::Outside;
pub use payload::IntoPayload;

use std::{collections::BTreeMap, sync::Arc};

use ::http::{HeaderMap, request::Parts};

use crate::{
    error::Error,
    event::Event,
    sidecar::{Reply, Scope, Sidecar, Trace},
};

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
    origin: Arc<Origin>,
    arrival: Arrival,
}

/// What all invocations of a function share.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) function: Box<str>,
    /// Whether its route can have parameters.
    pub(crate) has_path: bool,
    /// Shared by all functions of the process.
    pub(crate) outside: Arc<Outside>,
}

/// What one invocation came with.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// The head of the request, when there was one.
    pub(crate) request: Option<Parts>,
    pub(crate) params: BTreeMap<String, String>,
    /// The event that the payload is the data of.
    pub(crate) event: Option<Event>,
    /// The input that an event was delivered to.
    pub(crate) input: Option<Input>,
    /// When it ends, and its trace when the delivery told one; else that of the request or the event is taken.
    pub(crate) scope: Scope,
}

impl Context {
    pub(crate) fn new(origin: Arc<Origin>, arrival: Arrival) -> Self {
        Self(Arc::new(Invocation { origin, arrival }))
    }

    pub(crate) fn sidecar(&self) -> Result<Arc<dyn Sidecar>, Error> {
        self.0.origin.outside.sidecar()
    }

    /// What a call that this invocation makes belongs to.
    ///
    /// It is made only when something is sent: most of it is of no interest before.
    pub(crate) fn scope(&self) -> Scope {
        let Arrival { request, event, scope, .. } = &self.0.arrival;
        let given = Some(scope.trace.clone()).filter(Trace::is_known);
        let of_request = || request.as_ref().map(|head| trace_of_headers(&head.headers)).filter(Trace::is_known);
        let of_event = || event.as_ref().map(trace_of_event);
        let trace = given.or_else(of_request).or_else(of_event).filter(Trace::is_known).unwrap_or_default();
        Scope { deadline: scope.deadline, trace }
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
        self.0.arrival.request.as_ref()
    }

    /// The value of a variable in the path pattern: `name` for `/hello/{name}`.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.0.arrival.params.get(name).map(String::as_str)
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
        self.0.arrival.event.as_ref()
    }

    /// Returns the input that the payload was delivered to; none when the function was called over HTTP.
    ///
    /// ```
    /// # use functions_framework::Context;
    /// async fn tick(ctx: Context) -> String {
    ///     ctx.input().map_or("called by hand", |input| input.name()).to_owned()
    /// }
    /// ```
    pub fn input(&self) -> Option<&Input> {
        self.0.arrival.input.as_ref()
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
        self.0.origin.outside.output(name, self.scope())
    }
}

fn trace_of_headers(headers: &HeaderMap) -> Trace {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(Arc::from);
    Trace { traceparent: text("traceparent"), tracestate: text("tracestate"), baggage: text("baggage") }
}

/// The extensions of the distributed tracing extension of CloudEvents.
fn trace_of_event(event: &Event) -> Trace {
    let text = |name| event.extension(name).map(|value| value.to_string().into());
    Trace { traceparent: text("traceparent"), tracestate: text("tracestate"), baggage: None }
}
