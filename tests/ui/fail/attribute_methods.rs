use functions_framework::{Event, function};

#[function(methods(), main = false)]
async fn none() {}

#[function(methods = "GET", main = false)]
async fn value() {}

#[function(methods(GET, get, FETCH, GET), main = false)]
async fn list() {}

#[function(cloud_event, methods(POST), main = false)]
async fn overridden(_: Event) {}

fn main() {}
