//! A connection that is opened when it is needed, shared by all calls, and opened anew when it was lost.

use std::{
    fmt, io,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::uri::{Authority, Scheme};
use hyper::{
    client::conn::http2::{Builder, SendRequest},
    rt::Executor,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::{sleep_until, timeout, timeout_at};

use super::{body::Outgoing, dial::Dialler};
use crate::{
    settings::{Endpoint, Place},
    sidecar::{SidecarCode, SidecarError},
};

/// How long a call waits for a sidecar that is not there: long enough for one that starts together with the function.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long one attempt to connect may take.
const ATTEMPT: Duration = Duration::from_secs(2);

const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A sidecar sends away who pings more often than every eight seconds.
const PING: Duration = Duration::from_secs(15);

/// One of the two APIs of a sidecar.
pub(super) struct Link {
    pub(super) endpoint: Endpoint,
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// The variables that say where it is, for errors.
    variables: &'static str,
    dialler: Dialler,
    open: Mutex<Option<Sender>>,
    /// One dials, and all that need the connection wait for it.
    dialling: tokio::sync::Mutex<()>,
    outage: Mutex<Outage>,
}

pub(super) type Sender = SendRequest<Outgoing>;

/// The attempts that have failed since the last one that did not.
#[derive(Debug, Default)]
struct Outage {
    since: Option<Instant>,
    failures: u32,
    /// Before it nobody tries again.
    next: Option<Instant>,
    why: Option<(io::ErrorKind, String)>,
}

impl Link {
    /// # Errors
    /// An endpoint that this build cannot reach, in words for who set it.
    pub(super) fn new(endpoint: Endpoint, variables: &'static str) -> Result<Self, String> {
        let dialler = Dialler::new(&endpoint).map_err(|why| format!("{variables}: {why}"))?;
        let authority = match &endpoint.place {
            Place::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Place::Tcp { host, port } => format!("{host}:{port}"),
            Place::Unix(_) => "localhost".to_owned(),
        };
        let authority = authority.parse().map_err(|error| format!("{variables}: `{endpoint}` is no address: {error}"))?;
        let scheme = if endpoint.tls { Scheme::HTTPS } else { Scheme::HTTP };
        let (open, dialling, outage) = (Mutex::default(), tokio::sync::Mutex::default(), Mutex::default());
        Ok(Self { endpoint, scheme, authority, variables, dialler, open, dialling, outage })
    }

    /// Gives the connection, and waits for it when it has to be opened: not longer than the deadline, and not longer than a
    /// sidecar needs to start.
    pub(super) async fn sender(&self, deadline: Option<Instant>) -> Result<Sender, SidecarError> {
        if let Some(sender) = self.open() {
            return Ok(sender);
        }
        let patience = Instant::now() + PATIENCE;
        let until = deadline.map_or(patience, |deadline| deadline.min(patience));
        match timeout_at(until.into(), self.connect()).await {
            Ok(Some(sender)) => Ok(sender),
            Ok(None) | Err(_) => Err(self.unreachable()),
        }
    }

    fn open(&self) -> Option<Sender> {
        let mut open = lock(&self.open);
        // A sidecar says goodbye to a connection that was idle for three minutes.
        if open.as_ref().is_some_and(SendRequest::is_closed) {
            *open = None;
        }
        open.clone()
    }

    /// None once the sidecar has been away for longer than anybody should wait for it.
    async fn connect(&self) -> Option<Sender> {
        let _alone = self.dialling.lock().await;
        loop {
            if let Some(sender) = self.open() {
                return Some(sender);
            }
            let (pause, old) = lock(&self.outage).begin();
            match pause {
                Some(_) if old => return None,
                Some(next) => sleep_until(next.into()).await,
                None => {}
            }
            match self.dial().await {
                Ok(sender) => {
                    *lock(&self.outage) = Outage::default();
                    *lock(&self.open) = Some(sender.clone());
                    return Some(sender);
                }
                Err(error) => {
                    tracing::debug!(sidecar = %self.endpoint, %error, "cannot connect to the Dapr sidecar");
                    if lock(&self.outage).failed(&error) {
                        return None;
                    }
                }
            }
        }
    }

    async fn dial(&self) -> io::Result<Sender> {
        let wire = timeout(ATTEMPT, self.dialler.dial(&self.endpoint)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        let handshake = Builder::new(Tasks)
            .timer(TokioTimer::new())
            // Only while a call waits: it then learns of a sidecar that is gone without a word.
            .keep_alive_interval(PING)
            .keep_alive_timeout(Duration::from_secs(10))
            .keep_alive_while_idle(false)
            .initial_stream_window_size(2 << 20)
            .initial_connection_window_size(4 << 20)
            .max_header_list_size(64 << 10)
            .handshake(TokioIo::new(wire));
        let (sender, connection) = handshake.await.map_err(io::Error::other)?;
        let endpoint = self.endpoint.clone();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(sidecar = %endpoint, %error, "the connection to the Dapr sidecar broke");
            }
        });
        Ok(sender)
    }

    /// The attempts that have failed since the last one that did not.
    #[cfg(test)]
    pub(super) fn failures(&self) -> u32 {
        lock(&self.outage).failures
    }

    fn unreachable(&self) -> SidecarError {
        let why = lock(&self.outage).why.clone();
        let (kind, text) = why.unwrap_or_else(|| (io::ErrorKind::TimedOut, "it does not answer".to_owned()));
        let Self { endpoint, variables, .. } = self;
        let message = format!(
            "no Dapr sidecar can be reached at {endpoint}: {variables} say where it is; at a desk start one (`dapr run`), or unset all DAPR_ variables for the local backend"
        );
        SidecarError::new(SidecarCode::Unavailable, message).caused_by(io::Error::new(kind, text))
    }
}

/// Runs the tasks of a connection.
#[derive(Clone)]
struct Tasks;

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        // hyper has one type for all of them, as large as the connection itself, and to spawn it is to move it several times.
        tokio::spawn(Box::pin(task));
    }
}

impl Outage {
    /// Before an attempt: until when to wait, and whether nobody should any more.
    fn begin(&mut self) -> (Option<Instant>, bool) {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        (self.next.filter(|next| *next > now), now.duration_since(since) >= PATIENCE)
    }

    /// After an attempt that failed; tells whether it was the last that anybody waits for.
    fn failed(&mut self, error: &io::Error) -> bool {
        let now = Instant::now();
        let pause = SHORTEST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.next = Some(now + pause);
        self.why = Some((error.kind(), error.to_string()));
        self.since.is_some_and(|since| now.duration_since(since) >= PATIENCE)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
