//! Functions that events call; each tells the log what it got, and its payload says how it ends.

mod errands;
mod senders;

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use bytes::Bytes;
use functions_framework::{Context, Error, Event, InputKind, Out, Result, function, http::Json};
use serde_json::json;

use self::{
    errands::errand,
    senders::{carry, count, fail, greet, hold, late, relay},
};

/// Ends as its payload says: `retry`, `drop`, `fail`, `give up`, `panic`, `sleep <milliseconds>`, `until <file>`, which is `retry`
/// as long as there is no such file; other payloads are its reply.
/// What comes to an input that is named `dead` is done.
#[function(main = false)]
async fn receive(ctx: Context, payload: Bytes) -> Result<Out> {
    let _running = note(&ctx, &payload);
    if ctx.input().is_some_and(|input| input.name() == "dead") {
        return Ok(Out::ok());
    }
    let text = String::from_utf8_lossy(&payload).into_owned();
    match text.split_once(' ').unwrap_or((&text, "")) {
        ("retry", _) => Ok(Out::retry()),
        ("until", file) => Ok(if Path::new(file).exists() { Out::ok() } else { Out::retry() }),
        ("drop", _) => Ok(Out::drop()),
        ("fail", _) => Err(Error::new("secret of the function")),
        ("give", _) => Err(Error::new("secret of the function").drop_event()),
        ("panic", _) => panic!("secret panic"),
        ("sleep", milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds.parse()?)).await;
            tracing::info!("slept");
            Ok(Out::ok())
        }
        _ => Ok(Out::data(payload)),
    }
}

static RUNNING: AtomicUsize = AtomicUsize::new(0);

struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, SeqCst);
    }
}

/// Logs what came, and how many run at once.
fn note(ctx: &Context, payload: &[u8]) -> Running {
    let running = RUNNING.fetch_add(1, SeqCst) + 1;
    let input = ctx.input().map(|input| {
        json!({
            "name": input.name(),
            "kind": if input.kind() == InputKind::PubSub { "pubsub" } else { "binding" },
            "component": input.component(),
            "type": input.component_type(),
            "topic": input.topic(),
            "route": input.route(),
            "metadata": input.metadata(),
            "attempt": input.attempt(),
        })
    });
    let event = ctx.event().map(|event| {
        let extensions: serde_json::Map<_, _> =
            event.extensions().map(|(name, value)| (name.to_owned(), value.to_string().into())).collect();
        json!({
            "id": event.id(),
            "source": event.source(),
            "type": event.ty(),
            "subject": event.subject(),
            "time": event.time().map(|time| time.to_rfc3339()),
            "datacontenttype": event.datacontenttype(),
            "extensions": extensions,
        })
    });
    let payload = match std::str::from_utf8(payload) {
        Ok(text) => json!(text),
        Err(_) => json!(payload),
    };
    let received =
        json!({ "function": ctx.function(), "input": input, "event": event, "payload": payload, "running": running });
    tracing::info!(received = %received, "received");
    Running
}

#[function(main = false)]
async fn typed(ctx: Context, Json(order): Json<Order>) {
    let _running = note(&ctx, order.name.as_bytes());
}

#[derive(serde::Deserialize)]
struct Order {
    name: String,
}

#[function(main = false)]
async fn event(ctx: Context, event: Event) {
    let _running = note(&ctx, event.data().map_or(&[], |data| data));
}

#[function(main = false, input = "orders")]
async fn orders(ctx: Context, payload: Bytes) {
    let _running = note(&ctx, &payload);
}

#[function(main = false, input = "ticks")]
async fn ticks(ctx: Context) {
    let _running = note(&ctx, b"");
}

/// Declares its inputs itself, and can be called over HTTP beside.
#[function(main = false, topic = "bus/a/b", binding("queue", "tick"), path = "/called")]
async fn in_code(ctx: Context, payload: Bytes) -> Out {
    let _running = note(&ctx, &payload);
    Out::data(payload)
}

#[function(main = false, concurrency = 2)]
async fn narrow(ctx: Context, payload: String) -> Result<()> {
    let _running = note(&ctx, payload.as_bytes());
    tokio::time::sleep(Duration::from_millis(payload.trim().parse()?)).await;
    Ok(())
}

#[function(main = false, order_by = "subject")]
async fn ordered(ctx: Context, payload: String) -> Result<()> {
    let _running = note(&ctx, payload.as_bytes());
    tokio::time::sleep(Duration::from_millis(20)).await;
    tracing::info!(payload, "done");
    Ok(())
}

functions_framework::main!(
    receive, typed, event, orders, ticks, in_code, narrow, ordered, relay, carry, hold, fail, greet, count, late, errand
);
