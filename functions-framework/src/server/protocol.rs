//! HTTP/1.1 and h2c on one port: which of them a connection speaks, and the connection itself.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use ::http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::Service,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead as _, ReadBuf};

use super::{answer::Answer, connections::Ending, socket::Socket};
use crate::error::BoxError;

/// What a connection of HTTP/2 begins with (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The headers of a request may be as large as this in h2.
const MAX_HEADERS: u32 = 64 << 10;

/// The head of a request may be as large as this in HTTP/1.1. It is what hyper reads at once, too: a smaller buffer would cut
/// every larger body into more pieces.
const MAX_HEAD: usize = 256 << 10;

/// What both protocols are held to.
#[derive(Debug, Clone)]
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Protocols {
    pub(super) fn new() -> Self {
        let mut http1 = http1::Builder::new();
        // A client that ends its own half has gone: nobody would read the answer.
        http1.half_close(false).max_buf_size(MAX_HEAD);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .max_header_list_size(MAX_HEADERS)
            .max_concurrent_streams(256)
            // Rapid reset (CVE-2023-44487): a client that opens streams only to reset them is sent away.
            .max_pending_accept_reset_streams(32)
            .max_local_error_reset_streams(256)
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(60))
            .keep_alive_timeout(Duration::from_secs(20));
        Self { http1, http2 }
    }

    /// Serves a connection in the protocol that its first bytes tell.
    pub(super) fn serve<S: Serving>(&self, socket: Socket, service: S) -> Connection<S> {
        let begun = Begun { socket, service, protocols: self.clone() };
        Connection::Silent { begun: Some(begun), preface: [0; PREFACE.len()], read: 0, finishing: false }
    }
}

/// What answers the requests of a connection.
pub(super) trait Serving:
    Service<Request<Incoming>, Response = Response<Answer>, Error = std::convert::Infallible, Future: Send + 'static>
    + Send
    + 'static
{
}

impl<S> Serving for S where
    S: Service<Request<Incoming>, Response = Response<Answer>, Error = std::convert::Infallible, Future: Send + 'static>
        + Send
        + 'static
{
}

pin_project! {
    /// A connection.
    ///
    /// hyper-util has one too, which goes through the bytes it has read ahead at each later read: one per cent of a small
    /// request. Here the socket holds them.
    #[project = State]
    pub(super) enum Connection<S>
    where
        S: Serving,
    {
        /// What has come fits either protocol.
        Silent { begun: Option<Begun<S>>, preface: [u8; 24], read: usize, finishing: bool },
        Http1 { #[pin] connection: http1::UpgradeableConnection<TokioIo<Socket>, S> },
        Http2 { #[pin] connection: http2::Connection<TokioIo<Socket>, S, TokioExecutor>, finishing: bool },
    }
}

/// What a connection is made of.
pub(super) struct Begun<S> {
    socket: Socket,
    service: S,
    protocols: Protocols,
}

impl<S: Serving> Begun<S> {
    /// Goes on in HTTP/2 when all of its preface has come, else in HTTP/1.
    fn go_on(self, ahead: &[u8], finishing: bool) -> Connection<S> {
        let Self { mut socket, service, mut protocols } = self;
        socket.read_ahead(ahead);
        let socket = TokioIo::new(socket);
        if ahead == PREFACE {
            Connection::Http2 { connection: protocols.http2.serve_connection(socket, service), finishing }
        } else {
            protocols.http1.keep_alive(!finishing);
            Connection::Http1 { connection: protocols.http1.serve_connection(socket, service).with_upgrades() }
        }
    }
}

impl<S: Serving> Future for Connection<S> {
    type Output = Result<(), BoxError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                State::Http1 { connection } => return connection.poll(context).map_err(BoxError::from),
                State::Http2 { mut connection, finishing } => {
                    let mut polled = connection.as_mut().poll(context);
                    // Told so before it has read anything it would break off.
                    if polled.is_pending() && std::mem::take(finishing) {
                        connection.as_mut().graceful_shutdown();
                        polled = connection.poll(context);
                    }
                    return polled.map_err(BoxError::from);
                }
                State::Silent { begun, preface, read, finishing } => {
                    let Some(Begun { socket, .. }) = begun else { return Poll::Ready(Ok(())) };
                    match poll_preface(socket, preface, read, context)? {
                        Poll::Pending if !*finishing || *read > 0 || socket.is_readable() => return Poll::Pending,
                        // Who has not said a word has asked nothing.
                        _ if *read == 0 => return Poll::Ready(Ok(())),
                        _ => {}
                    }
                    let Some(begun) = begun.take() else { return Poll::Ready(Ok(())) };
                    begun.go_on(&preface[..*read], *finishing)
                }
            };
            self.set(next);
        }
    }
}

/// Reads until it is known whether the preface comes, or the other end has ended.
fn poll_preface(
    socket: &mut Socket,
    preface: &mut [u8; PREFACE.len()],
    read: &mut usize,
    context: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while *read < PREFACE.len() && preface[..*read] == PREFACE[..*read] {
        let mut buffer = ReadBuf::new(&mut preface[*read..]);
        ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer))?;
        let more = buffer.filled().len();
        if more == 0 {
            break;
        }
        *read += more;
    }
    Poll::Ready(Ok(()))
}

impl<S: Serving> Ending for Connection<S> {
    fn finish(self: Pin<&mut Self>) {
        match self.project() {
            // What has come by then is still answered.
            State::Silent { finishing, .. } => *finishing = true,
            State::Http1 { connection } => connection.graceful_shutdown(),
            State::Http2 { connection, .. } => connection.graceful_shutdown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use hyper::service::service_fn;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::server::connections::{Connections, Patience};

    /// A connection that says which version a request has, and its other end.
    async fn connected() -> (TcpStream, Pin<Box<Connection<impl Serving>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let patience = Patience { head: Duration::from_secs(60), idle: Duration::from_secs(60) };
        let socket = Socket::new(listener.accept().await.unwrap().0, Connections::new(patience).open());
        let service = service_fn(async |request: Request<Incoming>| {
            Ok::<_, Infallible>(Response::new(Answer::from(Body::from(format!("{:?}", request.version())))))
        });
        (client, Box::pin(Protocols::new().serve(socket, service)))
    }

    async fn read(client: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn the_protocol_is_told_however_few_bytes_come_at_once() {
        for (sent, expected) in [(&b"PUT / HTTP/1.1\r\nconnection: close\r\n\r\n"[..], "HTTP/1.1 200 OK"), (PREFACE, "\0\0")] {
            let (mut client, connection) = connected().await;
            let served = tokio::spawn(connection);
            for byte in sent {
                client.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            client.shutdown().await.unwrap();
            let answer = read(&mut client).await;
            assert!(answer.starts_with(expected), "{answer:?}");
            // Half a frame is an error of the client's; it is served all the same.
            let _ = served.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_request_that_has_come_before_the_end_is_answered() {
        let (mut client, mut connection) = connected().await;
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        connection.as_mut().finish();
        connection.await.unwrap();
        let answer = read(&mut client).await;
        assert!(answer.ends_with("HTTP/1.1") && answer.contains("connection: close"), "{answer}");
    }

    #[tokio::test]
    async fn a_connection_without_a_word_ends_when_it_is_asked_to_or_its_client_does() {
        let (mut client, mut connection) = connected().await;
        connection.as_mut().finish();
        connection.await.unwrap();
        assert_eq!(read(&mut client).await, "");

        let (client, connection) = connected().await;
        drop(client);
        connection.await.unwrap();
    }
}
