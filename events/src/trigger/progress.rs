//! Who has had an event that comes again, because somebody else did not take it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use functions_framework::Event;

/// So many events that failed in part are known: more than are on their way at once, and few enough to keep.
const MOST: usize = 1024;

/// What makes an event that one: its source and its id.
pub(crate) type Identity = (String, String);

/// The events that failed in part, and who has had each: a subscriber and one of its outputs.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    had: HashMap<Identity, HashSet<(usize, usize)>>,
    /// Oldest first.
    order: VecDeque<Identity>,
}

pub(crate) fn identity(event: &Event) -> Identity {
    (event.source().to_owned(), event.id().to_owned())
}

impl Progress {
    /// Takes out who has had an event before.
    pub(crate) fn take(&self, event: Option<&Identity>) -> HashSet<(usize, usize)> {
        let Some(event) = event else { return HashSet::new() };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let had = known.had.remove(event);
        if had.is_some() {
            known.order.retain(|other| other != event);
        }
        had.unwrap_or_default()
    }

    /// Keeps who has had an event until it comes again.
    pub(crate) fn keep(&self, event: Option<Identity>, had: HashSet<(usize, usize)>) {
        let Some(event) = event.filter(|_| !had.is_empty()) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.had.insert(event.clone(), had).is_none() {
            known.order.push_back(event);
        }
        while known.order.len() > MOST {
            let Some(oldest) = known.order.pop_front() else { break };
            known.had.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_what_is_taken_is_gone() {
        let progress = Progress::default();
        let id = |number: usize| ("/s".to_owned(), number.to_string());
        for number in 0..=MOST {
            progress.keep(Some(id(number)), HashSet::from([(number, 0)]));
        }
        assert!(progress.take(Some(&id(0))).is_empty());
        assert_eq!(progress.take(Some(&id(MOST))), HashSet::from([(MOST, 0)]));
        assert!(progress.take(Some(&id(MOST))).is_empty());
        let known = progress.0.lock().unwrap();
        assert_eq!((known.had.len(), known.order.len()), (MOST - 1, MOST - 1));
    }
}
