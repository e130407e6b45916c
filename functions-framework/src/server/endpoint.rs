//! One function as it is served: its guard, and the way of a request through it.
//!
//! The guard is one place for all kinds: limits, timeout, panics, the status header and the log line.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};
use http_body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    crash::{Contained, Crash},
    log::{Entry, Head, Log},
    webhook,
};
use crate::{
    context::Origin,
    error::{Cause, Error},
    function::{Handler, Kind, body::Request, cloud_event, http::HttpIn, open_function},
};

/// What every answer of a function says of it (OpenFunction's own header).
const STATUS: HeaderName = HeaderName::from_static("x-openfunction-status");
const SUCCESS: HeaderValue = HeaderValue::from_static("success");
const ERROR: HeaderValue = HeaderValue::from_static("error");
const CRASH: HeaderValue = HeaderValue::from_static("crash");

/// What the guard holds every function to.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) timeout: Option<Duration>,
    /// The invocations that may still begin, of all functions together.
    pub(crate) concurrency: Option<Arc<Semaphore>>,
    pub(crate) webhook_origins: Arc<[String]>,
}

/// A started function behind its guard.
pub(crate) struct Endpoint {
    handler: Handler,
    kind: Kind,
    route: String,
    origin: Origin,
    limits: Limits,
    log: Log,
    running: Arc<AtomicUsize>,
}

/// An invocation that is going on; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Invocation {
    function: Arc<str>,
    running: Arc<AtomicUsize>,
    complete: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Invocation {
    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    /// Ends it with the answer handed over, or failed for a reason that was logged.
    pub(crate) fn complete(mut self) {
        self.complete = true;
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        self.running.fetch_sub(1, Relaxed);
        if !self.complete {
            tracing::debug!(function = &*self.function, "the client went away before the answer was complete");
        }
    }
}

impl Endpoint {
    pub(crate) fn new(handler: Handler, kind: Kind, route: String, origin: Origin, limits: Limits, log: Log) -> Self {
        Self { handler, kind, route, origin, limits, log, running: Arc::default() }
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it is served, in words.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    pub(crate) fn name(&self) -> &str {
        &self.origin.function
    }

    /// The invocations going on now.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Relaxed)
    }

    /// Answers a request. The invocation comes along when it goes on: a body that is still being written is part of it.
    pub(crate) async fn call(&self, request: Request) -> (Response, Option<Invocation>) {
        let started = Instant::now();
        let head = Head::of(&request);
        let (outcome, invocation) = match self.admit(&request) {
            Ok(invocation) => (self.run(request).await, Some(invocation)),
            Err(refusal) => (Ok(Err(refusal)), None),
        };
        let (mut response, status, cause) = match outcome {
            Ok(Ok(response)) if response.status().as_u16() < 400 => (response, SUCCESS, None),
            Ok(Ok(mut response)) => {
                let cause = response.extensions_mut().remove::<Cause>();
                (response, ERROR, cause.map(|Cause(text)| text))
            }
            Ok(Err(error)) => {
                let cause = format!("{error:#}");
                (error.into_response(), ERROR, Some(cause))
            }
            Err(crash) => {
                let error = Error::new("the function panicked");
                (error.into_response(), CRASH, Some(crash.to_string()))
            }
        };
        response.headers_mut().insert(STATUS, status);
        self.log.write(&Entry {
            head: &head,
            function: self.name(),
            events: self.kind != Kind::Http,
            status: response.status(),
            cause: cause.as_deref(),
            started,
        });
        let streams = response.body().size_hint().exact().is_none();
        match invocation {
            Some(invocation) if streams => (response, Some(invocation)),
            Some(invocation) => {
                invocation.complete();
                (response, None)
            }
            None => (response, None),
        }
    }

    /// Lets a request in, or says why not.
    fn admit(&self, request: &Request) -> Result<Invocation, Error> {
        if request.body().is_declared_too_large() {
            return Err(Error::too_large());
        }
        let permit = match &self.limits.concurrency {
            None => None,
            Some(semaphore) => Some(Arc::clone(semaphore).try_acquire_owned().map_err(|_| {
                let text = "as many invocations as FUNCTION_CONCURRENCY allows are running";
                Error::refused(StatusCode::SERVICE_UNAVAILABLE, text).header(RETRY_AFTER, HeaderValue::from_static("1"))
            })?),
        };
        self.running.fetch_add(1, Relaxed);
        let function = Arc::clone(&self.origin.function);
        Ok(Invocation { function, running: Arc::clone(&self.running), complete: false, _permit: permit })
    }

    /// Calls the function within its time.
    async fn run(&self, request: Request) -> Result<Result<Response, Error>, Crash> {
        let invoked = Contained::new(self.invoke(request));
        let Some(limit) = self.limits.timeout else { return invoked.await };
        // The future is dropped with the timeout, and with it all that the function held.
        tokio::time::timeout(limit, invoked).await.unwrap_or_else(|_| {
            let text = format!("no answer within {} s (FUNCTION_TIMEOUT)", limit.as_secs_f64());
            Ok(Err(Error::status(StatusCode::GATEWAY_TIMEOUT, text)))
        })
    }

    async fn invoke(&self, request: Request) -> Result<Response, Error> {
        match &self.handler {
            Handler::Http(handler) => Ok(handler(HttpIn::new(request)).await),
            Handler::CloudEvent(handler) => {
                if let Some(handshake) = webhook::handshake(&request, &self.limits.webhook_origins) {
                    return Ok(handshake);
                }
                cloud_event::answer(handler, request).await
            }
            Handler::OpenFunction(handler) => open_function::answer(handler, self.origin.clone(), request).await,
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name()).field("kind", &self.kind).finish_non_exhaustive()
    }
}
