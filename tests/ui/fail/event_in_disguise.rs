use functions_framework::{Event, function};

#[function(main = false)]
async fn optional(_: Option<Event>) {}

#[function(main = false)]
async fn borrowed(_: &Event) {}

#[function(main = false)]
async fn shared(_: std::sync::Arc<Event>) {}

fn main() {}
