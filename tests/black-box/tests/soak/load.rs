//! Those who publish.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{LANES, messages, tally::QUIET};

/// How many messages are on their way at most: enough that every fault meets some.
const WINDOW: usize = 500;

/// Publishers, one a lane, each of which tries again until a message is taken. They stop when nobody holds this any more.
pub(crate) struct Load {
    threads: Vec<JoinHandle<()>>,
    dropped: Arc<AtomicBool>,
}

impl Load {
    /// Publishes ids from 0 on, those of a lane by what `publisher` makes for it. `kept` says how many have arrived.
    pub(crate) fn start<E: Display, P>(kept: &Arc<AtomicUsize>, mut publisher: impl FnMut(usize) -> P) -> Self
    where
        P: FnMut(usize) -> Result<(), E> + Send + 'static,
    {
        let (taken, dropped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let lanes = (0..LANES).map(|lane| {
            let (kept, taken, dropped) = (Arc::clone(kept), Arc::clone(&taken), Arc::clone(&dropped));
            let mut publish = publisher(lane);
            thread::spawn(move || {
                for id in (lane..messages()).step_by(LANES) {
                    let is_due = || taken.load(SeqCst) < kept.load(SeqCst) + WINDOW;
                    patiently(&dropped, || is_due().then_some(()).ok_or("what is on its way does not arrive"));
                    patiently(&dropped, || publish(id));
                    taken.fetch_add(1, SeqCst);
                }
            })
        });
        Self { threads: lanes.collect(), dropped }
    }

    /// Waits until all is published; returns how many were.
    pub(crate) fn finished(mut self) -> usize {
        for thread in self.threads.drain(..) {
            thread.join().expect("a publisher gets rid of its messages");
        }
        messages()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.dropped.store(true, SeqCst);
    }
}

/// Tries until it succeeds, or nobody wants it any more.
fn patiently<E: Display>(dropped: &AtomicBool, mut attempt: impl FnMut() -> Result<(), E>) {
    let began = Instant::now();
    while let Err(error) = attempt() {
        if dropped.load(SeqCst) {
            return;
        }
        assert!(began.elapsed() < QUIET, "{error}");
        thread::sleep(Duration::from_millis(5));
    }
}
