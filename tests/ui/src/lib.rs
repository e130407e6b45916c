//! Nothing but a place for `pass` and `fail`, which `tests/ui.rs` compiles.
