use functions_framework::{Context, Event, function, http::HeaderMap};

#[function(main = false)]
async fn hello(_: HeaderMap, _: Context) {}

#[function(main = false)]
async fn seen(_: Context, _: String, _: Event) {}

fn main() {}
