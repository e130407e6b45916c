use functions_framework::{Context, Event, function, http::Json};

#[function(main = false)]
async fn two(_: Event, _: Event) {}

#[function(main = false)]
async fn body(_: Event, Json(_): Json<u32>) {}

#[function(main = false)]
async fn context(_: Event, _: Context) {}

#[function(cloud_event, main = false)]
async fn overridden(_: String) {}

fn main() {}
