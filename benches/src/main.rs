//! The functions `cargo xtask bench` measures that take requests and events over HTTP; `FUNCTION_TARGET` picks one.
//!
//! They do as little as they can, so that the count is the framework's; each does what the peer of its row does.

#![allow(clippy::unused_async, reason = "a function that is not async would be measured with the way to the blocking pool")]

use bytes::Bytes;
use functions_framework::{
    CloudEvent, Error, Event, Result,
    axum::body::Body,
    function,
    http::{Json, StatusCode},
};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

/// Answers text.
#[function(main = false)]
async fn hello() -> &'static str {
    "Hello, World!"
}

/// Takes an event and answers nothing.
#[function(main = false)]
async fn event(event: Event) -> Result<()> {
    if event.id().is_empty() { Err(Error::bad_request("an event has an id")) } else { Ok(()) }
}

/// The data of the events that are sent.
#[derive(Debug, Deserialize)]
struct Order {
    #[serde(rename = "orderId")]
    id: String,
    items: Vec<Item>,
    note: String,
}

#[derive(Debug, Deserialize)]
struct Item {
    sku: String,
    count: u32,
    price: f64,
    tags: Vec<String>,
}

impl Order {
    /// Looks at every field, so that none is optimised away.
    fn is_complete(&self) -> bool {
        let whole = |item: &Item| !item.sku.is_empty() && item.count < 7 && item.price >= 0.0 && item.tags.len() == 2;
        !self.id.is_empty() && !self.note.is_empty() && self.items.iter().all(whole)
    }
}

/// Takes an event whose data is decoded.
#[function(main = false)]
async fn order(event: CloudEvent<Order>) -> Result<()> {
    if event.data().is_complete() { Ok(()) } else { Err(Error::bad_request("the order is not complete")) }
}

/// What is answered to an order.
#[derive(Debug, Serialize)]
struct Receipt {
    #[serde(rename = "orderId")]
    id: String,
    lines: usize,
    total: f64,
}

/// Takes an order as JSON, and answers JSON.
#[function(main = false)]
async fn typed(Json(order): Json<Order>) -> Result<Json<Receipt>> {
    if !order.is_complete() {
        return Err(Error::bad_request("the order is not complete"));
    }
    let total = order.items.iter().map(|item| f64::from(item.count) * item.price).sum();
    Ok(Json(Receipt { id: order.id, lines: order.items.len(), total }))
}

/// Answers an event that carries the data it got.
#[function(main = false)]
async fn reply(event: Event) -> Result<Event> {
    let mut reply = Event::builder().id(event.id()).source("/peer/reply").ty("org.openfunction.peer.reply");
    if let Some(data) = event.data() {
        reply = reply.data(event.datacontenttype().unwrap_or("application/json"), data.clone());
    }
    reply.build()
}

/// Answers the length of a body that it never holds as a whole.
#[function(main = false)]
async fn count(body: Body) -> Result<String> {
    let total = body.into_data_stream().try_fold(0, async |total, chunk| Ok(total + chunk.len())).await?;
    Ok(total.to_string())
}

/// Answers the length of a body that it holds as a whole.
#[function(main = false)]
async fn collect(body: Bytes) -> String {
    body.len().to_string()
}

/// Panics.
#[function(main = false)]
async fn boom() -> &'static str {
    panic!("this function always panics")
}

/// Fails.
#[function(main = false)]
async fn fail() -> Result<&'static str> {
    Err(Error::status(StatusCode::CONFLICT, "this function always fails"))
}

functions_framework::main!(hello, event, order, typed, reply, count, collect, boom, fail);
