//! Every open connection, watched from one place: who is slow, who is idle, and whom to tell that the end has come.
//!
//! A timer for each request would cost more than the request. Here a connection only counts what it does, in atomics that
//! one thread reads now and then; a connection that made no progress between two looks is closed. So a limit holds with a
//! quarter of itself as tolerance, and a request pays a few additions for it. It is a thread and not a task because a timer
//! that is always set makes tokio read the clock whenever a worker goes to sleep: a few per cent of a small request.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, Once, OnceLock, PoisonError,
        atomic::{
            AtomicBool, AtomicU8, AtomicU32, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed},
        },
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use http::Version;
use pin_project_lite::pin_project;
use tokio::sync::Notify;

use super::protocol::PREFACE;

/// What one connection does, told by itself and read by [`Connections`].
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Bytes have come that are not yet part of a request.
    reading: AtomicBool,
    /// Speaks HTTP/2, where bytes between requests are housekeeping and no half a head.
    multiplexed: AtomicBool,
    /// Bytes have gone out since the last look.
    wrote: AtomicBool,
    /// Requests begun.
    begun: AtomicU64,
    /// Requests whose answer is not yet handed over.
    in_flight: AtomicU32,
    /// Bytes wait for a client that does not read.
    blocked: AtomicBool,
    /// What the connection is asked to do: nothing, finish, or end.
    order: AtomicU8,
    /// What `begun` was when the order was given.
    ordered_at: AtomicU64,
    /// Whose turn it is: see [`Driven`].
    turn: AtomicU8,
    /// Set at the first poll of the connection's task, whose waker stays the same.
    waker: OnceLock<Waker>,
}

const WAITING: u8 = 0;
/// It is being polled: a wake is for the poll to see.
const POLLED: u8 = 1;
/// It was woken since the last poll began.
const WOKEN: u8 = 2;

const FINISH: u8 = 1;
const END: u8 = 2;

impl Activity {
    pub(crate) fn begin(self: &Arc<Self>, version: Version) -> InFlight {
        self.multiplexed.store(version == Version::HTTP_2, Relaxed);
        self.begun.fetch_add(1, Relaxed);
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(Arc::clone(self))
    }

    /// Tells what a read has brought.
    pub(super) fn read(&self, bytes: &[u8]) {
        self.reading.store(true, Relaxed);
        // A client may open a connection of h2 ahead of its first request.
        if self.begun.load(Relaxed) == 0 && bytes.starts_with(PREFACE) {
            self.multiplexed.store(true, Relaxed);
        }
    }

    /// Tells whether the client took what was written.
    pub(super) fn wrote(&self, taken: bool) {
        self.blocked.store(!taken, Relaxed);
        if taken {
            self.wrote.store(true, Relaxed);
        }
    }

    fn ask(&self, order: u8) {
        self.ordered_at.store(self.begun.load(Relaxed), Relaxed);
        self.order.fetch_max(order, AcqRel);
        self.notify();
    }

    /// What to do now. A connection that has begun a request since it was told to end is no longer late, and only finishes.
    fn order(&self) -> u8 {
        match self.order.load(Acquire) {
            END if self.ordered_at.load(Relaxed) != self.begun.load(Relaxed) => FINISH,
            order => order,
        }
    }

    fn notify(&self) {
        let before = self.turn.fetch_or(WOKEN, AcqRel);
        if before & POLLED == 0
            && let Some(waker) = self.waker.get()
        {
            waker.wake_by_ref();
        }
    }
}

impl Wake for Activity {
    fn wake(self: Arc<Self>) {
        self.notify();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.notify();
    }
}

/// A request that is being answered, until the last byte of the answer was handed over.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        // What was read up to here belonged to this request.
        self.0.reading.store(false, Relaxed);
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// To send the head of a request, or the first byte of the first one.
    pub(crate) head: Duration,
    /// To begin another request.
    pub(crate) idle: Duration,
}

/// All open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    /// Rings when the first connection comes.
    came: Condvar,
    /// Rings when the last connection goes.
    went: Notify,
    patience: Patience,
    watched: Once,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Watched>,
}

#[derive(Debug)]
struct Watched {
    activity: Arc<Activity>,
    /// `begun` at the last look.
    seen: u64,
    /// Looks in a row without progress.
    still: u32,
    /// Whether half a head was there at the last look.
    half: bool,
}

