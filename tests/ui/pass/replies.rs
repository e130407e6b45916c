//! What functions return: values, streams, opaque and boxed, from functions that wait and functions that block.

use std::convert::Infallible;

use axum::{
    body::Body,
    response::{
        Html, IntoResponse, Response,
        sse::{Event as Message, Sse},
    },
};
use functions_framework::{
    __private::Registration, BoxError, Context, Error, Event, Out, Result, function,
    http::{Json, StatusCode},
};
use futures_util::{Stream, stream};

#[function(main = false)]
async fn opaque() -> impl IntoResponse {
    (StatusCode::CREATED, [("x-a", "b")], Html("<p>"))
}

#[function(main = false)]
async fn streaming() -> Response {
    Response::new(Body::from_stream(stream::iter(["a", "b"].map(Ok::<_, Infallible>))))
}

#[function(main = false)]
async fn messages() -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    Sse::new(stream::iter([Ok(Message::default().data("hello"))]))
}

#[function(main = false)]
async fn never() -> Infallible {
    std::future::pending().await
}

#[function(main = false)]
async fn own_error() -> Result<String, (StatusCode, &'static str)> {
    Err((StatusCode::IM_A_TEAPOT, "short and stout"))
}

#[function(main = false)]
async fn framework_error() -> Result<&'static str> {
    Err(Error::from("x".parse::<u8>().unwrap_err()))
}

#[function(main = false)]
fn blocking(body: String) -> Json<usize> {
    Json(body.len())
}

#[function(main = false)]
fn blocking_event(event: Event) -> Result<Event, BoxError> {
    Ok(event)
}

#[function(main = false)]
fn blocking_opaque() -> impl IntoResponse {}

#[function(main = false)]
async fn bytes(_: Context) -> Vec<u8> {
    vec![1]
}

#[function(main = false)]
async fn verdict(_: Context) -> Result<Out, std::io::Error> {
    Ok(Out::retry())
}

#[function(main = false)]
async fn long_lived(body: Body) -> Body {
    body
}

fn main() {
    for function in [
        opaque::function(),
        streaming::function(),
        messages::function(),
        never::function(),
        own_error::function(),
        framework_error::function(),
        blocking::function(),
        blocking_event::function(),
        blocking_opaque::function(),
        bytes::function(),
        verdict::function(),
        long_lived::function(),
    ] {
        assert!(!function.name().is_empty());
    }
}
