//! One function as it is served: its guard, and the way of a request through it.
//!
//! The guard is one place for all kinds: limits, timeout, panics, the status header and the log line.

mod running;

use std::{
    convert::Infallible,
    future::{Future, poll_fn, ready},
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    task::{Poll, ready},
    time::{Duration, Instant},
};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use http_body::Body as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};

pub(crate) use self::running::{Invocation, Running};
use super::{
    answer::Answer,
    crash::{self, Crash},
    ended::how_of_request,
    hooked::{self, Time},
    log::{Entry, Head, Log},
    status::Status,
    webhook,
};
use crate::{
    context::{Arrival, Context as FunctionContext, Origin},
    current::{self, Current},
    error::{Cause, Error},
    function::{
        Call, Deliveries, Handler, Kind,
        answered::Answered,
        body::Request,
        http::HttpIn,
        open_function::{ContextIn, respond},
    },
    hooks::{self, End, Hooks},
    outcome::Out,
    telemetry::{self, How, Invocations, Traces},
};

/// What the guard holds every function to.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) timeout: Option<Duration>,
    /// The invocations that may still begin, of all functions together.
    pub(crate) concurrency: Option<Arc<Semaphore>>,
    pub(crate) webhook_origins: Arc<[String]>,
    /// What runs around it; none when nothing does.
    pub(crate) hooks: Option<Arc<Hooks>>,
    pub(crate) traces: Traces,
}

/// A started function behind its guard.
pub(crate) struct Endpoint {
    handler: Handler,
    kind: Kind,
    route: String,
    /// The pattern it was given, if it was given one.
    path: Option<Box<str>>,
    /// The inputs that call it, in words.
    inputs: OnceLock<String>,
    origin: Arc<Origin>,
    limits: Limits,
    /// The deliveries that may still begin where nobody has set a limit.
    places: Arc<Semaphore>,
    deliveries: Deliveries,
    log: Log,
    running: AtomicUsize,
    begun_events: AtomicU64,
    /// The figures of what requests call.
    figures: Invocations,
}

/// As many events are handled at once unless another number is set: more wait, with all that they hold.
const DELIVERIES: usize = 256;

/// What became of a delivery: what the function answered, or failed with, unless it panicked.
pub(crate) type Delivered = Result<Result<Out, Error>, Crash>;

/// What became of a request, likewise. The answer of a function is put into its place, and stays there.
pub(super) type Outcome = Result<Result<(), Error>, Crash>;

/// That place: what the service of a connection returns, for an answer is large, and nobody on its way shall move it.
pub(super) type Reached = Poll<Result<Response<Answer>, Infallible>>;

