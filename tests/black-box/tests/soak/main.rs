//! Nothing is lost while everything is killed: messages go through a function, its output and a second function, and meanwhile
//! processes die.
//!
//! `SOAK_MESSAGES` says how many go each way, and the faults are so many in proportion. `cargo xtask soak` runs ten times of
//! what a plain `cargo test` does, and prints the figures.

mod beside_dapr;
mod journal;
mod load;
mod local;
mod stage;
mod stop;
mod tally;

/// The messages that a full run has; its faults are those of issue 4.
const FULL: usize = 20_000;

/// Ways side by side, since a sidecar brings the messages of one only one after another. The fixture names as many inputs.
const LANES: usize = 4;

/// How many messages go through.
fn messages() -> usize {
    let Ok(count) = std::env::var("SOAK_MESSAGES") else { return FULL / 10 };
    match count.parse() {
        Ok(count) if count >= 100 => count,
        _ => panic!("SOAK_MESSAGES is {count:?}: expected a number, at least 100"),
    }
}

/// How many faults there are in proportion to those of a full run, and one at least.
fn scaled(faults: usize) -> usize {
    (faults * messages()).div_ceil(FULL)
}
