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
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, task::JoinSet, time::MissedTickBehavior};

use super::process;

/// The one path.
pub(super) const PATH: &str = "/metrics";

/// How often the values of histograms are put where they belong; until then each takes memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// As many connections as this may be open; more wait. Who scrapes has one.
const CONNECTIONS: usize = 16;

/// Answers whoever asks, until it is dropped.
pub(super) async fn serve(listener: TcpListener, handle: PrometheusHandle) {
    let mut upkeep = tokio::time::interval(UPKEEP);
    upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // They end with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = upkeep.tick() => handle.run_upkeep(),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    let handle = handle.clone();
                    let service = service_fn(move |request| {
                        let answer = answer(&request, &handle);
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

fn answer(request: &Request<Incoming>, handle: &PrometheusHandle) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return refusal(StatusCode::NOT_FOUND, "metrics are at /metrics\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "metrics are read with GET\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let mut response = Response::new(Full::from(handle.render() + &process::render()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response
}

fn refusal(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
