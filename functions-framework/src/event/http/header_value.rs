//! Attribute values in HTTP headers: quotes and percent-encoding (HTTP protocol binding, §3.1.3.2).
//!
//! Sending is by the book. Receiving takes what senders that neither encode nor decode (sdk-go, sdk-java) put there: raw
//! UTF-8, and a `%` that starts no escape.

use std::borrow::Cow;

use crate::event::{ascii, attributes::find_control};

/// Why a header value is no attribute value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invalid {
    NotUtf8,
    Control(char),
}

/// Decodes a header value: quotes first, then one round of percent-decoding.
pub(super) fn decode(raw: &[u8]) -> Result<Cow<'_, str>, Invalid> {
    if raw.first() != Some(&b'"') && ascii::is_literal(raw) {
        return std::str::from_utf8(raw).map(Cow::Borrowed).map_err(|_| Invalid::NotUtf8);
    }
    let text = String::from_utf8(percent_decode(&unquote(raw))).map_err(|_| Invalid::NotUtf8)?;
    match find_control(&text) {
        Some(control) => Err(Invalid::Control(control)),
        None => Ok(Cow::Owned(text)),
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Encodes the bytes of a text: space, `"`, `%` and everything outside `!` to `~` as percent-escapes of its UTF-8 bytes.
pub(super) fn encode(text: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for &byte in text {
        match byte {
            b'"' | b'%' | ..=b' ' | 0x7f.. => {
                encoded.push('%');
                encoded.push(HEX[usize::from(byte >> 4)].into());
                encoded.push(HEX[usize::from(byte & 15)].into());
            }
            _ => encoded.push(byte.into()),
        }
    }
    encoded
}

/// Undoes a quoted-string (RFC 9110 §5.6.4); a value that is not wholly one keeps its quotes, as senders that never quote
/// mean it.
fn unquote(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = raw.strip_prefix(b"\"") else { return Cow::Borrowed(raw) };
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(&escaped) => text.push(escaped),
                None => return Cow::Borrowed(raw),
            },
            b'"' if bytes.as_slice().is_empty() => return Cow::Owned(text),
            b'"' => return Cow::Borrowed(raw),
            byte => text.push(byte),
        }
    }
    Cow::Borrowed(raw)
}

/// Undoes one round of percent-encoding; a `%` without two hex digits after it stays.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => {
                decoded.push(byte);
                rest = tail;
            }
        }
    }
    decoded
}

const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        for (raw, text) in [
            ("plain", "plain"),
            ("", ""),
            ("Euro%20%E2%82%AC", "Euro €"),
            ("Euro%20%e2%82%ac", "Euro €"),
            // Escapes that were not needed are accepted.
            ("%61%62c", "abc"),
            // One round only.
            ("%2520", "%20"),
            // Quotes are undone before escapes.
            (r#""a \"q\" b""#, r#"a "q" b"#),
            (r#""a\%20b""#, "a b"),
            (r#""""#, ""),
            // Quotes that do not wrap the value are part of it.
            (r#"a "q" b"#, r#"a "q" b"#),
            (r#""a" b"#, r#""a" b"#),
            (r#""open"#, r#""open"#),
            (r#""open\"#, r#""open\"#),
            (r"a\b", r"a\b"),
            // What senders that do not encode put there.
            ("100% é", "100% é"),
            ("100%", "100%"),
            ("%e", "%e"),
            ("%zz%4", "%zz%4"),
            ("%%41", "%A"),
            ("a b", "a b"),
            ("日本", "日本"),
        ] {
            assert_eq!(decode(raw.as_bytes()).as_deref(), Ok(text), "{raw}");
        }
    }

    #[test]
    fn broken_utf8_and_controls_are_refused() {
        for raw in ["%C0%A0", "%C0%AF", "%ED%A0%80", "%FF", "%E2%82", "%F4%90%80%80"] {
            assert_eq!(decode(raw.as_bytes()), Err(Invalid::NotUtf8), "{raw}");
        }
        assert_eq!(decode(b"a\xe2\x82"), Err(Invalid::NotUtf8));
        assert_eq!(decode(b"a\xc0\xaf"), Err(Invalid::NotUtf8));
        for (raw, control) in
            [("a%0Ab", '\n'), ("%00", '\0'), ("a\tb", '\t'), ("%7f", '\x7f'), ("%C2%85", '\u{85}'), ("\u{9f}", '\u{9f}')]
        {
            assert_eq!(decode(raw.as_bytes()), Err(Invalid::Control(control)), "{raw}");
        }
    }

    #[test]
    fn what_http_cannot_hold_is_encoded_in_upper_case() {
        for (text, raw) in [
            ("plain!~", "plain!~"),
            ("Euro € 100%", "Euro%20%E2%82%AC%20100%25"),
            (r#"a"b\c"#, r"a%22b\c"),
            ("a\nb", "a%0Ab"),
            ("😀", "%F0%9F%98%80"),
            ("\x7f", "%7F"),
            ("", ""),
        ] {
            assert_eq!(encode(text.as_bytes()), raw);
        }
    }
}
