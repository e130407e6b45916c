//! axum with its own `Json`: takes an order, answers a receipt. A program of its own: the other modes link no serde.

use axum::{Json, Router, http::StatusCode};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// The data that `cargo xtask bench` sends.
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

#[derive(Serialize)]
struct Receipt {
    #[serde(rename = "orderId")]
    id: String,
    lines: usize,
    total: f64,
}

impl Order {
    /// Looks at every field, so that none is optimised away.
    fn is_complete(&self) -> bool {
        let whole = |item: &Item| !item.sku.is_empty() && item.count < 7 && item.price >= 0.0 && item.tags.len() == 2;
        !self.id.is_empty() && !self.note.is_empty() && self.items.iter().all(whole)
    }
}

async fn typed(Json(order): Json<Order>) -> Result<Json<Receipt>, StatusCode> {
    if !order.is_complete() {
        return Err(StatusCode::BAD_REQUEST);
    }
    let total = order.items.iter().map(|item| f64::from(item.count) * item.price).sum();
    Ok(Json(Receipt { id: order.id, lines: order.items.len(), total }))
}

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080u16);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, Router::new().fallback(typed)).await.expect("serving does not end");
}
