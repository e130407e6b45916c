use functions_framework::{Context, Event, function, http::{HeaderMap, Json}};

#[function(main = false)]
async fn payload(_: Context, _: u32) {}

#[function(main = false)]
async fn extractor(_: Context, _: HeaderMap) {}

#[function(main = false)]
async fn not_last(_: Context, Json(_): Json<u32>, _: String) {}

#[function(openfunction, main = false)]
async fn overridden(_: Event) {}

fn main() {}
