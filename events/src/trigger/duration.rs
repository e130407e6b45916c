//! A length of time as Go, Kubernetes and Dapr write it: `60s`, `1m30s`, `500ms`.

use std::time::Duration;

/// Longer than any events would be waited for, and far from what a clock cannot count.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Reads one that is longer than nothing.
///
/// # Errors
/// What was found, and what is expected.
pub(crate) fn read(text: &str) -> Result<Duration, String> {
    let wrong = || format!("is {text:?}, expected a duration such as \"60s\", \"1m30s\" or \"500ms\", up to \"720h\"");
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u32 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        let part = match &rest[..unit] {
            "ms" => Duration::from_millis(number.into()),
            "s" => Duration::from_secs(number.into()),
            "m" => Duration::from_secs(u64::from(number) * 60),
            "h" => Duration::from_secs(u64::from(number) * 3600),
            _ => return Err(wrong()),
        };
        total += part;
        rest = &rest[unit..];
    }
    if total.is_zero() || total > LONGEST { Err(wrong()) } else { Ok(total) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_numbers_with_units() {
        assert_eq!(read("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(read("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(read("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(read("720h"), Ok(LONGEST));
        for text in ["", "0s", "60", "s", "-1s", "1.5s", "1d", "721h", "99999999999s", "1s ", "é"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
