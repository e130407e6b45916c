#![cfg_attr(fuzzing, no_main)]
//! Any headers and body are refused, or are events that survive being sent. The input is lines of `name:value`, an empty
//! line, and the body.

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    use functions_framework::event::__fuzz;
    use http::{HeaderMap, HeaderName, HeaderValue};

    let mut headers = HeaderMap::new();
    let mut rest = input;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    for event in __fuzz::decode(&headers, rest.to_vec().into()).unwrap_or_default() {
        functions_framework_fuzz::round_trip(&event);
    }
});

#[cfg(not(fuzzing))]
fn main() {}
