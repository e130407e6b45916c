//! Timestamps: RFC 3339, read in any offset and written in UTC.

use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat, Timelike as _, Utc};

/// Reads an RFC 3339 timestamp; one whose year in UTC has other than four digits is none.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let time = match parse_utc(text.as_bytes()) {
        Some(time) => time,
        // Offsets, leap seconds, lower case and everything that is wrong.
        None => DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
    };
    has_four_digits(time).then_some(time)
}

/// Writes a timestamp with as few digits after the second as keep it; `None` when RFC 3339 cannot hold its year.
pub(super) fn format(time: DateTime<Utc>) -> Option<String> {
    if !has_four_digits(time) {
        return None;
    }
    let nanos = time.nanosecond();
    if nanos >= 1_000_000_000 {
        return Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }
    let ([y0, y1], [y2, y3]) = (two(time.year().unsigned_abs() / 100), two(time.year().unsigned_abs() % 100));
    let ([mo0, mo1], [d0, d1]) = (two(time.month()), two(time.day()));
    let ([h0, h1], [mi0, mi1], [s0, s1]) = (two(time.hour()), two(time.minute()), two(time.second()));
    let mut text = Vec::with_capacity(30);
    text.extend_from_slice(&[y0, y1, y2, y3, b'-', mo0, mo1, b'-', d0, d1, b'T', h0, h1, b':', mi0, mi1, b':', s0, s1]);
    match nanos {
        0 => {}
        _ if nanos.is_multiple_of(1_000_000) => fraction(&mut text, nanos / 1_000_000, 3),
        _ if nanos.is_multiple_of(1_000) => fraction(&mut text, nanos / 1_000, 6),
        _ => fraction(&mut text, nanos, 9),
    }
    text.push(b'Z');
    String::from_utf8(text).ok()
}

fn has_four_digits(time: DateTime<Utc>) -> bool {
    (0..=9999).contains(&time.year())
}

/// Reads the form nearly every sender writes, `2026-01-31T12:00:00.123Z`.
pub(super) fn parse_utc(text: &[u8]) -> Option<DateTime<Utc>> {
    let (head, tail) = text.split_first_chunk::<19>()?;
    let [y0, y1, y2, y3, b'-', mo0, mo1, b'-', d0, d1, b'T', h0, h1, b':', mi0, mi1, b':', s0, s1] = *head else { return None };
    let nanos = match tail {
        [b'Z'] => 0,
        [b'.', fraction @ .., b'Z'] if (1..=9).contains(&fraction.len()) => {
            let mut nanos = 0;
            for place in 0..9 {
                nanos = nanos * 10 + fraction.get(place).map_or(Some(0), |&byte| digit(byte))?;
            }
            nanos
        }
        _ => return None,
    };
    let year = pair(y0, y1)? * 100 + pair(y2, y3)?;
    NaiveDate::from_ymd_opt(year.try_into().ok()?, pair(mo0, mo1)?, pair(d0, d1)?)?
        .and_hms_nano_opt(pair(h0, h1)?, pair(mi0, mi1)?, pair(s0, s1)?, nanos)
        .map(|time| time.and_utc())
}

fn pair(tens: u8, ones: u8) -> Option<u32> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

fn digit(byte: u8) -> Option<u32> {
    let value = byte.wrapping_sub(b'0');
    (value < 10).then_some(value.into())
}

/// Appends the last `count` digits, at most nine, of a fraction.
fn fraction(text: &mut Vec<u8>, mut value: u32, count: usize) {
    let mut digits = [b'.'; 10];
    for digit in digits[1..=count].iter_mut().rev() {
        *digit = one(value);
        value /= 10;
    }
    text.extend_from_slice(&digits[..=count]);
}

fn two(value: u32) -> [u8; 2] {
    [one(value / 10), one(value)]
}

fn one(value: u32) -> u8 {
    // A remainder below ten.
    b'0' + (value % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_read_and_written() {
        for (sent, kept) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500Z"),
            ("2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123456Z"),
            ("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456789Z"),
            ("2026-01-31T12:00:00.1234567891Z", "2026-01-31T12:00:00.123456789Z"),
            ("2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"),
            ("2026-01-31t12:00:00z", "2026-01-31T12:00:00Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse(sent).and_then(format).as_deref(), Some(kept), "{sent}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "yesterday",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-13-01T12:00:00Z",
            "2026-02-29T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00.1x2Z",
            "2026-1-31T12:00:00Z",
            "+2026-01-31T12:00:00Z",
            " 2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00Z ",
            "\u{662}026-01-31T12:00:00Z",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_year_of_five_digits_cannot_be_written() {
        assert_eq!(format(DateTime::<Utc>::MAX_UTC), None);
        assert_eq!(format(DateTime::<Utc>::MIN_UTC), None);
    }
}
