//! What a caller and an operator see, one file a subject.
//!
//! It is one program on purpose: it links once, and all tests share the machine's threads.

mod bad_input;
mod cloud_events;
mod deliveries;
mod dockerfile;
mod drain;

mod errors;
mod example_table;
mod examples;
mod function_yaml;
mod go_cases;
mod guard;
mod health;
mod hooks;
mod hostile;
mod http;
mod http2;
mod listing;
mod local;
mod log_lines;
mod logs;
mod manifest;
mod new_crate;
mod open_function;
mod settings;
mod several;
mod sidecar;
mod start;

use black_box_tests::{Program, Start};

/// The program that has every function, to be told which to serve.
fn fixture(target: &str) -> Start {
    Start::new(env!("CARGO_BIN_EXE_fixture")).target(target)
}

/// Serves one function of the fixture as it is.
#[track_caller]
fn serve(target: &str) -> Program {
    fixture(target).serve()
}
