//! A function of each kind, to be measured: called by requests, by events over HTTP, and by events of a topic.

use std::time::Duration;

use bytes::Bytes;
use functions_framework::{Context, Event, Out, Result, function};

/// Answers, and counts something of its own.
#[function(main = false, path = "/hello/{*rest}")]
async fn hello(body: Bytes) -> Bytes {
    metrics::counter!("greetings_total").increment(1);
    metrics::histogram!("greeting_length").record(7.0);
    if body.is_empty() { Bytes::from("Hello!\n") } else { body }
}

#[function(main = false, path = "/broken")]
async fn broken() -> Result<()> {
    Err(functions_framework::Error::new("it is broken"))
}

#[function(main = false, path = "/slow")]
async fn slow() {
    tokio::time::sleep(Duration::from_secs(3600)).await;
}

#[function(main = false, path = "/shipped")]
async fn shipped(_event: Event) {}

/// Sends on what comes, unless it says how to end instead.
#[function(main = false, path = "/orders", topic = "bus/orders")]
async fn orders(ctx: Context, payload: String) -> Result<Out> {
    match payload.as_str() {
        "retry" => Ok(Out::retry()),
        "drop" => Ok(Out::drop()),
        "panic" => panic!("as told"),
        "astray" => ctx.publish("nowhere", "lost", payload).send().await.map(|_| Out::ok()),
        _ => ctx.send("out", payload).await.map(|_| Out::ok()),
    }
}

functions_framework::main!(hello, broken, slow, shipped, orders);
