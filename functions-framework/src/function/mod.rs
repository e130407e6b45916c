//! What the user wrote, as the framework holds it.
//!
//! A [`Function`] is made by `#[function]` or by [`App`](crate::App). It is started once, which runs its `init`, and from
//! then on is a [`Handler`]: one of three shapes, whoever calls it.

pub(crate) mod answered;
pub(crate) mod body;
pub(crate) mod classify;
pub(crate) mod cloud_event;
pub(crate) mod http;
pub(crate) mod init;
pub(crate) mod open_function;
#[cfg(feature = "cloudevents-sdk")]
mod sdk;

use std::{borrow::Cow, fmt, future::Future, pin::Pin};

use ::http::Method;

use crate::{__private::Platform, error::Error};
use init::States;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// User code that is running.
pub(crate) type Call<T> = BoxFuture<'static, Result<T, Error>>;

/// Names the shape of a function, which its first parameter decides.
///
/// ```
/// # use functions_framework::Kind;
/// assert_eq!(Kind::CloudEvent.as_str(), "cloudevent");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Takes a request apart with axum extractors and answers a response.
    Http,
    /// Takes a `CloudEvent` and may answer one.
    CloudEvent,
    /// Takes a [`Context`](crate::Context) and a payload.
    OpenFunction,
}

impl Kind {
    /// The name that `FUNCTION_SIGNATURE_TYPE` has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::CloudEvent => "cloudevent",
            Self::OpenFunction => "openfunction",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Holds one function with its name, its route and all that is needed to start it.
pub struct Function {
    options: Options,
    kind: Kind,
    start: Start,
    /// What functions of its kind need around them, and nobody else links.
    platform: Option<&'static Platform>,
}

type Start = Box<dyn for<'a> FnOnce(&'a mut States) -> BoxFuture<'a, Result<Handler, Error>> + Send>;

/// What a started function is called through.
pub(crate) enum Handler {
    Http(http::Handler),
    CloudEvent(cloud_event::Handler),
    OpenFunction(open_function::Handler),
}

impl Function {
    pub(crate) fn new(options: Options, kind: Kind, start: Start) -> Self {
        Self { options, kind, start, platform: None }
    }

    pub(crate) const fn on(mut self, platform: Option<&'static Platform>) -> Self {
        self.platform = platform;
        self
    }

    pub(crate) const fn platform(&self) -> Option<&'static Platform> {
        self.platform
    }

    /// The name it is picked by.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// What its first parameter made it.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The path pattern it was given, in axum's syntax.
    pub fn path(&self) -> Option<&str> {
        self.options.path.as_deref()
    }

    /// The methods it was given; none means all of its kind.
    pub fn methods(&self) -> &[Method] {
        &self.options.methods
    }

    /// The events it is called with.
    pub(crate) const fn deliveries(&self) -> Deliveries {
        self.options.deliveries
    }

    /// Runs `init` unless another function has already run the same one.
    pub(crate) async fn start(self, states: &mut States) -> Result<Handler, Error> {
        (self.start)(states).await
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("options", &self.options).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The name and the route of a function.
#[derive(Debug, Clone)]
pub struct Options {
    name: Cow<'static, str>,
    path: Option<Cow<'static, str>>,
    methods: Vec<Method>,
    deliveries: Deliveries,
}

/// The events a function is called with, as `#[function]` says it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deliveries {
    /// Inputs that the function context declares, by name.
    pub inputs: &'static [&'static str],
    /// Topics, each with the pub/sub component that carries it: `component/topic`.
    pub topics: &'static [&'static str],
    /// Bindings, by the name of the component.
    pub bindings: &'static [&'static str],
    /// How many events of an input are handled at once.
    pub concurrency: Option<usize>,
    /// The attribute or metadata whose value says which events come one after another.
    pub order_by: Option<&'static str>,
}

impl Deliveries {
    /// Tells whether it names what the function is called with.
    pub(crate) const fn names_any(&self) -> bool {
        !(self.inputs.is_empty() && self.topics.is_empty() && self.bindings.is_empty())
    }
}

impl Options {
    /// A function of this name that takes every path and method.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), path: None, methods: Vec::new(), deliveries: Deliveries::default() }
    }

    /// Restricts it to the paths that fit an axum pattern.
    pub fn path(mut self, pattern: impl Into<Cow<'static, str>>) -> Self {
        self.path = Some(pattern.into());
        self
    }

    /// Says which events it is called with.
    pub(crate) const fn deliveries(mut self, deliveries: Deliveries) -> Self {
        self.deliveries = deliveries;
        self
    }

    /// Restricts it to these methods; the names come from `#[function]`, which knows them to be valid.
    pub(crate) fn methods(mut self, names: &[&str]) -> Self {
        self.methods.extend(names.iter().filter_map(|name| Method::from_bytes(name.as_bytes()).ok()));
        self
    }
}
