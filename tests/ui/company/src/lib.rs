//! A library of functions. `::functions_framework` does not exist here: whatever the macros write has to go through `crate = ..`.

#![deny(warnings, clippy::pedantic, missing_docs, missing_debug_implementations, unreachable_pub)]
// Of their own functions, which are short; not of what the macro writes.
#![allow(clippy::unused_async)]

/// The framework, for those who depend on this crate alone.
pub use ff;

use ff::{Event, function};

/// Says hello.
#[function(crate = ff, main = false)]
pub async fn hello() -> &'static str {
    "Hello"
}

/// Events of the company.
pub mod orders {
    use super::{Event, function};

    /// Takes note of an order.
    #[function(main = false, crate = crate::ff, name = "orders.created")]
    pub async fn created(_event: Event) {}
}

/// Marks a function as the company does, for crates that do not know the framework.
#[macro_export]
macro_rules! marked {
    ($(#[$attribute:meta])* $vis:vis async fn $name:ident() -> $reply:ty $body:block) => {
        #[$crate::ff::function(crate = $crate::ff, main = false)]
        $(#[$attribute])* $vis async fn $name() -> $reply $body
    };
}
