//! An event that is made when somebody asks for it: most functions take its data only.

use std::{fmt, sync::LazyLock};

use super::Event;
use crate::current;

/// The event of a delivery, or none.
pub(crate) enum LateEvent {
    Known(Option<Event>),
    Asked(LazyLock<Option<Event>, Make>),
}

type Make = Box<dyn FnOnce() -> Option<Event> + Send>;

impl LateEvent {
    /// Makes it at the first [`get`](Self::get).
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "nothing is delivered"))]
    pub(crate) fn of(make: impl FnOnce() -> Option<Event> + Send + 'static) -> Self {
        // Who logs a line asks for it too, and must not while it is made.
        Self::Asked(LazyLock::new(Box::new(|| current::look(|_| make()))))
    }

    pub(crate) fn get(&self) -> Option<&Event> {
        match self {
            Self::Known(event) => event.as_ref(),
            Self::Asked(event) => event.as_ref(),
        }
    }
}

impl From<Option<Event>> for LateEvent {
    fn from(event: Option<Event>) -> Self {
        Self::Known(event)
    }
}

impl Default for LateEvent {
    fn default() -> Self {
        Self::Known(None)
    }
}

impl fmt::Debug for LateEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    };

    use super::*;

    #[test]
    fn it_is_made_once_and_only_when_it_is_asked_for() {
        let made = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&made);
        let late = LateEvent::of(move || {
            count.fetch_add(1, Relaxed);
            Event::builder().id("1").source("/s").ty("t").build().ok()
        });
        assert_eq!(made.load(Relaxed), 0);
        assert_eq!((late.get().unwrap().id(), late.get().unwrap().ty(), made.load(Relaxed)), ("1", "t", 1));
        assert!(LateEvent::default().get().is_none());
    }
}
