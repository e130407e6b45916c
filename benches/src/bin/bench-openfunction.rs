//! The OpenFunction functions `cargo xtask bench` measures; `FUNCTION_TARGET` picks one.
//!
//! They are a program of their own: what is behind a `Context` is linked only where a function has one, and hyper and tokio are
//! compiled to other code where a client uses them too.

#![allow(clippy::unused_async, reason = "a function that is not async would be measured with the way to the blocking pool")]

use bytes::Bytes;
use functions_framework::{Context, Error, Out, Result, function};

/// Answers the payload it got.
#[function(main = false)]
async fn relay(_context: Context, payload: Bytes) -> Out {
    Out::data(payload).header("content-type", "application/json")
}

/// Takes a payload, of a request or of an event, and answers nothing.
#[function(main = false)]
async fn take(_context: Context, payload: Bytes) -> Result<()> {
    if payload.is_empty() { Err(Error::bad_request("a payload has bytes")) } else { Ok(()) }
}

/// Takes a payload and never comes to an end: what comes after it waits.
#[function(main = false)]
async fn hold(_context: Context, _payload: Bytes) -> Result<()> {
    std::future::pending().await
}

/// Sends the payload it got to an output.
#[function(main = false)]
async fn send(context: Context, payload: Bytes) -> Result<()> {
    context.send("orders", payload).await?;
    Ok(())
}

functions_framework::main!(relay, take, hold, send);
