//! What a hook sees of an invocation.

use std::{any::Any, fmt, sync::Arc};

use bytes::Bytes;
use http::{Extensions, Request, request::Parts};

use super::{Hook, Hooks, register::AnyHook};
use crate::{
    context::{Context, Input, Origin},
    event::Event,
    function::Kind,
};

/// Tells a hook what is called, and with what.
///
/// A function is called by a request, which is every call over HTTP, or by an event that was delivered to one of its inputs.
/// Each has its own: [`request`](Self::request) is there for the one, [`context`](Self::context), [`input`](Self::input),
/// [`event`](Self::event) and [`payload`](Self::payload) for the other. The body of a request belongs to the function and is not
/// read before it; hence a CloudEvent over HTTP is not decoded here, but one in binary mode has its attributes in the headers.
pub struct Invocation {
    origin: Arc<Origin>,
    kind: Kind,
    subject: Subject,
    live: Live,
}

/// What calls the function.
enum Subject {
    Request(Box<Parts>),
    Delivery { context: Context, payload: Bytes, extensions: Extensions },
}

/// The hooks of an invocation. One that runs is not among them.
pub(super) type Live = Vec<Slot>;

/// The place of a hook.
pub(super) struct Slot {
    name: Arc<str>,
    hook: Option<Box<dyn AnyHook>>,
}

impl Slot {
    pub(super) fn new(name: Arc<str>, hook: Box<dyn AnyHook>) -> Self {
        Self { name, hook: Some(hook) }
    }
}

impl Invocation {
    pub(crate) fn of_request(origin: Arc<Origin>, kind: Kind, head: Parts) -> Self {
        Self { origin, kind, subject: Subject::Request(Box::new(head)), live: Live::new() }
    }

    pub(crate) fn of_delivery(origin: Arc<Origin>, kind: Kind, context: Context, payload: Bytes) -> Self {
        let subject = Subject::Delivery { context, payload, extensions: Extensions::new() };
        Self { origin, kind, subject, live: Live::new() }
    }

    /// Gives it instances of the hooks; runs user code.
    pub(crate) fn enliven(&mut self, hooks: &Hooks) {
        self.live = hooks.instances();
    }

    /// Takes a hook out to run it.
    pub(crate) fn take(&mut self, index: usize) -> Option<Box<dyn AnyHook>> {
        self.live.get_mut(index)?.hook.take()
    }

    pub(crate) fn put_back(&mut self, index: usize, hook: Box<dyn AnyHook>) {
        if let Some(slot) = self.live.get_mut(index) {
            slot.hook = Some(hook);
        }
    }

    /// Gives the function the head of its request; a copy stays if the hooks are to `keep` one.
    pub(crate) fn hand_over(&mut self, keep: bool) -> Parts {
        match &mut self.subject {
            Subject::Request(head) if keep => Parts::clone(head),
            Subject::Request(head) => std::mem::replace(&mut **head, empty()),
            Subject::Delivery { .. } => empty(),
        }
    }

    /// Gives the function what the hooks have left for it in the place of a request.
    pub(crate) fn extend_context(&self) {
        if let Subject::Delivery { context, extensions, .. } = &self.subject {
            context.extend(extensions.clone());
        }
    }

    /// Returns the name of the function that is called.
    pub fn function(&self) -> &str {
        &self.origin.function
    }

    /// Returns the kind of the function.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the head of the request, without its body; none for an event that was delivered.
    ///
    /// After the function it is as the function got it.
    ///
    /// ```
    /// # use functions_framework::hooks::Invocation;
    /// fn agent(invocation: &Invocation) -> Option<&str> {
    ///     invocation.request()?.headers.get("user-agent")?.to_str().ok()
    /// }
    /// ```
    pub fn request(&self) -> Option<&Parts> {
        match &self.subject {
            Subject::Request(head) => Some(head),
            Subject::Delivery { .. } => None,
        }
    }