/// One more that is running, until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn in_(running: &'a AtomicUsize) -> Self {
        running.fetch_add(1, Relaxed);
        Self(running)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Endpoint {
    pub(crate) fn new(
        handler: Handler,
        kind: Kind,
        route: String,
        origin: Arc<Origin>,
        limits: Limits,
        deliveries: Deliveries,
        log: Log,
    ) -> Self {
        let figures = Invocations::of(&origin.function, kind, None);
        let places = limits.concurrency.as_ref().map_or_else(|| Arc::new(Semaphore::new(DELIVERIES)), Arc::clone);
        Self {
            handler,
            kind,
            route,
            path: None,
            inputs: OnceLock::new(),
            origin,
            limits,
            places,
            deliveries,
            log,
            running: AtomicUsize::new(0),
            begun_events: AtomicU64::new(0),
            figures,
        }
    }

    /// Says which pattern it was given.
    pub(crate) fn at(self, path: Option<&str>) -> Self {
        Self { path: path.map(Into::into), ..self }
    }

    /// The events it asks for.
    pub(crate) const fn deliveries(&self) -> Deliveries {
        self.deliveries
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it is served, in words.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// The inputs that call it, in words; none when it is called by requests only.
    pub(crate) fn inputs(&self) -> Option<&str> {
        self.inputs.get().map(String::as_str)
    }

    /// Notes which inputs call it.
    pub(crate) fn called_by(&self, inputs: String) {
        // They are assigned once.
        let _ = self.inputs.set(inputs);
    }

    pub(crate) fn name(&self) -> &str {
        &self.origin.function
    }

    /// The time a call has from outside; hooks see to it inside, and to what comes after it.
    const fn limit(&self) -> Option<Duration> {
        if self.limits.hooks.is_some() { None } else { self.limits.timeout }
    }

    /// The invocations going on now.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Relaxed)
    }

    /// The events that it was ever called with.
    pub(crate) fn begun_events(&self) -> u64 {
        self.begun_events.load(Relaxed)
    }

    /// Calls the function with an event, within the limits of every call; gives back what is known of the invocation. Unlike a
    /// request it waits for its place: who brought it has nobody to ask but the function.
    ///
    /// `begins` hears when it has its place.
    pub(crate) async fn deliver(
        &self,
        mut arrival: Arrival,
        payload: Bytes,
        begins: impl FnOnce(),
    ) -> (Delivered, Option<Current>) {
        self.begun_events.fetch_add(1, Relaxed);
        // The semaphore is never closed, so there is always a place in the end.
        let _place = self.places.acquire().await;
        begins();
        let _running = Counted::in_(&self.running);
        let limit = self.limits.timeout;
        arrival.scope.deadline = limit.map(|limit| Instant::now() + limit);
        let span = self.limits.traces.delivery(self.name(), &arrival);
        arrival.scope.span = span.clone();
        let context = FunctionContext::new(Arc::clone(&self.origin), arrival);
        let mut current = Some(Current::of_delivery(Arc::clone(&self.origin), context.clone()).traced(span));
        let Handler::OpenFunction(handler) = &self.handler else {
            return (Ok(Err(Error::new(format!("`{}` is no OpenFunction function", self.name())))), current);
        };
        if let Some(hooks) = &self.limits.hooks {
            let time = Time { started: Instant::now(), limit };
            let call = |context, payload| (handler.deliver)(ContextIn::new(context, payload, None));
            let delivered = hooked::deliver(hooks, Arc::clone(&self.origin), (context, payload), time, call);
            // In a place of its own, so that deliveries without hooks stay small.
            let mut delivered = Box::pin(delivered);
            let delivered = poll_fn(|task| current::during(&mut current, || delivered.as_mut().poll(task))).await;
            return (delivered, current);
        }
        let mut call = match crash::contain(|| (handler.deliver)(ContextIn::new(context, payload, None))) {
            Ok(call) => call,
            Err(crash) => return (Err(crash), current),
        };
        let mut timer = None;
        let delivered = poll_fn(|task| {
            let polled = current::during(&mut current, || crash::contain(|| call.as_mut().poll(task)));
            if let Poll::Ready(done) = polled.map_or_else(|crash| Poll::Ready(Err(crash)), |polled| polled.map(Ok)) {
                return Poll::Ready(done);
            }
            let Some(limit) = limit else { return Poll::Pending };
            // Most functions that wait do not wait long, but only a timer tells.
            let timer: &mut Pin<Box<Sleep>> = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
            ready!(timer.as_mut().poll(task));
            Poll::Ready(Ok(Err(Time::too_late(limit))))
        });
        let delivered = delivered.await;
        (delivered, current)
    }

    /// Completes the answer by what became of the call, and tells the log.
    fn finish(
        &self,
        outcome: Outcome,
        answer: &mut Reached,
        admitted: bool,
        head: &Head,
        started: Instant,
        current: &mut Option<Current>,
    ) {
        let how = How::look(|| if admitted { how_of_request(&outcome, answer) } else { How::Refused });
        let gone = matches!(&outcome, Ok(Err(error)) if error.is_gone());
        let cause = match outcome {
            Ok(Ok(())) => match answer {
                Poll::Ready(Ok(response)) if Status::of(response.status()) == Status::Error => {
                    response.extensions_mut().remove::<Cause>().map(|Cause(text)| text)
                }
                _ => None,
            },
            Ok(Err(error)) => {
                let cause = error.line();
                *answer = Poll::Ready(Ok(failed(error, Status::Error).map(Answer::from)));
                Some(cause)
            }
            Err(crash) => {
                *answer = Poll::Ready(Ok(failed(Error::new("the function panicked"), Status::Crash).map(Answer::from)));
                Some(crash.to_string())
            }
        };
        // There is one by now, whatever happened.
        let Poll::Ready(Ok(response)) = answer else { return };
        self.figures.ended(how, started, || response.body().size_hint().exact());
        telemetry::ended(current.as_mut(), how, Some(response.status()), cause.as_deref());
        self.log.write(
            current,
            &Entry {
                head,
                function: self.name(),
                events: self.kind != Kind::Http,
                status: response.status(),
                gone,
                cause: cause.as_deref(),
                started,
            },
        );
    }

    /// Lets a request in, or says why not.
    fn admit(&self, request: &Request) -> Result<Option<OwnedSemaphorePermit>, Error> {
        if request.body().is_declared_too_large() {
            return Err(Error::too_large());
        }
        let permit = match &self.limits.concurrency {
            None => None,
            Some(semaphore) => Some(Arc::clone(semaphore).try_acquire_owned().map_err(|_| {
                let cause = "as many invocations as FUNCTION_CONCURRENCY allows are running";
                Error::status(StatusCode::SERVICE_UNAVAILABLE, cause)
                    .detail("the server is busy: try again later")
                    .header(RETRY_AFTER, HeaderValue::from_static("1"))
            })?),
        };
        self.running.fetch_add(1, Relaxed);
        self.figures.began(request.body().declared());
        Ok(permit)
    }

    /// Calls the function through its hooks, where there are any.
    fn invoke(self: &Arc<Self>, request: Request, started: Instant) -> Call<Answered> {
        match &self.limits.hooks {
            None => self.invoke_function(request, started),
            Some(hooks) => self.invoke_hooked(hooks, request, started),
        }
    }

    #[cold]
    fn invoke_hooked(self: &Arc<Self>, hooks: &Arc<Hooks>, mut request: Request, started: Instant) -> Call<Answered> {
        if self.kind == Kind::CloudEvent
            && let Some(handshake) = webhook::handshake(&request, &self.limits.webhook_origins)
        {
            // Nobody has sent an event yet.
            return Box::pin(ready(Ok(Answered::Response(handshake))));
        }
        let (endpoint, hooks) = (Arc::clone(self), Arc::clone(hooks));
        Box::pin(async move {
            request.head();
            let (head, body) = request.into_parts();
            let invocation = hooks::Invocation::of_request(Arc::clone(&endpoint.origin), endpoint.kind, head);
            let time = Time { started, limit: endpoint.limits.timeout };
            let keep = !hooks.after.is_empty();
            let ended = hooked::around(&hooks, invocation, time, |invocation| {
                endpoint.invoke_function(Request::from_parts(invocation.hand_over(keep), body), started)
            });
            match ended.await {
                Ok(End::Answered(hooks::Answer::Response(response))) => Ok(Answered::Response(response)),
                Ok(End::Answered(hooks::Answer::Out(out))) => Ok(respond(out)),
                Ok(End::Failed(error)) if endpoint.kind == Kind::Http => Err(error),
                Ok(End::Failed(error)) => Err(error.status_for_event()),
                Ok(End::Crashed(what)) => Err(Error::new(what)),
                Err(crash) => crash.resume(),
            }
        })
    }

    /// Calls the function. Only here is a future allocated, so that all around it stays small: a large one would be copied
    /// at every step from the socket to here.
    fn invoke_function(&self, request: Request, started: Instant) -> Call<Answered> {
        match &self.handler {
            Handler::Http(handler) => handler(HttpIn::new(request)),
            Handler::CloudEvent(handler) => match webhook::handshake(&request, &self.limits.webhook_origins) {
                Some(handshake) => Box::pin(ready(Ok(Answered::Response(handshake)))),
                None => (handler.answer)(request),
            },
            Handler::OpenFunction(handler) => {
                let deadline = self.limits.timeout.map(|limit| started + limit);
                (handler.answer)(Arc::clone(&self.origin), request, deadline)
            }
        }
    }
}

/// Answers in the place of a function, which no request reached or whose layers panicked, and tells the log.
pub(crate) fn answer_without(error: Error, crash: Option<&Crash>, head: &Head, started: Instant, log: Log) -> Response {
    let (status, cause) = (error.status_code(), crash.map(ToString::to_string));
    log.line(&Entry { head, function: "", events: false, status, gone: false, cause: cause.as_deref(), started });
    failed(error, if crash.is_some() { Status::Crash } else { Status::Error })
}

/// The answer where there is none of a function.
fn failed(error: Error, status: Status) -> Response {
    let mut response = error.into_response();
    status.tell(response.headers_mut());
    response
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name()).field("kind", &self.kind).finish_non_exhaustive()
    }
}
