//! Keeps a log readable while the same fails again and again: an event that a sidecar repeats, a hook of every request.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// The same failure is a line each second: dapr-proxy repeats a failed event every 5 ms for a minute.
const INTERVAL: Duration = Duration::from_secs(1);

/// Different failures are as many lines in that time; many errors have a number or a name in them.
const MOST: u32 = 10;

/// The failures of one input, or of one hook.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    window: Mutex<Option<Window>>,
    /// How many failures were not logged, since the last that was.
    silent: AtomicU64,
}

#[derive(Debug)]
struct Window {
    opened: Instant,
    lines: u32,
    /// Stands for the failure that was logged last.
    reason: u64,
}

impl Repeats {
    /// Notes a failure; tells how many were silent before it when it is to be logged.
    pub(crate) fn failed(&self, now: Instant, why: &str) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        why.hash(&mut hasher);
        let reason = hasher.finish();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *window {
            Some(open) if now.saturating_duration_since(open.opened) < INTERVAL => {
                if open.reason == reason || open.lines >= MOST {
                    self.silent.fetch_add(1, Relaxed);
                    return None;
                }
                open.lines += 1;
                open.reason = reason;
            }
            _ => *window = Some(Window { opened: now, lines: 1, reason }),
        }
        Some(self.silent.swap(0, Relaxed))
    }

    /// Notes a success; tells how many failures nobody has heard of.
    pub(crate) fn succeeded(&self) -> u64 {
        // Nearly always there is none, and a success costs no more than a look.
        if self.silent.load(Relaxed) == 0 { 0 } else { self.silent.swap(0, Relaxed) }
    }

    /// Notes a success where others may fail beside it: it tells of those only after a while, as another failure would.
    pub(crate) fn passed(&self, now: impl FnOnce() -> Instant) -> u64 {
        if self.silent.load(Relaxed) == 0 {
            return 0;
        }
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = |open: &Window| now().saturating_duration_since(open.opened) < INTERVAL;
        if window.as_ref().is_some_and(is_open) { 0 } else { self.silent.swap(0, Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_a_line_a_second_and_nothing_is_uncounted() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(repeats.failed(start, "down"), Some(0));
        for ms in (5..1000).step_by(5) {
            assert_eq!(repeats.failed(at(ms), "down"), None);
        }
        assert_eq!(repeats.failed(at(1000), "down"), Some(199));
        assert_eq!(repeats.succeeded(), 0);
        assert_eq!(repeats.failed(at(1005), "down"), None);
        assert_eq!((repeats.succeeded(), repeats.succeeded()), (1, 0));
    }

    #[test]
    fn a_success_between_failures_tells_of_them_after_a_while() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        assert_eq!((repeats.failed(start, "down"), repeats.passed(|| start)), (Some(0), 0));
        assert_eq!((repeats.failed(start, "down"), repeats.passed(|| start)), (None, 0));
        assert_eq!((repeats.passed(|| start + INTERVAL), repeats.passed(|| start + INTERVAL)), (1, 0));
    }

    #[test]
    fn another_failure_is_another_line_up_to_a_limit() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        for number in 0..MOST {
            assert_eq!(repeats.failed(start, &number.to_string()), Some(0));
        }
        assert_eq!(repeats.failed(start, "one too many"), None);
        assert_eq!(repeats.failed(start + INTERVAL, "later"), Some(1));
    }
}
