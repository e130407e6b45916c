//! What a contributor runs: `cargo xtask <command>`.

fn main() {}