impl Connections {
    pub(crate) fn new(patience: Patience) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), came: Condvar::new(), went: Notify::new(), patience, watched: Once::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing panics while it is held.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open(self: &Arc<Self>) -> Registered {
        let activity = Arc::new(Activity::default());
        let mut open = self.lock();
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, Watched { activity: Arc::clone(&activity), seen: 0, still: 0, half: false });
        let first = open.connections.len() == 1;
        drop(open);
        if first {
            self.came.notify_one();
            self.watched.call_once(|| self.watch());
        }
        Registered { id, activity, all: Arc::clone(self) }
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().connections.len()
    }

    /// Returns once no connection is open.
    pub(crate) async fn all_closed(&self) {
        loop {
            let went = self.went.notified();
            if self.count() == 0 {
                return;
            }
            went.await;
        }
    }

    /// Asks every connection to answer what it has begun and then close.
    pub(crate) fn finish(&self) {
        for watched in self.lock().connections.values() {
            watched.activity.ask(FINISH);
        }
    }

    /// The time between two looks.
    pub(crate) fn interval(&self) -> Duration {
        (self.patience.head.min(self.patience.idle) / 4).max(Duration::from_millis(10))
    }

    /// Starts to look after the connections, for the life of the process.
    fn watch(self: &Arc<Self>) {
        let interval = self.interval();
        let looks = |patience: Duration| u32::try_from(patience.as_millis() / interval.as_millis()).unwrap_or(u32::MAX);
        let (head, idle) = (looks(self.patience.head), looks(self.patience.idle));
        let all = Arc::downgrade(self);
        let watch = move || {
            while let Some(connections) = all.upgrade() {
                // A process nobody talks to sleeps.
                let open = connections.came.wait_while(connections.lock(), |open| open.connections.is_empty());
                drop(open.unwrap_or_else(PoisonError::into_inner));
                // One look for all that are open, instead of a timer for each.
                std::thread::sleep(interval);
                for watched in connections.lock().connections.values_mut() {
                    watched.look(head, idle);
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("connections".to_owned()).spawn(watch) {
            tracing::error!(%error, "slow and idle connections are not closed: no thread to watch them");
        }
    }
}

impl Watched {
    fn look(&mut self, head: u32, idle: u32) {
        let activity = &*self.activity;
        let begun = activity.begun.load(Relaxed);
        let wrote = activity.wrote.swap(false, Relaxed);
        let in_flight = activity.in_flight.load(Relaxed) > 0;
        if in_flight {
            // Whoever waits there may set a timer now: see `Running`.
            activity.notify();
        }
        // The time for a head begins with its first byte.
        let half = activity.reading.load(Relaxed) && !activity.multiplexed.load(Relaxed) && !in_flight;
        let head_began = half && !std::mem::replace(&mut self.half, half);
        let stalled = activity.blocked.load(Relaxed);
        if begun != self.seen || wrote || head_began || (in_flight && !stalled) {
            (self.seen, self.still) = (begun, 0);
            return;
        }
        self.still = self.still.saturating_add(1);
        let never_began = begun == 0 && !activity.multiplexed.load(Relaxed);
        if ((half || never_began) && self.still > head) || (stalled && self.still > idle) {
            activity.ask(END);
        } else if self.still > idle {
            // Told to finish but still there after as long again: something is stuck.
            activity.ask(if self.still > idle.saturating_mul(2) { END } else { FINISH });
        }
    }
}

/// The place of a connection among all; leaving is dropping it.
#[derive(Debug)]
pub(crate) struct Registered {
    id: u64,
    pub(crate) activity: Arc<Activity>,
    all: Arc<Connections>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut open = self.all.lock();
        open.connections.remove(&self.id);
        if open.connections.is_empty() {
            self.all.went.notify_waiters();
        }
    }
}

pin_project! {
    /// Drives a connection and does what its [`Activity`] is asked.
    ///
    /// A function that reads a body wakes the connection it is a part of while that is being polled. Handing such a wake to
    /// the runtime costs as much as parsing the event, so it is taken here: the connection is polled once more at once.
    pub(crate) struct Driven<C> {
        #[pin]
        connection: C,
        activity: Arc<Activity>,
        waker: Waker,
        finishing: bool,
    }
}

impl<C> Driven<C> {
    pub(crate) fn new(connection: C, activity: Arc<Activity>) -> Self {
        let waker = Waker::from(Arc::clone(&activity));
        Self { connection, activity, waker, finishing: false }
    }
}

/// A connection that can be asked to finish.
pub(crate) trait Ending: Future {
    fn finish(self: Pin<&mut Self>);
}

impl<C: Ending> Future for Driven<C> {
    type Output = Option<C::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let activity = &**this.activity;
        let task = activity.waker.get_or_init(|| context.waker().clone());
        let mut context = Context::from_waker(this.waker);
        // Once more when it was woken meanwhile, and no oftener: other connections want their turn too.
        for _ in 0..2 {
            activity.turn.swap(POLLED, AcqRel);
            match activity.order() {
                0 => {}
                END => return Poll::Ready(None),
                _ if *this.finishing => {}
                _ => {
                    *this.finishing = true;
                    this.connection.as_mut().finish();
                }
            }
            if let Poll::Ready(ended) = this.connection.as_mut().poll(&mut context) {
                return Poll::Ready(Some(ended));
            }
            if activity.turn.compare_exchange(POLLED, WAITING, AcqRel, Acquire).is_ok() {
                return Poll::Pending;
            }
        }
        activity.turn.swap(WAITING, AcqRel);
        task.wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    const PATIENCE: Patience = Patience { head: Duration::from_secs(2), idle: Duration::from_secs(20) };
    const HEAD: u32 = 4;
    const IDLE: u32 = 40;

    /// Looks at a connection so often, and tells what it was asked then.
    fn order_after(watched: &mut Watched, looks: u32) -> u8 {
        for _ in 0..looks {
            watched.look(HEAD, IDLE);
        }
        watched.activity.order.load(Relaxed)
    }

    fn opened() -> Watched {
        Watched { activity: Arc::default(), seen: 0, still: 0, half: false }
    }

    #[test]
    fn who_never_begins_is_cut_off() {
        assert_eq!(order_after(&mut opened(), HEAD), 0);
        assert_eq!(order_after(&mut opened(), HEAD + 1), END);
    }

    #[test]
    fn who_stops_in_the_middle_of_a_head_is_cut_off() {
        let mut watched = opened();
        drop(watched.activity.begin(Version::HTTP_11));
        assert_eq!(order_after(&mut watched, HEAD + 2), 0, "idle is not slow");
        watched.activity.reading.store(true, Relaxed);
        assert_eq!(order_after(&mut watched, HEAD + 1), 0, "its time begins with the first byte");
        assert_eq!(order_after(&mut watched, 1), END);
        let _begun = watched.activity.begin(Version::HTTP_11);
        assert_eq!(watched.activity.order(), FINISH, "the head came after all");
    }

    #[test]
    fn a_client_that_reads_slowly_is_served_and_one_that_stops_is_not() {
        let mut watched = opened();
        let _in_flight = watched.activity.begin(Version::HTTP_11);
        watched.activity.blocked.store(true, Relaxed);
        for _ in 0..10 {
            watched.activity.wrote.store(true, Relaxed);
            assert_eq!(order_after(&mut watched, IDLE / 2), 0);
        }
        assert_eq!(order_after(&mut watched, IDLE + 1), END);
    }

    #[test]
    fn h2_may_be_opened_ahead_of_its_first_request() {
        let mut watched = opened();
        watched.activity.multiplexed.store(true, Relaxed);
        assert_eq!(order_after(&mut watched, IDLE), 0);
        assert_eq!(order_after(&mut watched, 1), FINISH);
    }

    #[test]
    fn who_is_idle_is_asked_to_finish_and_then_made_to() {
        let mut watched = opened();
        drop(watched.activity.begin(Version::HTTP_2));
        watched.activity.reading.store(true, Relaxed);
        assert_eq!(order_after(&mut watched, IDLE), 0, "in h2 bytes between requests are housekeeping");
        assert_eq!(order_after(&mut watched, 3), FINISH);
        assert_eq!(order_after(&mut watched, IDLE), END);
    }

    #[test]
    fn a_long_request_is_left_alone() {
        let mut watched = opened();
        let in_flight = watched.activity.begin(Version::HTTP_11);
        assert_eq!(order_after(&mut watched, 10 * IDLE), 0);
        drop(in_flight);
        assert_eq!(order_after(&mut watched, IDLE), 0, "its end is progress");
    }

    #[tokio::test]
    async fn a_wake_during_a_poll_is_not_lost() {
        let connections = Connections::new(PATIENCE);
        let registered = connections.open();
        let activity = Arc::clone(&registered.activity);
        assert_eq!(connections.count(), 1);
        // Outside of a poll the task is woken; inside, the poll is told.
        assert_eq!(activity.turn.load(Relaxed), WAITING);
        activity.turn.store(POLLED, Relaxed);
        activity.notify();
        assert_eq!(activity.turn.load(Relaxed), POLLED | WOKEN);
        drop(registered);
        connections.all_closed().await;
    }

    /// A connection to whose poll an order comes.
    struct OrderedWhilePolled(Arc<Activity>, bool);

    impl Future for OrderedWhilePolled {
        type Output = Result<(), io::Error>;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            self.0.ask(FINISH);
            if self.1 { Poll::Ready(Ok(())) } else { Poll::Pending }
        }
    }

    impl Ending for OrderedWhilePolled {
        fn finish(mut self: Pin<&mut Self>) {
            self.1 = true;
        }
    }

    #[tokio::test]
    async fn an_order_during_a_poll_is_not_lost() {
        let activity = Arc::<Activity>::default();
        let driven = Driven::new(OrderedWhilePolled(Arc::clone(&activity), false), activity);
        tokio::time::timeout(Duration::from_secs(5), tokio::spawn(driven)).await.expect("it finished").unwrap();
    }
}
