//! What the macro writes is not the user's to answer for.

#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]
#![deny(missing_docs, missing_debug_implementations, missing_copy_implementations, unreachable_pub, unused_qualifications)]
#![deny(let_underscore_drop, trivial_casts, unused_results, single_use_lifetimes, variant_size_differences)]

use functions_framework::{__private::Registration, Context, Event, Result, function, http::State};

/// Says hello.
#[function(main = false)]
#[inline]
#[must_use]
#[deprecated = "say good bye"]
#[allow(clippy::unused_async)]
pub async fn hello() -> &'static str {
    "Hello"
}

/// Events.
pub mod events {
    use super::{Event, Result, function};

    /// Takes note.
    ///
    /// # Errors
    /// Never.
    #[function(main = false)]
    #[allow(clippy::unused_async)]
    pub async fn created(_event: Event) -> Result<()> {
        Ok(())
    }

    #[function(main = false)]
    pub(crate) async fn internal(#[allow(unused_variables)] event: Event) {
        std::future::ready(()).await;
    }
}

#[function(main = false, init = connect, methods(GET), path = "/private")]
fn private(State(mut state): State<u8>, #[allow(unused_mut)] mut body: String) -> String {
    state += 1;
    format!("{body}{state}")
}

fn connect() -> Result<u8> {
    Ok("1".parse()?)
}

#[function(main = false)]
#[cfg(any())]
async fn gone() -> DoesNotExist {}

#[cfg_attr(all(), function(main = false))]
#[cfg(not(windows))]
#[cfg_attr(any(), doc = "no")]
async fn there(ctx: Context) {
    drop(ctx);
    std::future::ready(()).await;
}

fn main() {
    for function in
        [hello::function(), events::created::function(), events::internal::function(), private::function(), there::function()]
    {
        assert!(!function.name().is_empty());
    }
}
