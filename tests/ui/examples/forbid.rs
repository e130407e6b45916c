//! `forbid` allows no `allow`, not even a macro's: it must not need any for what people forbid.

#![forbid(unsafe_code, missing_docs, unused, clippy::all, clippy::pedantic, clippy::unwrap_used)]

use functions_framework::{__private::Registration, Event, function, http::State};

/// Says hello.
#[function]
pub async fn hello(body: String) -> String {
    body
}

#[function(main = false, init = connect)]
async fn seen(event: Event, State(()): State<()>) -> Event {
    event
}

async fn connect() -> functions_framework::Result<()> {
    Ok(())
}

const _: fn() -> functions_framework::Function = seen::function;
