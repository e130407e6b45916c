//! Takes events from outside and puts them on the bus, to a sink, or both: see the README of this package.

fn main() -> std::process::ExitCode {
    openfunction_events::event_source().run()
}
