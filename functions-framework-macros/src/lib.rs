//! The `#[function]` attribute of `functions-framework`.
