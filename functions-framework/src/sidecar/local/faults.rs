//! How a message that was not taken is tried again, and what may go wrong on purpose.

use std::{fmt, str::FromStr, time::Duration};

use super::{chance::Dice, duration};

/// What may happen to deliveries, so that a test can see how a function takes it.
///
/// Written as `duplicate=0.1,reorder=0.2,delay=50ms,seed=7`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Faults {
    /// The share of messages that come a second time.
    pub(crate) duplicate: f64,
    /// The share of messages that later ones overtake.
    pub(crate) reorder: f64,
    /// How long every message waits.
    pub(crate) delay: Duration,
    /// Makes the choice the same in every run.
    pub(crate) seed: Option<u64>,
}

/// How often and when a message is delivered again.
///
/// Written as `attempts=10,first=100ms,longest=5s`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retry {
    /// How often it is delivered in all.
    pub(crate) attempts: u32,
    /// The wait after the first attempt; it doubles each time.
    pub(crate) first: Duration,
    /// What the wait does not grow beyond.
    pub(crate) longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 10, first: Duration::from_millis(100), longest: Duration::from_secs(5) }
    }
}

impl Retry {
    /// The wait after an attempt, counted from 1: between half and all of what it has doubled to, so that messages which
    /// failed together do not come back together.
    pub(super) fn wait(&self, attempt: u32, dice: &Dice) -> Duration {
        let doubled = 2_u32.checked_pow(attempt.saturating_sub(1)).and_then(|factor| self.first.checked_mul(factor));
        doubled.unwrap_or(self.longest).min(self.longest).mul_f64(0.5 + dice.fraction() / 2.0)
    }
}

impl Faults {
    pub(super) fn dice(&self) -> Dice {
        self.seed.map_or_else(Dice::unknown, Dice::seeded)
    }

    /// How long a message is held back before its first delivery.
    pub(super) fn hold(&self, dice: &Dice) -> Duration {
        let overtaken = self.reorder > 0.0 && dice.fraction() < self.reorder;
        let more = if overtaken { Duration::from_millis(5).mul_f64(1.0 + 9.0 * dice.fraction()) } else { Duration::ZERO };
        self.delay + more
    }

    /// Whether a message that was taken comes again.
    pub(super) fn again(&self, dice: &Dice) -> bool {
        self.duplicate > 0.0 && dice.fraction() < self.duplicate
    }
}

/// Reads `name=value` pairs separated by commas.
fn pairs<'a>(text: &'a str, mut set: impl FnMut(&'a str, &'a str) -> Option<()>) -> Result<(), ()> {
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        pair.split_once('=').and_then(|(name, value)| set(name.trim(), value.trim())).ok_or(())?;
    }
    Ok(())
}

impl FromStr for Faults {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let share = |value: &str| value.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        let mut faults = Self::default();
        pairs(text, |name, value| {
            match name {
                "duplicate" => faults.duplicate = share(value)?,
                "reorder" => faults.reorder = share(value)?,
                "delay" => faults.delay = duration::parse(value).ok()?,
                "seed" => faults.seed = Some(value.parse().ok()?),
                _ => return None,
            }
            Some(())
        })?;
        Ok(faults)
    }
}

impl FromStr for Retry {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut retry = Self::default();
        pairs(text, |name, value| {
            match name {
                "attempts" => retry.attempts = value.parse().ok().filter(|attempts| *attempts > 0)?,
                "first" => retry.first = duration::parse(value).ok()?,
                "longest" => retry.longest = duration::parse(value).ok()?,
                _ => return None,
            }
            Some(())
        })?;
        Ok(retry)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duplicate, reorder, delay, .. } = self;
        write!(f, "duplicate={duplicate},reorder={reorder},delay={delay:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let faults = Faults { duplicate: 0.1, reorder: 1.0, delay: Duration::from_millis(50), seed: Some(7) };
        assert_eq!("duplicate=0.1, reorder=1,delay=50ms,seed=7".parse(), Ok(faults));
        assert_eq!("".parse(), Ok(Faults::default()));
        let retry = Retry { attempts: 3, first: Duration::from_millis(10), longest: Duration::from_secs(1) };
        assert_eq!("attempts=3,first=10ms,longest=1s".parse(), Ok(retry));
        for wrong in ["duplicate=2", "duplicate", "reorder=-1", "delay=x", "lose=1", "duplicate=NaN", "seed=-1"] {
            assert!(wrong.parse::<Faults>().is_err(), "{wrong}");
        }
        for wrong in ["attempts=0", "first=x", "duplicate=1"] {
            assert!(wrong.parse::<Retry>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_wait_doubles_up_to_the_longest_and_varies_by_half() {
        let (retry, dice) = (Retry::default(), Dice::seeded(1));
        for (attempt, millis) in [(1, 100), (2, 200), (3, 400), (6, 3200), (7, 5000), (40, 5000), (u32::MAX, 5000)] {
            for _ in 0..100 {
                let wait = retry.wait(attempt, &dice);
                let most = Duration::from_millis(millis);
                assert!(wait >= most / 2 && wait <= most, "attempt {attempt}: {wait:?}");
            }
        }
    }
}
