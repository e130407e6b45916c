//! The one port: HTTP/1.1 and h2c, from the socket to the function and back.

pub(crate) mod answer;
pub(crate) mod connections;
pub(crate) mod crash;
pub(crate) mod drain;
pub(crate) mod ended;
pub(crate) mod endpoint;
pub(crate) mod health;
pub(crate) mod hooked;
pub(crate) mod log;
mod protocol;
pub(crate) mod routes;
mod socket;
pub(crate) mod status;
mod webhook;

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use ::http::{HeaderValue, Request, Response, StatusCode, Version, header::CONNECTION};
use hyper::{body::Incoming, service::service_fn};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    delivery::Mount,
    function::{self, BoxFuture, body::RequestBody},
};
use answer::Answer;
use connections::{Activity, Connections, Driven, InFlight, Patience};
use health::Health;
use protocol::Protocols;
use routes::{Routed, Routes};
use socket::Socket;

/// Everything a request can meet.
pub(crate) struct Server {
    pub(crate) routes: Arc<Routes>,
    /// What takes the calls of a sidecar.
    pub(crate) mount: Option<Arc<dyn Mount>>,
    pub(crate) health: Health,
    pub(crate) ignored_routes: Vec<String>,
    pub(crate) max_body_size: usize,
    pub(crate) connections: Arc<Connections>,
    /// The end has begun: probes are told, and nobody else yet.
    pub(crate) leaving: AtomicBool,
    /// Connections are asked to close.
    pub(crate) draining: AtomicBool,
    /// Whether the timeout is long beside the looks at the connections.
    lazy_timers: bool,
    protocols: Protocols,
}

impl Server {
    pub(crate) fn new(
        routes: Arc<Routes>,
        health: Health,
        ignored_routes: Vec<String>,
        max_body_size: usize,
        patience: Patience,
        timeout: Option<Duration>,
    ) -> Self {
        let connections = Connections::new(patience);
        let lazy_timers = timeout.is_some_and(|limit| limit > connections.interval() * 2);
        Self {
            routes,
            mount: None,
            health,
            ignored_routes,
            max_body_size,
            connections,
            leaving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            lazy_timers,
            protocols: Protocols::new(),
        }
    }

    /// Takes connections for as long as it is polled.
    pub(crate) async fn accept(self: &Arc<Self>, listener: &TcpListener) -> Infallible {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.spawn(stream, peer),
                Err(error) if concerns_one_connection(&error) => tracing::debug!(%error, "a connection was lost"),
                Err(error) => {
                    // Most likely no file descriptor is left: wait for connections to close rather than spin.
                    tracing::warn!(%error, "cannot accept connections");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Takes what the kernel has accepted already, then closes the port.
    pub(crate) fn close(self: &Arc<Self>, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        while let Ok((stream, peer)) = listener.accept() {
            stream.set_nonblocking(true)?;
            self.spawn(TcpStream::from_std(stream)?, peer);
        }
        Ok(())
    }

    fn spawn(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let server = Arc::clone(self);
        // Answers are written in one piece, and a stream of events must not wait for company.
        // A client that vanished behind an idle stream is noticed by the kernel.
        let keep_alive = TcpKeepalive::new().with_time(Duration::from_secs(60));
        let set = stream.set_nodelay(true).and_then(|()| SockRef::from(&stream).set_tcp_keepalive(&keep_alive));
        if let Err(error) = set {
            tracing::debug!(%error, %peer, "cannot set an option of a socket");
        }
        // Before the task runs: a drain that begins now must know of it.
        let registered = server.connections.open();
        tokio::spawn(async move {
            let activity = Arc::clone(&registered.activity);
            let socket = Socket::new(stream, registered);
            let protocols = server.protocols.clone();
            let counted = Arc::clone(&activity);
            let service = service_fn(move |request| Answering::new(&server, request, &counted, peer));
            let connection = protocols.serve(socket, service);
            match Driven::new(connection, activity).await {
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::debug!(%peer, error = chain(&*error), "a connection ended"),
                None => tracing::debug!(%peer, "a connection was too slow"),
            }
        });
    }

    /// Begins to answer a request, wherever it came from.
    ///
    /// A connection of HTTP/1 polls its answer itself, and is woken at every look of [`Connections`]; a stream of h2 is a
    /// task of its own, which is not.
    pub(crate) fn call(&self, request: function::body::Request, polled_anyway: bool) -> Called {
        let path = request.uri().path();
        let leaving = self.leaving.load(Relaxed);
        if let Some(answer) = self.health.answer(request.method(), path, leaving) {
            return Called::Done(Some(answer));
        }
        if self.ignored_routes.iter().any(|ignored| ignored == path) {
            return Called::Done(Some(routes::not_found()));
        }
        // A request is large: it is looked at where it is, and moved once it is known whose it is.
        match self.mount.as_ref().and_then(|mount| mount.take(&request)) {
            Some(taker) => Called::Delivering(taker(request)),
            None => Called::Going(self.routes.call(request, polled_anyway)),
        }
    }
}

/// A request that is answered already, or by a function.
pub(crate) enum Called {
    Done(Option<axum::response::Response>),
    Going(Routed),
    /// By a function too, which an event called.
    Delivering(BoxFuture<'static, axum::response::Response>),
}

impl Future for Called {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let plain = |answer: axum::response::Response| Ok(answer.map(Answer::from));
        match self.get_mut() {
            Self::Done(answer) => answer.take().map_or(Poll::Pending, |answer| Poll::Ready(plain(answer))),
            Self::Going(routed) => Pin::new(routed).poll(context),
            Self::Delivering(answering) => answering.as_mut().poll(context).map(plain),
        }
    }
}

/// A request of a connection, until the head of its answer is there.
struct Answering {
    called: Called,
    version: Version,
    server: Arc<Server>,
    /// None once the answer has it.
    in_flight: Option<InFlight>,
}

impl Answering {
    fn new(server: &Arc<Server>, request: Request<Incoming>, activity: &Arc<Activity>, peer: SocketAddr) -> Self {
        let version = request.version();
        let in_flight = Some(activity.begin(version));
        let request = function::body::Request::new(request, |body| RequestBody::incoming(body, server.max_body_size, peer));
        let called = server.call(request, server.lazy_timers && version < Version::HTTP_2);
        Self { called, version, server: Arc::clone(server), in_flight }
    }
}

impl Future for Answering {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut polled = Pin::new(&mut self.called).poll(context);
        // Where it is: a response is large.
        let Poll::Ready(Ok(response)) = &mut polled else { return polled };
        response.body_mut().fly(self.in_flight.take());
        // Asked after the wait: a drain may have begun meanwhile.
        let upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if self.version < Version::HTTP_2 && !upgrade && self.server.draining.load(Relaxed) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        polled
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
