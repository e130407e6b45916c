//! Functions that send and keep: the same whatever brings their events and whatever is behind their outputs.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use functions_framework::{Context, Error, Out, Result, function};
use serde_json::json;

use super::note;

/// Passes on to `out` what comes to the input `in`, or over HTTP; what comes to another input it only notes. Its reply is the
/// output's.
#[function(main = false)]
pub(super) async fn relay(ctx: Context, payload: Bytes) -> Result<Out> {
    let _running = note(&ctx, &payload);
    if ctx.input().is_some_and(|input| input.name() != "in") {
        return Ok(Out::ok());
    }
    send(&ctx, payload).await
}

/// Does the same with what is too large for a log: it notes how many bytes there are, and how many of them are an `x`.
#[function(main = false)]
pub(super) async fn carry(ctx: Context, payload: Bytes) -> Result<Out> {
    let count: usize = payload.iter().map(|&byte| usize::from(byte == b'x')).sum();
    let _running = note(&ctx, format!("{} bytes, {count} of them x", payload.len()).as_bytes());
    send(&ctx, payload).await
}

/// Waits until the file that its payload names is there, and sends its name to `out`.
#[function(main = false)]
pub(super) async fn hold(ctx: Context, payload: String) -> Result<Out> {
    let _running = note(&ctx, payload.as_bytes());
    open(payload.trim()).await;
    send(&ctx, payload.into()).await
}

async fn send(ctx: &Context, payload: Bytes) -> Result<Out> {
    let reply = ctx.send("out", payload).await?;
    tracing::info!(data = %String::from_utf8_lossy(&reply.data), metadata = ?reply.metadata, "sent");
    Ok(Out::data(reply.data))
}

async fn open(gate: &str) {
    while !Path::new(gate).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Greets the output that `OUTPUT` names, whatever comes.
#[function(main = false)]
pub(super) async fn greet(ctx: Context) -> Result<()> {
    let _running = note(&ctx, b"");
    ctx.send(&std::env::var("OUTPUT")?, &json!({ "hello": "world" })).await?;
    Ok(())
}

/// Never succeeds, whatever comes.
#[function(main = false)]
pub(super) async fn fail(ctx: Context, payload: Bytes) -> Result<()> {
    let _running = note(&ctx, &payload);
    Err(Error::new("it never succeeds"))
}

/// Counts in the state `store` how often each payload has come; answers how often.
#[function(main = false)]
pub(super) async fn count(ctx: Context, payload: String) -> Result<Out> {
    let _running = note(&ctx, payload.as_bytes());
    let store = ctx.state("store")?;
    let seen = store.get_entry::<u64>(&payload).await?;
    let count = seen.value.unwrap_or_default() + 1;
    store.etag_of(&seen).first_write().save(&payload, &count).await?;
    tracing::info!(key = payload, count, "counted");
    Ok(Out::data(count.to_string()))
}

/// Is ready once the file that `GATE` names is there.
#[function(main = false, init = prepare)]
pub(super) async fn late(ctx: Context, payload: Bytes) {
    let _running = note(&ctx, &payload);
}

async fn prepare() -> Result<()> {
    tracing::info!("preparing");
    open(&std::env::var("GATE")?).await;
    Ok(())
}
