#![cfg_attr(fuzzing, no_main)]
//! Any bytes of a header value are refused, or are a text that survives being sent.

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|raw: &[u8]| {
    use functions_framework::event::__fuzz;

    let Some(text) = __fuzz::decode_header_value(raw) else { return };
    assert!(!text.contains(char::is_control));
    let encoded = __fuzz::encode_header_value(&text);
    assert!(encoded.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'~')));
    assert_eq!(__fuzz::decode_header_value(encoded.as_bytes()), Some(text));
});

#[cfg(not(fuzzing))]
fn main() {}
