#![cfg_attr(fuzzing, no_main)]
//! Any body of `application/cloudevents+json` is refused, or is an event that survives being sent.

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    use functions_framework::event::__fuzz;

    let headers = functions_framework_fuzz::content_type("application/cloudevents+json");
    for event in __fuzz::decode(&headers, body.to_vec().into()).unwrap_or_default() {
        functions_framework_fuzz::round_trip(&event);
    }
});

#[cfg(not(fuzzing))]
fn main() {}
