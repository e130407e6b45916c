//! Durations as components write them: Go's way, `1h30m`, `250ms`, `1.5s`; a number alone is seconds.

use std::time::Duration;

const UNITS: [(&str, f64); 7] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// Longer than anything that runs: adding it to a clock does not overflow.
const LONGEST: f64 = 100.0 * 366.0 * 86_400.0;

/// Reads a duration.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?}: expected a duration such as 1h30m, 10s or 250ms");
    if text.is_empty() {
        return Err(expected());
    }
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| expected())?;
        if after.is_empty() && digits == text.len() {
            seconds = number;
            break;
        }
        let letters = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
        seconds += number * size;
        rest = after;
    }
    if seconds > LONGEST {
        return Err(format!("{text:?}: expected less than a century"));
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_writes_is_read() {
        for (text, millis) in [("1h30m", 5_400_000), ("10s", 10_000), ("250ms", 250), ("1.5s", 1500), ("0s", 0), ("5", 5000)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("2us"), Ok(Duration::from_micros(2)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "s", "-1s", "1d", "1h30", "1..5s", "soon", " 1s", "1e3s", "9999999999h", "."] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
