//! Panics of a function: kept inside its invocation, and remembered with their place.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::{Cell, RefCell},
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    sync::Once,
    task::Poll,
};

use tokio::task::JoinHandle;

use crate::{current, error::printable, telemetry};

/// What is known of a panic.
#[derive(Debug)]
pub(crate) struct Crash {
    /// Who panicked, where it was not the function.
    whose: Option<String>,
    message: String,
    location: Option<String>,
    backtrace: Option<String>,
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(whose) = &self.whose {
            write!(f, "{whose} ")?;
        }
        write!(f, "panicked: {}", self.message)?;
        if let Some(location) = &self.location {
            write!(f, ", at {location}")?;
        }
        if let Some(backtrace) = &self.backtrace {
            write!(f, "\n{backtrace}")?;
        }
        Ok(())
    }
}

impl Crash {
    /// One of which nothing but its message is known.
    const fn saying(message: String) -> Self {
        Self { whose: None, message, location: None, backtrace: None }
    }

    /// Says whose it is.
    pub(super) fn of(mut self, whose: &str) -> Self {
        self.whose = Some(whose.to_owned());
        self
    }

    /// Goes on as the panic it was, to the guard around this one.
    pub(super) fn resume(self) -> ! {
        resume_unwind(Box::new(self))
    }
}

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Crash>> = const { RefCell::new(None) };
}

/// Makes panics inside [`contain`] remember their place instead of printing; others go to the hook that was there before.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Where a panic is the end of the process, nobody comes to tell of it later.
            if !CONTAINED.get() || cfg!(panic = "abort") {
                telemetry::flush();
                return previous(panic);
            }
            // Only with RUST_BACKTRACE set does this take any time.
            let backtrace = Backtrace::capture();
            let crash = Crash {
                whose: None,
                message: printable(&text_of(panic.payload()), 4096).into_owned(),
                location: panic.location().map(ToString::to_string),
                backtrace: (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string()),
            };
            LAST.with_borrow_mut(|last| *last = Some(crash));
        }));
    });
}

/// Runs user code; its panic becomes an error.
pub(crate) fn contain<T>(run: impl FnOnce() -> T) -> Result<T, Crash> {
    // A future that polls another contained one must leave the flag as it was.
    let outer = CONTAINED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    CONTAINED.set(outer);
    result.map_err(|payload| match payload.downcast::<Crash>() {
        // It happened on another thread, which has seen to it already.
        Ok(crash) => *crash,
        Err(payload) => LAST.take().unwrap_or_else(|| Crash::saying(text_of(&*payload))),
    })
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

/// Runs a future as [`contain`] runs a closure.
pub(crate) async fn contained<F: Future>(future: F) -> Result<F::Output, Crash> {
    let mut future = pin!(future);
    poll_fn(|context| match contain(|| future.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(crash) => Poll::Ready(Err(crash)),
    })
    .await
}

/// A task that is taken off the queue of its pool when nobody waits for it any more.
struct Abandoned<T>(JoinHandle<T>);

impl<T> Drop for Abandoned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a function that is not async on a thread that may block; its panic goes on where it is awaited.
pub async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let mut current = current::share();
    let run = move || current::during(&mut current, || contain(run));
    match (&mut Abandoned(tokio::task::spawn_blocking(run)).0).await {
        Ok(Ok(output)) => output,
        Ok(Err(crash)) => crash.resume(),
        // The closure never unwinds, so the task was cancelled: the runtime is going away, and with it whoever waits here.
        Err(cancelled) => Crash::saying(cancelled.to_string()).resume(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_with_its_place_from_any_thread() {
        install_hook();
        let crash = contain(|| panic!("one {}", 1)).unwrap_err().to_string();
        assert!(crash.starts_with("panicked: one 1, at ") && crash.contains("crash.rs:"), "{crash}");
        let elsewhere = tokio::spawn(blocking(|| panic!("two"))).await.map(|never: ()| never).unwrap_err().into_panic();
        let crash = elsewhere.downcast::<Crash>().unwrap().to_string();
        assert!(crash.starts_with("panicked: two, at "), "{crash}");
        assert_eq!(blocking(|| 3).await, 3);
    }

    #[test]
    fn a_contained_panic_does_not_leak_into_the_next() {
        install_hook();
        assert!(contain(|| contain(|| panic!("inner")).is_err()).unwrap());
        let crash = contain(|| resume_unwind(Box::new("silent"))).map(|never: ()| never).unwrap_err();
        assert_eq!(crash.message, "silent");
    }
}
