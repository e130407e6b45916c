//! Timestamps: RFC 3339, with the offset they were sent with.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, Offset as _, SecondsFormat, TimeZone, Timelike as _, Utc};

use super::attributes::Invalid;
use crate::error::Error;

/// Turns what a program has of a time into the `time` of an event, for [`EventBuilder::time`](super::EventBuilder::time).
///
/// RFC 3339 text, chrono's `DateTime` in any time zone, and the clock of the standard library are one.
///
/// ```
/// use functions_framework::{Event, event::IntoTime as _};
///
/// let builder = Event::builder().id("1").source("/shop").ty("order.placed");
/// assert!(builder.clone().time(std::time::SystemTime::now()).build().is_ok());
/// assert!(builder.time("yesterday").build().is_err());
/// assert_eq!("2026-01-31T12:00:00Z".into_time()?.timestamp(), 1_769_860_800);
/// # Ok::<(), functions_framework::Error>(())
/// ```
pub trait IntoTime {
    /// Makes the time.
    ///
    /// # Errors
    /// A text that is none, and a year that RFC 3339 cannot hold.
    fn into_time(self) -> Result<DateTime<FixedOffset>, Error>;
}

impl IntoTime for &str {
    fn into_time(self) -> Result<DateTime<FixedOffset>, Error> {
        parse(self).ok_or_else(|| Invalid::time(self).failed())
    }
}

impl IntoTime for String {
    fn into_time(self) -> Result<DateTime<FixedOffset>, Error> {
        self.as_str().into_time()
    }
}

impl<Tz: TimeZone> IntoTime for DateTime<Tz> {
    fn into_time(self) -> Result<DateTime<FixedOffset>, Error> {
        writable(self.fixed_offset()).ok_or_else(|| Invalid::year().failed())
    }
}

impl IntoTime for SystemTime {
    fn into_time(self) -> Result<DateTime<FixedOffset>, Error> {
        let time = match self.duration_since(Self::UNIX_EPOCH) {
            Ok(after) => DateTime::UNIX_EPOCH.checked_add_signed(signed(after)?),
            Err(before) => DateTime::UNIX_EPOCH.checked_sub_signed(signed(before.duration())?),
        };
        time.ok_or_else(|| Invalid::year().failed())?.into_time()
    }
}

fn signed(duration: Duration) -> Result<chrono::TimeDelta, Error> {
    chrono::TimeDelta::from_std(duration).map_err(|_| Invalid::year().failed())
}

/// Reads an RFC 3339 timestamp.
pub(crate) fn parse(text: &str) -> Option<DateTime<FixedOffset>> {
    // Offsets, leap seconds, lower case and everything that is wrong are chrono's.
    parse_utc(text.as_bytes()).or_else(|| writable(DateTime::parse_from_rfc3339(text).ok()?))
}

/// Gives the time in an offset that RFC 3339 can write; none when it cannot hold the year.
fn writable(time: DateTime<FixedOffset>) -> Option<DateTime<FixedOffset>> {
    let time = if time.offset().local_minus_utc() % 60 == 0 { time } else { time.to_utc().fixed_offset() };
    let local = time.naive_utc().checked_add_offset(*time.offset())?;
    (0..=9999).contains(&local.year()).then_some(time)
}

/// Writes a time that was read or checked here, with as few digits after the second as keep it.
pub(super) fn format(time: DateTime<FixedOffset>) -> Vec<u8> {
    let local = time.naive_local();
    let nanos = local.nanosecond();
    if nanos >= 1_000_000_000 {
        return time.to_rfc3339_opts(SecondsFormat::AutoSi, true).into_bytes();
    }
    let ([y0, y1], [y2, y3]) = (two(local.year().unsigned_abs() / 100), two(local.year().unsigned_abs() % 100));
    let ([mo0, mo1], [d0, d1]) = (two(local.month()), two(local.day()));
    let ([h0, h1], [mi0, mi1], [s0, s1]) = (two(local.hour()), two(local.minute()), two(local.second()));
    let mut text = Vec::with_capacity(35);
    text.extend_from_slice(&[y0, y1, y2, y3, b'-', mo0, mo1, b'-', d0, d1, b'T', h0, h1, b':', mi0, mi1, b':', s0, s1]);
    match nanos {
        0 => {}
        _ if nanos.is_multiple_of(1_000_000) => fraction(&mut text, nanos / 1_000_000, 3),
        _ if nanos.is_multiple_of(1_000) => fraction(&mut text, nanos / 1_000, 6),
        _ => fraction(&mut text, nanos, 9),
    }
    match time.offset().local_minus_utc() / 60 {
        0 => text.push(b'Z'),
        minutes => {
            let ([h0, h1], [mi0, mi1]) = (two(minutes.unsigned_abs() / 60), two(minutes.unsigned_abs() % 60));
            text.extend_from_slice(&[if minutes < 0 { b'-' } else { b'+' }, h0, h1, b':', mi0, mi1]);
        }
    }
    text
}

/// Reads the form nearly every sender writes, `2026-01-31T12:00:00.123Z`.
pub(super) fn parse_utc(text: &[u8]) -> Option<DateTime<FixedOffset>> {
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
        .map(|time| DateTime::from_naive_utc_and_offset(time, Utc.fix()))
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

    fn text(time: DateTime<FixedOffset>) -> String {
        String::from_utf8(format(time)).unwrap()
    }

    #[test]
    fn timestamps_are_read_and_written() {
        for (sent, kept) in [
            ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500Z"),
            ("2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123456Z"),
            ("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456789Z"),
            ("2026-01-31T12:00:00.1234567891Z", "2026-01-31T12:00:00.123456789Z"),
            ("2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:00Z"),
            ("2026-01-31T12:00:00+02:00", "2026-01-31T12:00:00+02:00"),
            ("2026-01-31T12:00:00.25-09:30", "2026-01-31T12:00:00.250-09:30"),
            ("2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00Z"),
            ("2026-01-31t12:00:00z", "2026-01-31T12:00:00Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("0000-01-01T00:00:00+01:00", "0000-01-01T00:00:00+01:00"),
            ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59-01:00"),
        ] {
            assert_eq!(parse(sent).map(text).as_deref(), Some(kept), "{sent}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for wrong in [
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
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_clocks_of_programs_are_times() {
        let utc = DateTime::from_timestamp(1_769_860_800, 5_000_000).unwrap();
        assert_eq!(text(utc.into_time().unwrap()), "2026-01-31T12:00:00.005Z");
        let offset = |seconds| FixedOffset::east_opt(seconds).unwrap();
        assert_eq!(text(utc.with_timezone(&offset(-3600)).into_time().unwrap()), "2026-01-31T11:00:00.005-01:00");
        // An offset with seconds cannot be written.
        assert_eq!(text(utc.with_timezone(&offset(3601)).into_time().unwrap()), "2026-01-31T12:00:00.005Z");
        assert_eq!(text(SystemTime::from(utc).into_time().unwrap()), "2026-01-31T12:00:00.005Z");
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(500);
        assert_eq!(text(before.into_time().unwrap()), "1969-12-31T23:59:59.500Z");
    }

    #[test]
    fn a_year_of_five_digits_cannot_be_written() {
        for time in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
            for seconds in [0, 3600, -3600] {
                let time = time.with_timezone(&FixedOffset::east_opt(seconds).unwrap());
                assert!(time.into_time().unwrap_err().to_string().contains("year"));
            }
        }
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(400 * 365 * 86_400 * 100);
        assert!(far.into_time().unwrap_err().to_string().contains("year"));
    }
}
