//! `forbid` allows no `allow`, not even a macro's: it must not need any for what people forbid.

#![forbid(unsafe_code, missing_docs, unused, clippy::all, clippy::pedantic, clippy::nursery, clippy::unwrap_used)]
#![forbid(
    dead_code,
    non_camel_case_types,
    non_upper_case_globals,
    nonstandard_style,
    missing_debug_implementations,
    unreachable_pub
)]

use functions_framework::{__private::Registration, Event, function, http::State};

/// Says hello.
#[function]
pub async fn hello(body: String) -> String {
    std::future::ready(body).await
}

#[function(main = false, init = connect)]
async fn seen(event: Event, State(()): State<()>) -> Event {
    std::future::ready(event).await
}

async fn connect() -> functions_framework::Result<()> {
    std::future::ready(Ok(())).await
}

const _: fn() -> functions_framework::Function = seen::function;
