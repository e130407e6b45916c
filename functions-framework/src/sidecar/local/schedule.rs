//! When a cron binding fires: the schedules that Dapr's own takes, to the letter.
//!
//! Five fields (minute, hour, day of the month, month, day of the week) or six with seconds in front; `@hourly` and its
//! kin; `@every 1h30m`; any of them after `TZ=Europe/Berlin` or `CRON_TZ=…`.

use std::{fmt, time::Duration};

use jiff::{Timestamp, ToSpan as _, ZonedDateTime, civil::Time, tz::TimeZone};

use super::duration;

/// When something happens again and again.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    text: String,
    rhythm: Rhythm,
}

#[derive(Debug, Clone)]
enum Rhythm {
    Every(Duration),
    Calendar(Box<Calendar>),
}

/// The times that fit, as sets of bits.
#[derive(Debug, Clone)]
struct Calendar {
    seconds: Set,
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    weekdays: Set,
    zone: TimeZone,
}

#[derive(Debug, Clone, Copy, Default)]
struct Set {
    bits: u64,
    /// Written as `*` or `?`: the day of the month and that of the week then both count, else either.
    star: bool,
}

impl Set {
    const fn has(self, value: i8) -> bool {
        self.bits >> value & 1 == 1
    }
}

/// What a field may say.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const SECOND: Field = Field { name: "second", least: 0, most: 59, names: &[] };
const MINUTE: Field = Field { name: "minute", least: 0, most: 59, names: &[] };
const HOUR: Field = Field { name: "hour", least: 0, most: 23, names: &[] };
const DAY: Field = Field { name: "day of the month", least: 1, most: 31, names: &[] };
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH: Field = Field { name: "month", least: 1, most: 12, names: &MONTHS };
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const WEEKDAY: Field = Field { name: "day of the week", least: 0, most: 6, names: &WEEKDAYS };

/// The names for whole schedules, and what they stand for.
const NAMED: [(&str, &str); 7] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@midnight", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
];

