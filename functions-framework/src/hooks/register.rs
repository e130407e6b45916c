//! From a hook in code to the instances that invocations have.

use std::{any::Any, fmt, sync::Arc};

use super::{Hook, Invocation, Outcome, invocation::Slot};
use crate::{error::Result, function::BoxFuture, repeats::Repeats};

/// A [`Hook`] of any type.
pub(crate) trait AnyHook: Any + Send + Sync {
    fn before<'a>(&'a mut self, invocation: &'a mut Invocation) -> BoxFuture<'a, Result<()>>;
    fn after<'a>(&'a mut self, invocation: &'a Invocation, outcome: &'a mut Outcome) -> BoxFuture<'a, Result<()>>;
}

impl<H: Hook> AnyHook for H {
    fn before<'a>(&'a mut self, invocation: &'a mut Invocation) -> BoxFuture<'a, Result<()>> {
        Box::pin(Hook::before(self, invocation))
    }

    fn after<'a>(&'a mut self, invocation: &'a Invocation, outcome: &'a mut Outcome) -> BoxFuture<'a, Result<()>> {
        Box::pin(Hook::after(self, invocation, outcome))
    }
}

/// A hook that was registered: its name, and how an invocation gets an instance of it.
pub struct Registered {
    name: Arc<str>,
    pub(super) failures: Repeats,
    make: Box<dyn Fn() -> Box<dyn AnyHook> + Send + Sync>,
}

impl Registered {
    fn new<H: Hook>(name: &str, make: impl Fn() -> H + Send + Sync + 'static) -> Self {
        Self { name: name.into(), failures: Repeats::default(), make: Box::new(move || Box::new(make())) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn instance(&self) -> Slot {
        Slot::new(Arc::clone(&self.name), (self.make)())
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// Marks hooks that are cloned for every invocation.
#[derive(Debug)]
pub enum Cloned {}
/// Marks closures that make one for every invocation.
#[derive(Debug)]
pub enum Made {}

/// What can be registered: a hook that is `Clone`, or a closure that makes one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered as a hook",
    label = "not a hook that is `Clone`",
    note = "implement `functions_framework::hooks::Hook` for it, and `Clone`: every invocation has an instance of its own",
    note = "a closure that makes a hook will do as well: `|| Audit::new()`"
)]
pub trait IntoHook<M> {
    /// Registers it.
    fn into_hook(self) -> Registered;
}

#[diagnostic::do_not_recommend]
impl<H: Hook + Clone> IntoHook<Cloned> for H {
    fn into_hook(self) -> Registered {
        let name = self.name().to_owned();
        Registered::new(&name, move || self.clone())
    }
}

#[diagnostic::do_not_recommend]
impl<H: Hook, F: Fn() -> H + Send + Sync + 'static> IntoHook<Made> for F {
    fn into_hook(self) -> Registered {
        // The name is the instance's: one is made to ask it.
        Registered::new(self().name(), self)
    }
}