    /// Returns the head of the request to change it before the function sees it.
    ///
    /// Which function is called, and with what path variables, is decided already.
    ///
    /// ```
    /// # use functions_framework::{Error, Result, hooks::Invocation};
    /// fn stamp(invocation: &mut Invocation) -> Result<()> {
    ///     if let Some(head) = invocation.request_mut() {
    ///         head.headers.insert("x-stamp", "1".parse()?);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn request_mut(&mut self) -> Option<&mut Parts> {
        match &mut self.subject {
            Subject::Request(head) => Some(head),
            Subject::Delivery { .. } => None,
        }
    }

    /// Returns the context that the function gets with an event, to send and keep as the function does.
    ///
    /// There is none for a request: the context is then made of it, with its body, after the hooks.
    pub const fn context(&self) -> Option<&Context> {
        match &self.subject {
            Subject::Request(_) => None,
            Subject::Delivery { context, .. } => Some(context),
        }
    }

    /// Returns the input that an event was delivered to.
    pub fn input(&self) -> Option<&Input> {
        self.context()?.input()
    }

    /// Returns the event that was delivered, where it is a CloudEvent.
    pub fn event(&self) -> Option<&Event> {
        self.context()?.event()
    }

    /// Returns the payload that was delivered.
    pub const fn payload(&self) -> Option<&Bytes> {
        match &self.subject {
            Subject::Request(_) => None,
            Subject::Delivery { payload, .. } => Some(payload),
        }
    }

    /// Returns what hooks have left for each other and for the function, by its type.
    pub fn extensions(&self) -> &Extensions {
        match &self.subject {
            Subject::Request(head) => &head.extensions,
            Subject::Delivery { extensions, .. } => extensions,
        }
    }

    /// Returns the place to leave something, one value of a type.
    ///
    /// An HTTP function takes it with axum's `Extension`, an OpenFunction function with
    /// [`Context::extension`](crate::Context::extension). To a CloudEvent function a hook can give headers only.
    ///
    /// ```
    /// use functions_framework::{Result, axum::Extension, function, hooks::{Hook, Invocation}, testing};
    ///
    /// #[derive(Clone)]
    /// struct User(&'static str);
    ///
    /// #[derive(Clone)]
    /// struct Login;
    ///
    /// impl Hook for Login {
    ///     fn name(&self) -> &str { "login" }
    ///     async fn before(&mut self, invocation: &mut Invocation) -> Result<()> {
    ///         invocation.extensions_mut().insert(User("ada"));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// #[function(main = false)]
    /// async fn who(Extension(User(name)): Extension<User>) -> &'static str { name }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// assert_eq!(testing::http(who {}).hook(Login).get("/").await.text(), "ada");
    /// # }
    /// ```
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        match &mut self.subject {
            Subject::Request(head) => &mut head.extensions,
            Subject::Delivery { extensions, .. } => extensions,
        }
    }

    /// Returns another hook of this invocation, by its name and its type.
    ///
    /// None where no hook of this name runs or it is of another type, and for the one that is running, which is `self`.
    ///
    /// ```
    /// use functions_framework::{Result, hooks::{Hook, Invocation, Outcome}};
    ///
    /// #[derive(Clone, Default)]
    /// struct Count(u32);
    /// impl Hook for Count {
    ///     fn name(&self) -> &str { "count" }
    /// }
    ///
    /// #[derive(Clone)]
    /// struct Report;
    /// impl Hook for Report {
    ///     fn name(&self) -> &str { "report" }
    ///     async fn after(&mut self, invocation: &Invocation, _: &mut Outcome) -> Result<()> {
    ///         println!("{}", invocation.hook::<Count>("count").map_or(0, |count| count.0));
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn hook<T: Hook>(&self, name: &str) -> Option<&T> {
        let slot = self.live.iter().find(|slot| *slot.name == *name)?;
        let hook: &dyn Any = &**slot.hook.as_ref()?;
        hook.downcast_ref()
    }

    /// Returns another hook of this invocation to change it, by its name and its type.
    pub fn hook_mut<T: Hook>(&mut self, name: &str) -> Option<&mut T> {
        let slot = self.live.iter_mut().find(|slot| *slot.name == *name)?;
        let hook: &mut dyn Any = &mut **slot.hook.as_mut()?;
        hook.downcast_mut()
    }
}

fn empty() -> Parts {
    Request::new(()).into_parts().0
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hooks: Vec<_> = self.live.iter().map(|slot| &*slot.name).collect();
        let mut shown = f.debug_struct("Invocation");
        shown.field("function", &self.function()).field("kind", &self.kind).field("hooks", &hooks).finish_non_exhaustive()
    }
}
