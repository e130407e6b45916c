//! As many functions in a process as `FUNCTIONS` says, for `cargo xtask bench growth`. They are called `f0`, `f1`, and so on.

use std::process::ExitCode;

use functions_framework::App;

fn main() -> ExitCode {
    let Some(many) = std::env::var("FUNCTIONS").ok().and_then(|many| many.parse::<u32>().ok()) else {
        eprintln!("FUNCTIONS says how many functions there are");
        return ExitCode::FAILURE;
    };
    // A name is part of a program otherwise; these live as long as one.
    let name = |number: u32| &*Box::leak(format!("f{number}").into_boxed_str());
    (0..many).fold(App::new(), |app, number| app.http(name(number), async || "Hello, World!")).run()
}
