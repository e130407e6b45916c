//! Functions whose invocations are traced: they end in every way, make spans of their own, and call each other by events.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use functions_framework::{Context, Error, Event, Out, Result, function};
use opentelemetry::{
    Context as Here, global,
    trace::{TraceContextExt as _, Tracer as _},
};

#[function(main = false, path = "/hello/{name}")]
async fn hello() -> &'static str {
    tracing::info!("hello was called");
    "Hello!\n"
}

#[function(main = false, path = "/broken")]
async fn broken() -> Result<()> {
    Err(Error::new("it is broken"))
}

#[function(main = false, path = "/crash")]
async fn crash() {
    panic!("as told")
}

#[function(main = false, path = "/slow")]
async fn slow() {
    tokio::time::sleep(Duration::from_secs(3600)).await;
}

/// Makes spans in both ways, one within the other, across a wait.
#[function(main = false, path = "/own")]
async fn own() {
    inner().await;
    tokio::task::yield_now().await;
    let tracer = global::tracer("mine");
    let _span = tracer.start("by hand");
}

#[tracing::instrument]
async fn inner() {
    tokio::task::yield_now().await;
    tracing::debug!("within");
}

/// Tells the trace that it runs in.
#[function(main = false, path = "/where")]
async fn place() -> String {
    Here::map_current(|here| {
        let span = here.span();
        let context = span.span_context();
        format!("{} {} {}", context.trace_id(), context.span_id(), context.is_sampled())
    })
}

#[function(main = false, path = "/shipped")]
async fn shipped(event: Event) -> Result<Event> {
    Event::builder().id("reply").source("/shop").ty("order.billed").subject(event.id()).build()
}

/// Publishes what comes, also from a task of its own.
#[function(main = false, path = "/relay")]
async fn relay(ctx: Context, payload: String) -> Result<Out> {
    ctx.send("out", payload).await?;
    let later = tokio::spawn(async move { ctx.state("store")?.save("last", "spawned").await });
    later.await.map_err(Error::new)??;
    Ok(Out::ok())
}

/// Calls somebody over HTTP.
#[function(main = false, path = "/call")]
async fn call(ctx: Context) -> Result<()> {
    ctx.invoke_binding("web", "post", "one").send().await.map(|_| ())
}

/// Is called with what `relay` publishes.
#[function(main = false, path = "/orders", topic = "bus/orders")]
async fn orders(ctx: Context, payload: String) -> Result<()> {
    assert_ne!(payload, "panic", "as told");
    let (content_type, input) = (ctx.event().and_then(Event::datacontenttype).unwrap_or("none"), ctx.input());
    let headers = input.into_iter().flat_map(|input| input.metadata().keys()).filter(|name| name.starts_with("sw8"));
    let headers: Vec<_> = headers.map(|name| format!("{name:?}")).collect();
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = format!("{payload} {content_type} {}", headers.join(" "));
    ctx.state("store")?.save("order", &payload).await
}

/// What `orders` was called with last.
static LAST: Mutex<String> = Mutex::new(String::new());

#[function(main = false, path = "/last")]
async fn last() -> String {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

functions_framework::main!(hello, broken, crash, slow, own, place, shipped, relay, call, orders, last);
