//! `init = f`: what runs once, before the port opens, and gives the functions their state.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    future::Future,
    sync::Arc,
};

use super::{BoxFuture, Handler, Start};
use crate::error::{BoxError, Error};

/// Makes the state of a function.
pub struct Starter<S> {
    /// Functions that name the same `init` share what it made.
    key: Option<TypeId>,
    run: Box<dyn FnOnce() -> BoxFuture<'static, Result<S, Error>> + Send>,
}

impl<S> fmt::Debug for Starter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starter").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The states made so far, by the `init` that made them.
pub(crate) type States = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl<S: Send + Sync + 'static> Starter<S> {
    /// The start of a function: make its state, then its handler.
    pub(crate) fn then(self, handler: impl FnOnce(Arc<S>) -> Handler + Send + 'static) -> Start {
        Box::new(move |states| Box::pin(async move { Ok(handler(self.run(states).await?)) }))
    }

    async fn run(self, states: &mut States) -> Result<Arc<S>, Error> {
        let made = self.key.and_then(|key| states.get(&key)).cloned();
        if let Some(Ok(state)) = made.map(Arc::downcast) {
            return Ok(state);
        }
        let state = Arc::new((self.run)().await?);
        if let Some(key) = self.key {
            states.insert(key, state.clone());
        }
        Ok(state)
    }
}

/// Marks functions that return a `Result`.
#[derive(Debug)]
pub enum Blocking {}
/// Marks functions that return a future of a `Result`.
#[derive(Debug)]
pub enum Async {}

/// What `init = f` may name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used as `init`",
    label = "not an `init` function",
    note = "`init` takes a function without parameters, async or not, that returns a `Result` whose error implements `std::error::Error`",
    note = "`async fn connect() -> functions_framework::Result<Db>` is one"
)]
pub trait Init<M>: Send + 'static {
    /// What `State<T>` can be taken from.
    type State: Send + Sync + 'static;
    /// Runs it.
    fn start(self) -> BoxFuture<'static, Result<Self::State, Error>>;
}

#[diagnostic::do_not_recommend]
impl<F, S, E> Init<Blocking> for F
where
    F: FnOnce() -> Result<S, E> + Send + 'static,
    S: Send + Sync + 'static,
    E: Into<BoxError>,
{
    type State = S;
    fn start(self) -> BoxFuture<'static, Result<S, Error>> {
        // It may block, and may use a client that has a runtime of its own.
        Box::pin(crate::__private::blocking(|| self().map_err(|error| Error::from_boxed(error.into()))))
    }
}

#[diagnostic::do_not_recommend]
impl<F, Fut, S, E> Init<Async> for F
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Result<S, E>> + Send,
    S: Send + Sync + 'static,
    E: Into<BoxError>,
{
    type State = S;
    fn start(self) -> BoxFuture<'static, Result<S, Error>> {
        Box::pin(async { self().await.map_err(|error| Error::from_boxed(error.into())) })
    }
}

/// Wraps the function that `init = ..` names.
pub fn init<I: Init<M>, M>(function: I) -> Starter<I::State> {
    Starter { key: Some(TypeId::of::<I>()), run: Box::new(|| function.start()) }
}

/// Stands for a missing `init`.
pub fn no_init() -> Starter<()> {
    Starter { key: None, run: Box::new(|| Box::pin(std::future::ready(Ok(())))) }
}
