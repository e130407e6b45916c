//! Passes on what of the bus meets conditions: see the README of this package.

fn main() -> std::process::ExitCode {
    openfunction_events::trigger().run()
}
