use functions_framework::{function, http::Query};

#[derive(serde::Deserialize)]
struct Order;

#[function(main = false)]
async fn only(_: Order) {}

#[function(main = false)]
async fn first(_: Vec<Order>, _: String) {}

#[function(main = false)]
async fn between(_: Query<Order>, _: u32, _: String) {}

#[function(main = false)]
async fn last(_: Query<Order>, _: std::collections::HashMap<String, Order>) {}

#[function(main = false)]
async fn borrowed(_: &str) {}

fn main() {}
