//! Bare axum: the floor of a framework built on axum.
//!
//! `MODE` picks what every path answers: `hello` (text), `count` (the length of a streamed body), `collect` (of a body that is
//! held as a whole), `ce` (an event whose
//! body is read, and nothing of it parsed), `relay` (the body it got).

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::Request,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};
use futures_util::StreamExt;
use tokio::net::TcpListener;

async fn hello() -> &'static str {
    "Hello, World!"
}

async fn count(request: Request) -> Result<String, StatusCode> {
    let mut total = 0;
    let mut body = request.into_body().into_data_stream();
    while let Some(chunk) = body.next().await {
        total += chunk.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(total.to_string())
}

async fn collect(request: Request) -> Result<String, StatusCode> {
    let body = to_bytes(request.into_body(), 16 << 20).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    Ok(body.len().to_string())
}

// Takes the request apart by hand: the `HeaderMap` extractor would clone every header.
async fn event(request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let required = ["ce-id", "ce-source", "ce-type", "ce-specversion"];
    let complete = required.iter().all(|name| parts.headers.contains_key(*name));
    match to_bytes(body, 2 << 20).await {
        Ok(_) if complete => StatusCode::NO_CONTENT,
        Ok(_) => StatusCode::BAD_REQUEST,
        Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
    }
}

async fn relay(body: Bytes) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], body)
}

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080u16);
    let app = match std::env::var("MODE").as_deref() {
        Ok("count") => Router::new().fallback(count),
        Ok("collect") => Router::new().fallback(collect),
        Ok("ce") => Router::new().fallback(event),
        Ok("relay") => Router::new().fallback(relay),
        _ => Router::new().fallback(hello),
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, app).await.expect("serving does not end");
}
