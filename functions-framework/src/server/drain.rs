//! The end of a process: nothing that was accepted is left without its answer.

use std::{
    fmt, io,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::net::TcpListener;

use super::{Server, endpoint::Endpoint};

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

/// How long no event may have come for the sidecar to be done with them.
const QUIET: Duration = Duration::from_millis(250);

/// The longest wait for that; a sidecar that goes on for longer is not ending itself.
const STILL_COMING: Duration = Duration::from_secs(5);

/// Waits until no more events come, closes the port, then waits until every connection has its answers and is closed.
pub(crate) async fn drain(
    server: &Arc<Server>,
    endpoints: &[Arc<Endpoint>],
    listener: TcpListener,
    signal: &'static str,
    grace: Duration,
) -> Result<(), Unfinished> {
    let began = Instant::now();
    server.leaving.store(true, Relaxed);
    tokio::select! {
        never = server.accept(&listener) => match never {},
        () = quiet(endpoints, STILL_COMING.min(grace / 3)) => {}
    }
    server.draining.store(true, Relaxed);
    server.close(listener).map_err(Unfinished::Port)?;
    let connections = &server.connections;
    // Said once it is so: whoever reads it may rely on it.
    tracing::info!(signal, connections = connections.count(), "draining");
    let done = async {
        if tokio::time::timeout(LINGER.min(grace / 2), connections.all_closed()).await.is_err() {
            connections.finish();
            connections.all_closed().await;
        }
    };
    let left = grace.saturating_sub(began.elapsed());
    tokio::time::timeout(left, done).await.map_err(|_| Unfinished::OutOfTime(grace))
}

/// Waits, with the port still open, until the sidecar brings no more events; where none ever came, not at all.
///
/// On Kubernetes it is told to end at the same time. An event that finds the port closed is one that failed: some brokers
/// acknowledge it then, and some give it to the dead letters (contract dapr.md §1.6, §1.9).
async fn quiet(endpoints: &[Arc<Endpoint>], most: Duration) {
    let events = || endpoints.iter().map(|endpoint| endpoint.begun_events()).sum::<u64>();
    let (began, mut last, mut since) = (Instant::now(), events(), Instant::now());
    while last > 0 && since.elapsed() < QUIET && began.elapsed() < most {
        tokio::time::sleep(QUIET / 10).await;
        let (now, busy) = (events(), endpoints.iter().any(|endpoint| endpoint.running() > 0));
        if busy || now != last {
            (last, since) = (now, Instant::now());
        }
    }
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
