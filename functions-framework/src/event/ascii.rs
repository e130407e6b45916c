//! Looks at eight bytes at a time: attribute values are short and nearly always plain.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// Tells whether every byte is from space to `~`, and none is `%`: a header value without them means itself.
pub(super) fn is_literal(bytes: &[u8]) -> bool {
    !any(bytes, |word| not_printable(word) | equal(word, b'%'))
}

/// Tells whether every byte is from space to `~`.
pub(super) fn is_printable(bytes: &[u8]) -> bool {
    !any(bytes, not_printable)
}

/// Tells whether every byte may stand in a header value as it is: `!` to `~` without `"` and `%`.
pub(super) fn is_unescaped(bytes: &[u8]) -> bool {
    // Padding must pass the test, and a space does not: `any` pads with `!`.
    !any(bytes, |word| (word & TOPS) | below(word, b'!') | equal(word, 0x7f) | equal(word, b'"') | equal(word, b'%'))
}

const fn not_printable(word: u64) -> u64 {
    (word & TOPS) | below(word, b' ') | equal(word, 0x7f)
}

/// Is zero unless some byte of `word` is below `limit`; which one it is cannot be told, for a borrow wanders.
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & TOPS
}

/// Is zero unless some byte of `word` is `byte`.
const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}

fn any(bytes: &[u8], test: impl Fn(u64) -> u64) -> bool {
    let word = |chunk: &[u8; 8]| test(u64::from_ne_bytes(*chunk));
    let (chunks, rest) = bytes.as_chunks::<8>();
    let found = chunks.iter().fold(0, |found, chunk| found | word(chunk));
    if rest.is_empty() {
        return found != 0;
    }
    // The last eight bytes again, some of them a second time, cost less than the rest one by one.
    let last = if let Some(chunk) = bytes.last_chunk::<8>() {
        word(chunk)
    } else {
        let mut chunk = [b'!'; 8];
        chunk[..rest.len()].copy_from_slice(rest);
        word(&chunk)
    };
    (found | last) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_judged_in_every_place() {
        for byte in 0..=u8::MAX {
            let printable = matches!(byte, b' '..=b'~');
            for length in 1..=17 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    assert_eq!(is_printable(&bytes), printable, "{byte:#x} at {place} of {length}");
                    assert_eq!(is_literal(&bytes), printable && byte != b'%', "{byte:#x} at {place} of {length}");
                    let unescaped = printable && !matches!(byte, b' ' | b'"' | b'%');
                    assert_eq!(is_unescaped(&bytes), unescaped, "{byte:#x} at {place} of {length}");
                }
            }
        }
        assert!(is_unescaped(b"") && is_literal(b"") && is_printable(b""));
    }
}
