//! Invocations and deliveries. What counts them is looked up at the start, so that each costs a few additions.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::{ANSWERED, DELIVERIES, DURATION, IN_FLIGHT, INVOCATIONS, LAST_EVENT, RECEIVED, WAIT, WAITING};
use crate::{function::Kind, outcome::Verdict, telemetry::How};

/// The invocations of a function, by requests or by one of its inputs.
pub(crate) struct Invocations {
    ended: [Counter; How::ALL.len()],
    duration: Histogram,
    in_flight: Gauge,
    received: Counter,
    answered: Counter,
}

impl Invocations {
    /// Of a function that an input calls; those of requests have none.
    pub(crate) fn of(function: &str, kind: Kind, input: Option<&str>) -> Self {
        let (function, kind, input) = (function.to_owned(), kind.to_string(), input.unwrap_or_default().to_owned());
        let ended = How::ALL.map(|how| {
            counter!(INVOCATIONS, "function" => function.clone(), "kind" => kind.clone(), "input" => input.clone(), "outcome" => how.name())
        });
        let labels = || [("function", function.clone()), ("input", input.clone())];
        Self {
            ended,
            duration: histogram!(DURATION, "function" => function.clone(), "kind" => kind.clone(), "input" => input.clone()),
            in_flight: gauge!(IN_FLIGHT, &labels()),
            received: counter!(RECEIVED, &labels()),
            answered: counter!(ANSWERED, &labels()),
        }
    }

    pub(crate) fn began(&self, received: u64) {
        self.in_flight.increment(1.0);
        self.received.increment(received);
    }

    /// Notes that one that began is over, its answer written to the last byte.
    pub(crate) fn over(&self) {
        self.in_flight.decrement(1.0);
    }

    /// Notes how one ended, and what it answered where that is known.
    pub(crate) fn ended(&self, how: How, started: Instant, answered: impl FnOnce() -> Option<u64>) {
        self.ended[how as usize].increment(1);
        self.duration.record(started.elapsed().as_secs_f64());
        self.answered.increment(answered().unwrap_or_default());
    }
}

/// The events of an input.
pub(crate) struct Deliveries {
    verdicts: [Counter; 3],
    waiting: Gauge,
    wait: Histogram,
    last: Gauge,
}

/// An event that waits, until this is dropped.
pub(crate) struct Waiting<'a>(&'a Deliveries);

impl Deliveries {
    pub(crate) fn of(function: &str, input: &str) -> Self {
        let labels = || [("function", function.to_owned()), ("input", input.to_owned())];
        let verdicts = ["success", "retry", "drop"];
        Self {
            verdicts: verdicts.map(|verdict| {
                counter!(DELIVERIES, "function" => function.to_owned(), "input" => input.to_owned(), "verdict" => verdict)
            }),
            waiting: gauge!(WAITING, &labels()),
            wait: histogram!(WAIT, &labels()),
            last: gauge!(LAST_EVENT, &labels()),
        }
    }

    /// Notes that an event has come, and waits.
    pub(crate) fn came(&self) -> Waiting<'_> {
        self.last.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        self.waiting.increment(1.0);
        Waiting(self)
    }

    /// Notes that one waits no longer.
    pub(crate) fn waited(&self, waiting: Waiting<'_>, time: Duration) {
        drop(waiting);
        self.wait.record(time.as_secs_f64());
    }

    pub(crate) fn judged(&self, verdict: Verdict) {
        self.verdicts[match verdict {
            Verdict::Success => 0,
            Verdict::Retry => 1,
            Verdict::Drop => 2,
        }]
        .increment(1);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.decrement(1.0);
    }
}

impl std::fmt::Debug for Invocations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invocations").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}
