//! What an `OpenFunction` function holds: where it was called from, and where it can send to.

mod app_call;
mod bulk;
mod input;
mod outgoing;
mod output;
mod outside;
mod payload;
mod secret;
mod state;
#[cfg(all(test, feature = "server"))]
mod tests;
mod trace;

pub use app_call::AppCall;
pub use bulk::Bulk;
pub(crate) use input::Declared as DeclaredInput;
pub use input::{Input, InputKind};
pub use outgoing::Outgoing;
pub use output::Output;
pub(crate) use outside::Outside;
pub use payload::IntoPayload;
pub use secret::Secret;
pub use state::{Entry, Page, Store, Transaction};

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use ::http::{Extensions, request::Parts};

use crate::{
    error::Error,
    event::{Event, LateEvent},
    sidecar::{Reply, Scope, Sidecar, SidecarError, Trace},
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
    pub(crate) event: LateEvent,
    /// The input that an event was delivered to.
    pub(crate) input: Option<Input>,
    /// When it ends, and its trace when the delivery told one; else that of the request or the event is taken.
    pub(crate) scope: Scope,
    /// What hooks have left for the function, where there is no request to leave it in.
    pub(crate) extensions: OnceLock<Extensions>,
}

impl Context {
    pub(crate) fn new(origin: Arc<Origin>, arrival: Arrival) -> Self {
        Self(Arc::new(Invocation { origin, arrival }))
    }

    pub(crate) fn sidecar(&self) -> Result<Arc<dyn Sidecar>, Error> {
        self.0.origin.outside.sidecar()
    }

    /// Takes what hooks have left for the function, once.
    pub(crate) fn extend(&self, extensions: Extensions) {
        // Every invocation passes its hooks once.
        let _ = self.0.arrival.extensions.set(extensions);
    }

    /// What a call that this invocation makes belongs to.
    ///
    /// It is made only when something is sent: most of it is of no interest before.
    pub(crate) fn scope(&self) -> Scope {
        let Arrival { request, event, scope, .. } = &self.0.arrival;
        let given = Some(scope.trace.clone()).filter(Trace::is_known);
        let of_request = || request.as_ref().map(|head| trace::of_headers(&head.headers)).filter(Trace::is_known);
        let of_event = || event.get().map(trace::of_event);
        let trace = given.or_else(of_request).or_else(of_event).filter(Trace::is_known).unwrap_or_default();
        Scope { deadline: scope.deadline, trace, span: scope.span.clone(), raw: false }
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
    /// use functions_framework::Context;
    ///
    /// async fn origin(ctx: Context) -> String {
    ///     ctx.event().map_or("no event", |event| event.source()).to_owned()
    /// }
    /// ```
    pub fn event(&self) -> Option<&Event> {
        self.0.arrival.event.get()
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

    /// Returns what a [hook](crate::hooks) or a layer has left for the function, by its type.
    ///
    /// ```
    /// # use functions_framework::Context;
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// async fn who(ctx: Context) -> String {
    ///     ctx.extension::<User>().map_or("nobody", |User(name)| name).to_owned()
    /// }
    /// ```
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let Arrival { request, extensions, .. } = &self.0.arrival;
        request.as_ref().map(|head| &head.extensions).or_else(|| extensions.get())?.get()
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

    /// Prepares a message for a topic that is not declared as an output, by the name of its component.
    ///
    /// What is declared can be moved elsewhere without a change of the program: prefer [`output`](Self::output).
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn audit(ctx: Context, tenant: String) -> Result<()> {
    ///     ctx.publish("kafka", &format!("audit-{tenant}"), "seen").send().await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn publish<P: IntoPayload>(&self, component: &str, topic: &str, payload: P) -> Outgoing<P> {
        Outgoing::to_topic(self.0.origin.outside.any_sidecar(), self.scope(), component, topic, payload)
    }

    /// Prepares a call of a binding that is not declared as an output, by the name of its component.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn picture(ctx: Context, key: String) -> Result<Vec<u8>> {
    ///     let reply = ctx.invoke_binding("pictures", "get", "").metadata("key", key).send().await?;
    ///     Ok(reply.data.into())
    /// }
    /// ```
    pub fn invoke_binding<P: IntoPayload>(&self, component: &str, operation: &str, payload: P) -> Outgoing<P> {
        Outgoing::to_binding(self.0.origin.outside.any_sidecar(), self.scope(), component, operation, payload)
    }

    /// Gives a declared state: values under keys, which outlive the process.
    ///
    /// # Errors
    /// An unknown state, with the names of the declared ones.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn remember(ctx: Context, text: String) -> Result<()> {
    ///     ctx.state("redis")?.save("last", &text).await
    /// }
    /// ```
    pub fn state(&self, name: &str) -> Result<Store, Error> {
        self.0.origin.outside.state(name, self.scope())
    }

    /// Reads a secret from a store, by the name of its component.
    ///
    /// # Errors
    /// A store or a secret that is not there, or that this app may not read.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn token(ctx: Context) -> Result<String> {
    ///     Ok(ctx.secret("vault", "api-token").await?.value()?.to_owned())
    /// }
    /// ```
    pub async fn secret(&self, store: &str, name: &str) -> Result<Secret, Error> {
        let found = self.sidecar()?.secret(store, name.to_owned(), BTreeMap::new(), self.scope()).await;
        let values = found.map_err(|error| failed(error, &format!("reading secret `{name}` of `{store}`")))?;
        Ok(Secret::new(name.to_owned(), values))
    }

    /// Prepares a call of another app, by its app id and the path of the method.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// # #[derive(serde::Serialize)] struct Order { id: u32 }
    /// async fn ship(ctx: Context) -> Result<bool> {
    ///     let answer = ctx.invoke("shipping", "orders").send(&Order { id: 7 }).await?;
    ///     Ok(answer.status().is_success())
    /// }
    /// ```
    pub fn invoke(&self, app: &str, method: &str) -> AppCall {
        AppCall::new(app, method, self.0.origin.outside.any_sidecar(), self.scope())
    }
}

/// What a function gets to see of a failure: what was being done, and whether to do it again.
fn failed(error: SidecarError, what: &str) -> Error {
    let again = if error.can_retry() { "another try may help" } else { "another try will not help" };
    Error::from(error).context(format!("while {what} ({again})"))
}
