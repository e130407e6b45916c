#![cfg_attr(fuzzing, no_main)]
//! Any text is no value of SkyWalking's headers, or is one that says the same when it is written again.

/// By itself, since the feature that has it would bring the server and a client.
#[cfg(fuzzing)]
#[path = "../../functions-framework/src/span/skywalking/sw8.rs"]
#[allow(dead_code, unreachable_pub)]
mod sw8;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(caller) = sw8::Caller::parse(text) {
        assert_eq!(sw8::Caller::parse(&caller.encode()), Some(caller));
    }
    if let Some(correlation) = sw8::Correlation::parse(text) {
        assert_eq!(sw8::Correlation::parse(&correlation.encode()), Some(correlation));
    }
});

#[cfg(not(fuzzing))]
fn main() {}
