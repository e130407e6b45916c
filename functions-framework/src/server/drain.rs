//! The end of a process: nothing that was accepted is left without its answer.

use std::{
    fmt, io,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::net::TcpListener;

use super::Server;

/// How long a kept-alive connection may still bring a request before it is closed. A client that is about to send one when
/// the signal comes gets its answer, with `Connection: close`, rather than a reset.
const LINGER: Duration = Duration::from_secs(1);

/// Why a drain ended with work undone.
#[derive(Debug)]
pub(crate) enum Unfinished {
    OutOfTime(Duration),
    Port(io::Error),
    /// A second signal came.
    Again(&'static str),
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfTime(grace) => write!(f, "the drain ran out of its {} s (FUNCTION_SHUTDOWN_GRACE)", grace.as_secs_f64()),
            Self::Port(error) => write!(f, "the port could not be closed: {error}"),
            Self::Again(signal) => write!(f, "{signal} came a second time"),
        }
    }
}

/// Closes the port, then waits until every connection has its answers and is closed.
pub(crate) async fn drain(server: &Arc<Server>, listener: TcpListener, grace: Duration) -> Result<(), Unfinished> {
    server.draining.store(true, Relaxed);
    server.close(listener).map_err(Unfinished::Port)?;
    let connections = &server.connections;
    let done = async {
        if tokio::time::timeout(LINGER.min(grace / 2), connections.all_closed()).await.is_err() {
            connections.finish();
            connections.all_closed().await;
        }
    };
    tokio::time::timeout(grace, done).await.map_err(|_| Unfinished::OutOfTime(grace))
}

/// The signals that end a process.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one and returns its name.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one and returns its name.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            // Without signals the process runs until it is killed.
            Err(_) => std::future::pending().await,
        }
    }
}
