use functions_framework::{Context, Event, function, http::Json};

#[function(input, main = false)]
async fn no_value(_: Context) {}

#[function(input = "", main = false)]
async fn no_name(_: Context) {}

#[function(input("a", "a"), main = false)]
async fn twice(_: Context) {}

#[function(input(), main = false)]
async fn none(_: Context) {}

#[function(input(orders), main = false)]
async fn no_quotes(_: Context) {}

#[function(topic = "orders", main = false)]
async fn no_component(_: Context) {}

#[function(concurrency = 0, main = false)]
async fn never(_: Context) {}

#[function(order_by("a", "b"), main = false)]
async fn two_orders(_: Context) {}

#[function(http, input = "orders", main = false)]
async fn called_http() {}

#[function(input = "orders", main = false)]
async fn event(_: Event) {}

#[function(binding = "tick", main = false)]
async fn request(_: Json<u32>) {}

fn main() {}
