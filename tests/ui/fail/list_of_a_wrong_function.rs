use functions_framework::{Event, function};

#[function(nam = "x", main = false)]
async fn key() {}

#[function(main = false)]
async fn parameter(_: Option<Event>) {}

#[function(main = false)]
async fn body() {
    1 + 1
}

functions_framework::main!(key, parameter, body);
