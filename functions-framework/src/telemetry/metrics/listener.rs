//! The address at which the figures are read.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};

use super::Page;
use crate::function::answered::TEXT;

/// The one path.
pub(super) const PATH: &str = "/metrics";

/// As many connections as this may be open; more wait. Who scrapes has one.
const CONNECTIONS: usize = 16;

/// Answers whoever asks, until it is dropped.
pub(super) async fn serve(listener: TcpListener, page: Page) {
    // They end with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    let page = page.clone();
                    let service = service_fn(move |request| {
                        let answer = answer(&request, &page);
                        async { Ok::<_, Infallible>(answer) }
                    });
                    let mut protocol = http1::Builder::new();
                    protocol.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
                    connections.spawn(async move {
                        if let Err(error) = protocol.serve_connection(TokioIo::new(stream), service).await {
                            tracing::debug!(%error, "a connection for metrics ended");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections for metrics");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

fn answer(request: &Request<Incoming>, page: &Page) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return refusal(StatusCode::NOT_FOUND, "metrics are at /metrics\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "metrics are read with GET\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let mut response = Response::new(Full::from(page.render()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}

fn refusal(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    response
}
