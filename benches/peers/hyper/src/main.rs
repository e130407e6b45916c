//! Bare hyper: the floor of any Rust server.
//!
//! `AUTO=1` tells HTTP/1.1 and h2c apart on one port, as the framework does; otherwise HTTP/1.1 only. `MODE` picks the
//! answer: `hello` (text), `count` (the length of a streamed body), `collect` (of a body that is held as a whole), `ce` (an event whose body is read, and nothing of it
//! parsed).

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

// Asynchronous without awaiting: it is what a service must be.
#[allow(clippy::unused_async)]
async fn hello(_request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"Hello, World!")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

async fn count(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let mut total = 0;
    while let Some(frame) = request.body_mut().frame().await {
        total += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(Response::new(Full::new(Bytes::from(total.to_string()))))
}

async fn collect(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    Ok(Response::new(Full::new(Bytes::from(body.len().to_string()))))
}

async fn event(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, hyper::Error> {
    let required = ["ce-id", "ce-source", "ce-type", "ce-specversion"];
    let complete = required.iter().all(|name| request.headers().contains_key(*name));
    let _body = request.into_body().collect().await?.to_bytes();
    let mut response = Response::new(Empty::new());
    *response.status_mut() = if complete { StatusCode::NO_CONTENT } else { StatusCode::BAD_REQUEST };
    Ok(response)
}

/// Serves one of the functions above; a macro because each has a body type of its own.
macro_rules! serve {
    ($listener:expr, $auto:expr, $answer:path) => {
        loop {
            let Ok((socket, _)) = $listener.accept().await else { continue };
            let io = TokioIo::new(socket);
            if $auto {
                tokio::spawn(async move {
                    let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(io, service_fn($answer)).await;
                });
            } else {
                tokio::spawn(async move {
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service_fn($answer)).await;
                });
            }
        }
    };
}

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080u16);
    let auto = std::env::var_os("AUTO").is_some();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    match std::env::var("MODE").as_deref() {
        Ok("count") => serve!(listener, auto, count),
        Ok("collect") => serve!(listener, auto, collect),
        Ok("ce") => serve!(listener, auto, event),
        _ => serve!(listener, auto, hello),
    }
}
