//! Values as JSON has them, at the end of a text.

use std::{
    cell::Cell,
    fmt::{self, Write as _},
    time::{SystemTime, UNIX_EPOCH},
};

use chrono::DateTime;

thread_local! {
    /// The second that was written last, and how: most lines are of the same.
    static SECOND: Cell<(u64, [u8; 19])> = const { Cell::new((u64::MAX, [0; 19])) };
}

/// Writes the time it is, as RFC 3339 has it.
pub(super) fn time(text: &mut String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (mut second, mut digits) = SECOND.get();
    if second != now.as_secs() {
        second = now.as_secs();
        let time = i64::try_from(second).ok().and_then(|second| DateTime::from_timestamp(second, 0)).unwrap_or_default();
        // Nobody's clock is past the year 9999, where there would be more.
        if let Ok(known) = time.format("%Y-%m-%dT%H:%M:%S").to_string().into_bytes().try_into() {
            digits = known;
            SECOND.set((second, digits));
        }
    }
    text.extend(digits.map(char::from));
    text.push('.');
    decimals(text, now.subsec_micros(), 100_000);
    text.push('Z');
}

/// Writes so many digits of a number, the first of which is worth `worth`.
fn decimals(text: &mut String, number: u32, mut worth: u32) {
    while worth > 0 {
        text.push(char::from(b'0' + u8::try_from(number / worth % 10).unwrap_or_default()));
        worth /= 10;
    }
}

/// Writes a number; JSON has no name for what is none.
pub(super) fn number(text: &mut String, value: f64) {
    // Milliseconds of three decimals, which most are, need no search for the shortest digits.
    let thousandths = (value * 1e3).round();
    #[expect(clippy::float_cmp, reason = "the same number, or another way")]
    if (0.0..1e9).contains(&thousandths) && thousandths / 1e3 == value {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at")]
        let thousandths = thousandths as u32;
        write(text, thousandths / 1000);
        text.push('.');
        match thousandths % 1000 {
            some if some % 100 == 0 => decimals(text, some / 100, 1),
            some if some % 10 == 0 => decimals(text, some / 10, 10),
            some => decimals(text, some, 100),
        }
    } else if value.is_finite() {
        write(text, format_args!("{value:?}"));
    } else {
        text.push_str("null");
    }
}

/// Writes what needs no escapes.
pub(super) fn write(text: &mut String, value: impl fmt::Display) {
    // Writing to a text cannot fail; a value that fails to write itself is as long as it got.
    let _ = write!(text, "{value}");
}

/// Writes what may need escapes.
pub(super) fn write_escaped(text: &mut String, value: impl fmt::Display) {
    struct Escaping<'a>(&'a mut String);
    impl fmt::Write for Escaping<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            escape(self.0, part);
            Ok(())
        }
    }
    let _ = write!(Escaping(text), "{value}");
}

/// Writes a text as it stands between quotes.
pub(super) fn escape(text: &mut String, part: &str) {
    let needs = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    let mut rest = part;
    while let Some(at) = rest.bytes().position(needs) {
        text.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            other => write(text, format_args!("\\u{other:04x}")),
        }
        rest = &rest[at + 1..];
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_number_it_is() {
        for value in [0.0, 0.1, 0.24, 0.211, 1.5, 12.0, 999_999.999, -0.5, 1.0e-7, 0.1234, 1e300, f64::MIN_POSITIVE] {
            let mut text = String::new();
            number(&mut text, value);
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), value.to_bits(), "{text}");
        }
        let mut text = String::new();
        number(&mut text, f64::INFINITY);
        assert_eq!(text, "null");
    }

    #[test]
    fn the_time_is_that_of_the_clock() {
        let mut text = String::new();
        time(&mut text);
        let time = DateTime::parse_from_rfc3339(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let age = SystemTime::now().duration_since(time.into()).unwrap();
        assert!(text.len() == 27 && age.as_secs() < 60, "{text}");
    }

    #[test]
    fn what_json_does_not_take_is_escaped() {
        let mut text = String::new();
        let odd = "\u{0}a\"b\\c\n\r\t\u{1f}\u{7f}é";
        write_escaped(&mut text, odd);
        assert_eq!(serde_json::from_str::<String>(&format!("\"{text}\"")).unwrap(), odd);
    }
}
