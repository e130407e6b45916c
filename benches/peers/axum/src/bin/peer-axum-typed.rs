//! axum with its own `Json`: takes an order, answers a receipt. A program of its own: the other modes link no serde.

use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// The data that `cargo xtask bench` sends.
#[derive(Deserialize)]
struct Order {
    #[serde(rename = "orderId")]
    id: String,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    count: u32,
    price: f64,
}

#[derive(Serialize)]
struct Receipt {
    #[serde(rename = "orderId")]
    id: String,
    lines: usize,
    total: f64,
}

async fn typed(Json(order): Json<Order>) -> Json<Receipt> {
    let total = order.items.iter().map(|item| f64::from(item.count) * item.price).sum();
    Json(Receipt { id: order.id, lines: order.items.len(), total })
}

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080u16);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, Router::new().fallback(typed)).await.expect("serving does not end");
}
