//! Those who publish.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{LANES, messages, tally::QUIET};

/// How many messages are on their way at most: enough that every fault meets some.
const WINDOW: usize = 500;

/// Publishers, one a lane, each of which tries again until a message is taken.
pub(crate) struct Load {
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Publishes ids from 0 on, those of a lane by what `publisher` makes for it. `kept` says how many have arrived.
    pub(crate) fn start<E: Display, P>(kept: &Arc<AtomicUsize>, mut publisher: impl FnMut(usize) -> P) -> Self
    where
        P: FnMut(usize) -> Result<(), E> + Send + 'static,
    {
        let published = Arc::<AtomicUsize>::default();
        let lanes = (0..LANES).map(|lane| {
            let (mut publish, kept, published) = (publisher(lane), Arc::clone(kept), Arc::clone(&published));
            thread::spawn(move || {
                for id in (lane..messages()).step_by(LANES) {
                    let is_due = || published.load(SeqCst) < kept.load(SeqCst) + WINDOW;
                    patiently(|| is_due().then_some(()).ok_or("what is on its way does not arrive"));
                    patiently(|| publish(id));
                    published.fetch_add(1, SeqCst);
                }
            })
        });
        Self { threads: lanes.collect() }
    }

    /// Waits until all is published; returns how many were.
    pub(crate) fn finished(self) -> usize {
        for thread in self.threads {
            thread.join().expect("a publisher gets rid of its messages");
        }
        messages()
    }
}

/// Tries until it succeeds.
fn patiently<E: Display>(mut attempt: impl FnMut() -> Result<(), E>) {
    let began = Instant::now();
    while let Err(error) = attempt() {
        assert!(began.elapsed() < QUIET, "{error}");
        thread::sleep(Duration::from_millis(5));
    }
}
