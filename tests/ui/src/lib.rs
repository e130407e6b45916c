//! Nothing but a place for `pass` and `fail`, which `tests/ui.rs` compiles.

/// Under test the `main` is gone: nothing is unused for that, and nothing clashes.
#[cfg(test)]
mod tests {
    #![deny(warnings)]
    #![allow(clippy::unused_async, reason = "which is said of the function, not of what the macro writes")]

    use functions_framework::function;

    #[function]
    async fn one() {}

    #[function]
    async fn another() {}
}
