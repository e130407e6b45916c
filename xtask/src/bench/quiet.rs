//! Whether others use the machine too: a figure that depends on the clock is worth little then.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::process;
use crate::Result;

/// So many cores may others use, and the machine is quiet all the same.
const QUIET: f64 = 0.15;

/// For so long it is watched.
const WATCHED: Duration = Duration::from_millis(500);

/// Waits for a quiet machine, and not longer than `patience`; returns how many cores others used in the end, if it was too many.
pub(crate) fn wait(patience: Duration) -> Result<Option<f64>> {
    let deadline = Instant::now() + patience;
    loop {
        let (began, before) = (Instant::now(), process::machine_time()?);
        thread::sleep(WATCHED);
        let used = cores(process::machine_time()?.saturating_sub(before), began.elapsed());
        if used < QUIET {
            return Ok(None);
        }
        if Instant::now() >= deadline {
            return Ok(Some(used));
        }
    }
}

/// How many cores it takes to use this much time in that much.
pub(crate) fn cores(used: Duration, within: Duration) -> f64 {
    used.as_secs_f64() / within.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cores_are_used_where_a_second_has_two_of_processor_time() {
        assert!((cores(Duration::from_secs(2), Duration::from_secs(1)) - 2.0).abs() < 1e-9);
        assert!(cores(Duration::ZERO, Duration::ZERO).abs() < 1e-9);
    }
}
