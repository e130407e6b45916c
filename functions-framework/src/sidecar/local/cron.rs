//! Schedules: an event to an input, again and again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{schedule::Schedule, subscriber::queued};
use crate::{
    delivery::{Deliver, Incoming},
    server::crash,
    sidecar::Metadata,
};

/// One input that a schedule calls.
pub(super) struct Clock {
    pub(super) input: String,
    pub(super) schedule: Schedule,
    pub(super) deliver: Deliver,
}

/// The clock may be set, or the machine may sleep: as long as this no look is taken at it.
const LOOK: Duration = Duration::from_secs(30);

impl Clock {
    /// Calls the input until it is told to stop; then waits for the call that goes on.
    pub(super) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut running: Option<JoinHandle<()>> = None;
        let mut missed = 0_u64;
        let mut last = Timestamp::now();
        while let Some(due) = self.schedule.after(last) {
            if !wait_for(due, &mut stop).await {
                break;
            }
            // From now on, not from then: what a sleeping machine has missed is not made up for.
            last = due.max(Timestamp::now());
            if running.as_ref().is_some_and(|task| !task.is_finished()) {
                missed += 1;
                if missed == 1 {
                    tracing::warn!(input = self.input, schedule = %self.schedule, "the function is still busy when its time has come: this call is left out, and so are others until it is done");
                }
                continue;
            }
            if missed > 0 {
                tracing::warn!(input = self.input, missed, "calls were left out while the function was busy");
                missed = 0;
            }
            running = Some(tokio::spawn(Arc::clone(&self).call()));
        }
        if let Some(task) = running
            && let Err(error) = task.await
        {
            tracing::error!(input = self.input, %error, "a call broke off");
        }
    }

    async fn call(self: Arc<Self>) {
        match crash::contained(async { (self.deliver)(&self.input, tick()).await }).await {
            Ok(outcome) if outcome.verdict.is_success() => {}
            // As with Dapr, the next call is the next try.
            Ok(outcome) => tracing::debug!(input = self.input, why = outcome.why, "the scheduled call failed"),
            Err(crash) => tracing::error!(input = self.input, %crash, "the scheduled call failed"),
        }
    }
}

/// What an input gets from a schedule: nothing, and the time.
pub(super) fn tick() -> Incoming {
    let now = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string();
    let metadata = [("timeZone", "Local".to_owned()), ("readTimeUTC", now)];
    let metadata: Metadata = metadata.map(|(name, value)| (name.to_owned(), value)).into();
    Incoming { attempt: Some(1), ..queued(Bytes::new(), metadata) }
}

/// Waits for a time on the clock; false when it is time to stop.
async fn wait_for(due: Timestamp, stop: &mut watch::Receiver<bool>) -> bool {
    loop {
        let left = due.duration_since(Timestamp::now());
        let Ok(left) = Duration::try_from(left) else { return !*stop.borrow() };
        if left.is_zero() {
            return !*stop.borrow();
        }
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return false,
            () = sleep_until(Instant::now() + left.min(LOOK)) => {}
        }
    }
}
