//! Values as JSON has them, at the end of a text.

use std::{
    cell::Cell,
    fmt::{self, Write as _},
    time::{SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, SecondsFormat};

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
        // Without the zone. Nobody's clock is past the year 9999, where there would be more digits.
        if let Some(known) = time.to_rfc3339_opts(SecondsFormat::Secs, true).as_bytes().first_chunk() {
            digits = *known;
            SECOND.set((second, digits));
        }
    }
    let mut whole = *b"....-..-..T..:..:...000000Z";
    whole[..19].copy_from_slice(&digits);
    decimals(&mut whole[20..26], now.subsec_micros());
    text.push_str(std::str::from_utf8(&whole).unwrap_or_default());
}

/// Writes a number into as many digits.
fn decimals(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// Writes a whole number.
pub(super) fn whole(text: &mut String, number: u64) {
    match number {
        0..10 => digit(text, number),
        10..1000 => {
            if number >= 100 {
                digit(text, number / 100);
            }
            digit(text, number / 10);
            digit(text, number);
        }
        _ => write(text, number),
    }
}

/// Writes the last digit of a number.
fn digit(text: &mut String, number: u64) {
    text.push(char::from(b'0' + u8::try_from(number % 10).unwrap_or_default()));
}

/// Writes a number; JSON has no name for what is none.
pub(super) fn number(text: &mut String, value: f64) {
    // Milliseconds of three decimals, which most are, need no search for the shortest digits.
    let thousandths = (value * 1e3).round();
    #[expect(clippy::float_cmp, reason = "the same number, or another way")]
    if (0.0..1e9).contains(&thousandths) && thousandths / 1e3 == value {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at")]
        let thousandths = thousandths as u32;
        let rest = u64::from(thousandths % 1000);
        whole(text, u64::from(thousandths / 1000));
        text.push('.');
        digit(text, rest / 100);
        if rest % 100 != 0 {
            digit(text, rest / 10);
            if rest % 10 != 0 {
                digit(text, rest);
            }
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
    let mut rest = part;
    while let Some(at) = first_odd(rest.as_bytes()) {
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

/// Finds the first byte that must be escaped, looking at eight at once.
fn first_odd(bytes: &[u8]) -> Option<usize> {
    let Some((_, last)) = bytes.split_last_chunk::<8>() else {
        return if is_plain(bytes) { None } else { bytes.iter().position(|byte| odd_of_eight([*byte; 8]).is_some()) };
    };
    let (eights, rest) = bytes.as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        if let Some(at) = odd_of_eight(*eight) {
            return Some(index * 8 + at);
        }
    }
    // Some of the last eight were looked at already.
    if rest.is_empty() { None } else { odd_of_eight(*last).map(|at| bytes.len() - 8 + at) }
}

/// Whether none of less than eight bytes must be escaped; some of them are looked at twice.
fn is_plain(bytes: &[u8]) -> bool {
    let mut eight = [b'x'; 8];
    match (bytes, bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (_, Some(first), Some(last)) => {
            eight[..4].copy_from_slice(first);
            eight[4..].copy_from_slice(last);
        }
        (&[one], ..) => eight[0] = one,
        (&[one, two], ..) => eight[..2].copy_from_slice(&[one, two]),
        (&[one, two, three], ..) => eight[..3].copy_from_slice(&[one, two, three]),
        _ => {}
    }
    odd_of_eight(eight).is_none()
}

fn odd_of_eight(eight: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let eight = u64::from_le_bytes(eight);
    // The highest bit of a byte that is below `than`; what is above the first such byte may be marked by mistake.
    let below = |word: u64, than: u64| word.wrapping_sub(ONES * than) & !word & HIGHS;
    let odd = below(eight, 0x20) | below(eight ^ (ONES * 0x22), 1) | below(eight ^ (ONES * 0x5c), 1);
    (odd != 0).then(|| odd.trailing_zeros() as usize / 8)
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
    fn every_byte_is_looked_at_wherever_it_stands() {
        for byte in 0..=0x7f_u8 {
            for place in 0..20 {
                let mut bytes = [b'x'; 20];
                bytes[place] = byte;
                let is_odd = byte < b' ' || byte == b'"' || byte == b'\\';
                assert_eq!(first_odd(&bytes), is_odd.then_some(place), "{byte} at {place}");
            }
        }
        for length in 0..8 {
            assert_eq!(first_odd(&b"abcdefg"[..length]), None);
            for place in 0..length {
                let mut bytes = b"abcdefg"[..length].to_vec();
                bytes[place] = b'"';
                assert_eq!(first_odd(&bytes), Some(place));
            }
        }
        assert_eq!(first_odd("é\u{ffff}ü€éüé\"".as_bytes()), Some("é\u{ffff}ü€éüé".len()));
        for number in [0, 7, 10, 200, 999_999, 1_000_000, u64::MAX] {
            let mut text = String::new();
            whole(&mut text, number);
            assert_eq!(text, number.to_string());
        }
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