impl Schedule {
    /// Reads a schedule.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (zone, rest) = match text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) {
            None => (TimeZone::system(), text.trim()),
            Some(rest) => {
                let (name, rest) = rest
                    .split_once(char::is_whitespace)
                    .ok_or_else(|| format!("the time zone in {text:?} is not followed by a schedule"))?;
                (TimeZone::get(name).map_err(|error| format!("time zone {name:?}: {error}"))?, rest.trim())
            }
        };
        let rhythm = if let Some(every) = rest.strip_prefix("@every ") {
            let step = duration::parse(every.trim()).map_err(|why| format!("{rest:?}: {why}"))?;
            // What happens more often than that keeps a function busy with nothing else.
            if step < Duration::from_millis(1) {
                return Err(format!("{rest:?}: expected at least a millisecond"));
            }
            Rhythm::Every(step)
        } else if rest.starts_with('@') {
            let known = NAMED.iter().find(|(name, _)| *name == rest);
            let all = || NAMED.map(|(name, _)| name).join(", ");
            let (_, fields) = known.ok_or_else(|| format!("{rest:?}: expected @every with a duration, or one of {}", all()))?;
            Rhythm::Calendar(Box::new(Calendar::parse(fields, zone)?))
        } else {
            Rhythm::Calendar(Box::new(Calendar::parse(rest, zone)?))
        };
        Ok(Self { text: text.to_owned(), rhythm })
    }

    /// The next time after this one; none when there is none within five years.
    pub(super) fn after(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.rhythm {
            Rhythm::Every(step) => now.checked_add(*step).ok(),
            Rhythm::Calendar(calendar) => calendar.after(now),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Calendar {
    fn parse(text: &str, zone: TimeZone) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (second, rest) = match fields.as_slice() {
            rest if rest.len() == 5 => ("0", rest),
            [second, rest @ ..] if rest.len() == 5 => (*second, rest),
            _ => return Err(format!("{text:?} has {} fields: expected 5, or 6 with seconds in front", fields.len())),
        };
        Ok(Self {
            seconds: set(second, &SECOND)?,
            minutes: set(rest[0], &MINUTE)?,
            hours: set(rest[1], &HOUR)?,
            days: set(rest[2], &DAY)?,
            months: set(rest[3], &MONTH)?,
            weekdays: set(rest[4], &WEEKDAY)?,
            zone,
        })
    }

    fn after(&self, now: Timestamp) -> Option<Timestamp> {
        let start = now.to_zoned_datetime(self.zone.clone()).checked_add(1.second()).ok()?;
        let start = start.with().subsec_nanosecond(0).build().ok()?;
        let mut day = start.date();
        let last = day.checked_add(5.years()).ok()?;
        while day <= last {
            if !self.months.has(day.month()) {
                day = day.first_of_month().checked_add(1.month()).ok()?;
                continue;
            }
            if self.fits(day) {
                let from = if day == start.date() { start.clone() } else { day.to_zoned_datetime(self.zone.clone()).ok()? };
                if let Some(time) = self.within(day, &from) {
                    return Some(time);
                }
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn fits(&self, day: jiff::civil::Date) -> bool {
        let (of_month, of_week) = (self.days.has(day.day()), self.weekdays.has(day.weekday().to_sunday_zero_offset()));
        if self.days.star || self.weekdays.star { of_month && of_week } else { of_month || of_week }
    }

    /// The first time of this day, from `from` on. Hours are those that pass, not those on the clock: one that the clock
    /// skips does not come, and one that it shows twice comes twice.
    fn within(&self, day: jiff::civil::Date, from: &ZonedDateTime) -> Option<Timestamp> {
        let mut at = from.clone();
        while at.date() == day {
            let time = Some(at.time()).filter(|time| self.hours.has(time.hour())).and_then(|time| self.within_hour(time));
            let found = time.and_then(|time| at.with().time(time).build().ok());
            if let Some(found) = found.filter(|found| found.hour() == at.hour()) {
                return Some(found.timestamp());
            }
            at = next_hour(&at)?;
        }
        None
    }

    fn within_hour(&self, from: Time) -> Option<Time> {
        let first = from.minute();
        (first..60).filter(|minute| self.minutes.has(*minute)).find_map(|minute| {
            let seconds = if minute == first { from.second()..60 } else { 0..60 };
            let second = seconds.into_iter().find(|second| self.seconds.has(*second))?;
            Time::new(from.hour(), minute, second, 0).ok()
        })
    }
}

/// The beginning of the next hour.
fn next_hour(at: &ZonedDateTime) -> Option<ZonedDateTime> {
    let gone = i64::from(at.minute()) * 60 + i64::from(at.second());
    at.checked_add((3600 - gone).seconds()).ok()
}

fn set(text: &str, field: &Field) -> Result<Set, String> {
    let mut set = Set::default();
    for part in text.split(',') {
        let one = range(part, field).map_err(|why| format!("{}: {part:?}: {why}", field.name))?;
        set = Set { bits: set.bits | one.bits, star: set.star | one.star };
    }
    Ok(set)
}

/// `5`, `mon`, `1-5`, `*`, `?`, each with `/2` for every second one; `5/2` goes on to the end.
fn range(text: &str, field: &Field) -> Result<Set, String> {
    let (span, step) = match text.split_once('/') {
        None => (text, None),
        Some((span, step)) => {
            let step: u32 = step.parse().map_err(|_| "expected a number after the slash".to_owned())?;
            if step == 0 {
                return Err("expected a step from 1".to_owned());
            }
            (span, Some(step))
        }
    };
    let star = matches!(span, "*" | "?");
    let (first, last) = match span.split_once('-') {
        _ if star => (field.least, field.most),
        None => {
            let first = number(span, field)?;
            (first, if step.is_some() { field.most } else { first })
        }
        Some((first, last)) => (number(first, field)?, number(last, field)?),
    };
    if first > last {
        return Err("the range ends before it begins".to_owned());
    }
    let step = step.unwrap_or(1);
    let bits = (first..=last).step_by(step as usize).fold(0, |bits, value| bits | 1 << value);
    Ok(Set { bits, star: star && step == 1 })
}

fn number(text: &str, field: &Field) -> Result<u32, String> {
    let named = field.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let named = named.and_then(|index| u32::try_from(index).ok()).map(|index| index + field.least);
    let value = named.or_else(|| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())));
    value.filter(|value| (field.least..=field.most).contains(value)).ok_or_else(|| {
        let others = if field.names.is_empty() { String::new() } else { format!(" or {}", field.names.join(", ")) };
        format!("expected {} to {}{others}", field.least, field.most)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, now: &str) -> String {
        let now: Timestamp = now.parse().unwrap();
        Schedule::parse(schedule).unwrap().after(now).map_or_else(|| "never".to_owned(), |time| time.to_string())
    }

    #[test]
    fn five_and_six_fields_fire_when_they_say() {
        let utc = |fields: &str, now| next(&format!("TZ=UTC {fields}"), now);
        for (fields, now, expected) in [
            ("* * * * *", "2026-07-09T14:45:00Z", "2026-07-09T14:46:00Z"),
            ("* * * * *", "2026-07-09T14:59:59.9Z", "2026-07-09T15:00:00Z"),
            ("0/15 * * * *", "2026-07-09T15:45:00Z", "2026-07-09T16:00:00Z"),
            ("20-35/15 * * * *", "2026-07-09T15:45:00Z", "2026-07-09T16:20:00Z"),
            ("15/35 20-35/15 * * * *", "2026-07-09T23:35:51Z", "2026-07-10T00:20:15Z"),
            ("30 8 * * mon-fri", "2026-07-10T09:00:00Z", "2026-07-13T08:30:00Z"),
            ("0 0 9 apr-oct ?", "2026-10-09T00:00:00Z", "2027-04-09T00:00:00Z"),
            ("0 0 29 2 *", "2025-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("59 59 23 31 12 *", "2026-07-09T00:00:00Z", "2026-12-31T23:59:59Z"),
            // Day of the month or of the week, unless one of them is a star.
            ("0 0 1,15 * sun", "2026-07-02T00:00:00Z", "2026-07-05T00:00:00Z"),
            ("0 0 * * sun", "2026-07-02T00:00:00Z", "2026-07-05T00:00:00Z"),
            ("0 0 */2 * sun", "2026-07-06T01:00:00Z", "2026-07-07T00:00:00Z"),
            ("0 0 31 2 *", "2026-07-02T00:00:00Z", "never"),
        ] {
            assert_eq!(utc(fields, now), expected, "{fields} after {now}");
        }
    }

    #[test]
    fn names_stand_for_schedules_and_every_counts_from_now() {
        let now = "2026-07-09T14:45:07.5Z";
        assert_eq!(next("TZ=UTC @hourly", now), "2026-07-09T15:00:00Z");
        assert_eq!(next("TZ=UTC @daily", now), "2026-07-10T00:00:00Z");
        assert_eq!(next("TZ=UTC @weekly", now), "2026-07-12T00:00:00Z");
        assert_eq!(next("TZ=UTC @monthly", now), "2026-08-01T00:00:00Z");
        assert_eq!(next("TZ=UTC @annually", now), "2027-01-01T00:00:00Z");
        assert_eq!(next("@every 1h30m", now), "2026-07-09T16:15:07.5Z");
        assert_eq!(next("@every 250ms", now), "2026-07-09T14:45:07.75Z");
    }

    #[test]
    fn the_clock_may_be_elsewhere_and_change_its_time() {
        // Half past two does not come on the day that summer begins, and comes twice when it ends.
        let berlin = "CRON_TZ=Europe/Berlin 30 2 * * *";
        assert_eq!(next(berlin, "2026-03-28T12:00:00Z"), "2026-03-30T00:30:00Z");
        assert_eq!(next(berlin, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next(berlin, "2026-10-25T00:30:00Z"), "2026-10-25T01:30:00Z");
        assert_eq!(next("TZ=America/New_York 0 9 * * *", "2026-07-09T12:00:00Z"), "2026-07-09T13:00:00Z");
        // There is no midnight on the day that summer began in São Paulo.
        assert_eq!(next("TZ=America/Sao_Paulo 0 0 * * *", "2018-11-03T12:00:00Z"), "2018-11-05T02:00:00Z");
        assert_eq!(next("TZ=America/Sao_Paulo 0 * * * *", "2018-11-04T02:30:00Z"), "2018-11-04T03:00:00Z");
    }

    #[test]
    fn a_mistake_is_named() {
        for (text, expected) in [
            ("", "has 0 fields: expected 5"),
            ("* * * *", "has 4 fields"),
            ("* * * * * * *", "has 7 fields"),
            ("60 * * * *", "minute: \"60\": expected 0 to 59"),
            ("* * * * 7", "day of the week: \"7\": expected 0 to 6 or sun, mon"),
            ("* * 0 * *", "day of the month: \"0\": expected 1 to 31"),
            ("5-1 * * * *", "ends before it begins"),
            ("*/0 * * * *", "a step from 1"),
            ("*/x * * * *", "a number after the slash"),
            ("-1 * * * *", "minute"),
            ("1,,2 * * * *", "minute: \"\""),
            ("@often", "expected @every with a duration"),
            ("@every", "expected @every with a duration"),
            ("@every soon", "expected a duration"),
            ("@every 0s", "at least a millisecond"),
            ("TZ=UTC", "not followed by a schedule"),
            ("TZ=Atlantis/Deep * * * * *", "time zone \"Atlantis/Deep\""),
        ] {
            let error = Schedule::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn what_comes_next_is_later_and_fits() {
        let schedule = Schedule::parse("TZ=UTC */7 3,17 */5 * *").unwrap();
        let mut now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        for _ in 0..2000 {
            let then = schedule.after(now).unwrap();
            assert!(then > now);
            let civil = then.to_zoned_datetime(TimeZone::UTC);
            assert_eq!((civil.second(), civil.minute() % 7, (civil.day() - 1) % 5), (0, 0, 0), "{then}");
            assert!([3, 17].contains(&civil.hour()), "{then}");
            now = then;
        }
    }
}
