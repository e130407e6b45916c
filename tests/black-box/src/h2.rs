//! HTTP/2 without TLS, with prior knowledge.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{Full, combinators::BoxBody};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::PATIENCE;

/// A body of a request, whole or streamed.
pub type Body = BoxBody<Bytes, std::convert::Infallible>;

/// A body that is there as a whole.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    BoxBody::new(Full::new(bytes.into()))
}

/// Runs a client, with an end to its patience.
#[track_caller]
pub fn run<T>(client: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("there is a runtime");
    runtime.block_on(async { within(PATIENCE, client).await })
}

/// Waits for something with an end to patience.
pub async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, future).await.expect("it takes no longer")
}

/// Opens a connection.
pub async fn connect(address: SocketAddr) -> SendRequest<Body> {
    let stream = TcpStream::connect(address).await.expect("it can be connected to");
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("the other side speaks HTTP/2");
    // Its errors are those of the requests, too.
    tokio::spawn(connection);
    sender
}
