//! axum with the `CloudEvents` extractor and reply of cloudevents-sdk.
//!
//! `MODE` picks what every path does with an event: `sink` (204), `order` (decodes its data, then 204), `reply` (answers
//! an event that carries the data it got).

use axum::{Router, http::StatusCode};
use cloudevents::{AttributesReader, Data, Event, EventBuilder, EventBuilderV10};
use serde::Deserialize;
use tokio::net::TcpListener;

/// The data of the events that `cargo xtask bench` sends.
#[derive(Deserialize)]
struct Order {
    #[serde(rename = "orderId")]
    id: String,
    items: Vec<Item>,
    note: String,
}

#[derive(Deserialize)]
struct Item {
    sku: String,
    count: u32,
    price: f64,
    tags: Vec<String>,
}

async fn sink(event: Event) -> StatusCode {
    if event.id().is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::NO_CONTENT }
}

async fn order(mut event: Event) -> StatusCode {
    let order = match event.take_data().2 {
        Some(Data::Binary(bytes)) => serde_json::from_slice(&bytes),
        Some(Data::String(text)) => serde_json::from_str(&text),
        Some(Data::Json(value)) => serde_json::from_value(value),
        None => return StatusCode::BAD_REQUEST,
    };
    match order {
        Ok(order) if is_complete(&order) => StatusCode::NO_CONTENT,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Looks at every field, so that none is optimised away.
fn is_complete(order: &Order) -> bool {
    let whole = |item: &Item| !item.sku.is_empty() && item.count < 7 && item.price >= 0.0 && item.tags.len() == 2;
    !order.id.is_empty() && !order.note.is_empty() && order.items.iter().all(whole)
}

async fn reply(mut event: Event) -> Result<Event, StatusCode> {
    let id = event.id().to_owned();
    let (content_type, _, data) = event.take_data();
    let mut builder = EventBuilderV10::new().id(id).source("/peer/reply").ty("org.openfunction.peer.reply");
    if let Some(data) = data {
        builder = builder.data(content_type.unwrap_or_else(|| "application/json".to_owned()), data);
    }
    builder.build().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080u16);
    let app = match std::env::var("MODE").as_deref() {
        Ok("order") => Router::new().fallback(order),
        Ok("reply") => Router::new().fallback(reply),
        _ => Router::new().fallback(sink),
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, app).await.expect("serving does not end");
}
