//! What runs before and after every function: identity, audit, whatever is the same for all of them.
//!
//! A [`Hook`] is registered in code, `main!(hello; hooks = [Audit])` or [`App::hook`](crate::App::hook). Which of the registered
//! hooks run, and in what order, is configuration: `preHooks` and `postHooks` of OpenFunction's function context (`hooks` of a
//! Function manifest, `plugins` in its older form) or, over these, `FUNCTION_HOOKS`. Where nobody has declared anything, no
//! context and no manifest, all of them run: first to last before the function, last to first after it.
//!
//! They run around functions of all kinds, called by requests and by events.
//!
//! ```
//! use std::time::Instant;
//! use functions_framework::{Error, Result, function, hooks::{Hook, Invocation, Outcome}, testing};
//!
//! #[derive(Clone, Default)]
//! struct Audit { began: Option<Instant> }
//!
//! impl Hook for Audit {
//!     fn name(&self) -> &str { "audit" }
//!
//!     async fn before(&mut self, invocation: &mut Invocation) -> Result<()> {
//!         self.began = Some(Instant::now());
//!         Ok(())
//!     }
//!
//!     async fn after(&mut self, invocation: &Invocation, outcome: &mut Outcome) -> Result<()> {
//!         println!("{}: {} after {:?}", invocation.function(), outcome.status(), self.began.map(|began| began.elapsed()));
//!         Ok(())
//!     }
//! }
//!
//! #[function(main = false)]
//! async fn hello() -> &'static str { "Hello!\n" }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! assert_eq!(testing::http(hello {}).hook(Audit::default()).get("/").await.text(), "Hello!\n");
//! # }
//! ```
//!
//! # One invocation
//!
//! 1. Each invocation has instances of its own, which live until it ends: what `before` keeps in `self`, `after` finds there.
//! 2. The `before`s run in their order. The first that fails stops the invocation: the function is not called, and the error is
//!    the outcome.
//! 3. The function runs.
//! 4. The `after`s run in their order, also when the function failed, panicked or took too long, but not of a hook whose own
//!    `before` failed or was not reached. An `after` that fails makes a success a failure; of several failures the first counts
//!    and the others are logged. A streamed body is written after that.
//!
//! `FUNCTION_HOOK_ERRORS=log` lets an invocation go on where a hook fails. A panic of a hook is a failure of it, and no outage.
//! `FUNCTION_TIMEOUT` holds for the `before`s and the function together, and for the `after`s once more.
//!
//! A client that goes away ends its invocation where it is, without any `after`: there is no outcome. What must be undone in any
//! case is undone by `Drop`.

pub(crate) mod choice;
mod invocation;
mod outcome;
pub(crate) mod register;

use std::future::{Future, ready};

pub use invocation::Invocation;
pub use outcome::Outcome;
pub(crate) use outcome::{Answer, End};

use crate::{error::Result, repeats::Repeats};
use invocation::Live;
use register::Registered;

/// Runs before and after functions.
///
/// Both methods are plain `async fn`; what a hook does not need it leaves out. It is `Sync` for others to look at it, by
/// [`Invocation::hook`].
///
/// ```
/// use functions_framework::{Error, Result, hooks::{Hook, Invocation}, http::StatusCode};
///
/// #[derive(Clone)]
/// struct Key(&'static str);
///
/// impl Hook for Key {
///     fn name(&self) -> &str { "key" }
///
///     async fn before(&mut self, invocation: &mut Invocation) -> Result<()> {
///         let given = invocation.request().and_then(|head| head.headers.get("x-key"));
///         if given.is_some_and(|key| key == self.0) { Ok(()) } else { Err(Error::status(StatusCode::UNAUTHORIZED, "no key")) }
///     }
/// }
/// ```
pub trait Hook: Send + Sync + 'static {
    /// Returns the name by which configuration and other hooks know it.
    fn name(&self) -> &str;

    /// Runs before the function.
    ///
    /// # Errors
    /// What the invocation fails with: the function is not called.
    fn before(&mut self, invocation: &mut Invocation) -> impl Future<Output = Result<()>> + Send {
        let _ = invocation;
        ready(Ok(()))
    }

    /// Runs after the function, whatever became of it.
    ///
    /// # Errors
    /// What the invocation fails with, unless it has failed already.
    fn after(&mut self, invocation: &Invocation, outcome: &mut Outcome) -> impl Future<Output = Result<()>> + Send {
        let _ = (invocation, outcome);
        ready(Ok(()))
    }
}

/// What becomes of an invocation where a hook fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OnError {
    /// It fails too.
    #[default]
    Fail,
    /// It goes on, and the log has the error.
    Log,
}

/// The hooks that run around every function of a process.
#[derive(Debug)]
pub(crate) struct Hooks {
    /// Each once.
    registered: Vec<Registered>,
    /// In the order in which they run, by their index.
    pub(crate) before: Vec<usize>,
    pub(crate) after: Vec<usize>,
    pub(crate) on_error: OnError,
}

impl Hooks {
    pub(crate) fn name(&self, index: usize) -> &str {
        self.registered[index].name()
    }

    /// The failures of one that the log has to tell of.
    pub(crate) fn failures(&self, index: usize) -> &Repeats {
        &self.registered[index].failures
    }

    /// Makes the instances of one invocation; runs user code.
    fn instances(&self) -> Live {
        self.registered.iter().map(Registered::instance).collect()
    }
}
