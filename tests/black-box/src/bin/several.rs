//! Several functions in one process: without paths, with one path for two, and of two kinds.

use functions_framework::{
    Event, function,
    http::{Path, State},
};

#[function(main = false)]
async fn hello(request: functions_framework::axum::extract::Request) -> String {
    format!("hello from {}\n", request.uri().path())
}

#[function(main = false, path = "/orders/{id}", methods(GET), init = shared)]
async fn read(State(Shared): State<Shared>, Path(id): Path<u64>) -> String {
    format!("read {id}\n")
}

#[function(main = false, path = "/orders/{id}", methods(PUT, DELETE), init = shared)]
async fn write(State(Shared): State<Shared>, Path(id): Path<u64>) -> String {
    format!("write {id}\n")
}

#[function(main = false)]
async fn created(_event: Event) {}

#[derive(Clone)]
struct Shared;

async fn shared() -> functions_framework::Result<Shared> {
    tracing::info!("shared");
    Ok(Shared)
}

functions_framework::main!(hello, read, write, created);
