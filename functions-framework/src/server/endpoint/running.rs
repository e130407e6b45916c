//! A request on its way through its function, from the guard to the last byte of the answer.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::response::Response;
use tokio::{sync::OwnedSemaphorePermit, time::Sleep};

use super::{
    super::{answer::Answer, crash, hooked::Time, log::Head},
    Endpoint, Outcome, Reached,
};
use crate::{
    current::{self, Current},
    function::{Call, answered::Answered, body::Request},
    telemetry::{self, Called, How},
};

impl Endpoint {
    /// Begins to answer a request, of which something may be `known` already. Whoever polls the answer `anyway`, now and then,
    /// allows its timer to be set late.
    pub(crate) fn call(self: &Arc<Self>, request: Request, known: Option<Current>, anyway: bool) -> Running {
        let started = Instant::now();
        let head = Head::of(request.method(), request.uri());
        let called = Called { function: self.name(), kind: self.kind, path: self.path.as_deref() };
        let span = self.limits.traces.request(&request, called);
        let current = match known {
            None => Current::of_request(&self.origin, request.headers()),
            Some(known) => known.routed_to(&self.origin),
        };
        let current = Some(current.traced(span));
        let (call, admitted, permit) = match self.admit(&request) {
            Ok(permit) => (self.invoke(request, started), true, permit),
            Err(refusal) => (Box::pin(std::future::ready(Err(refusal))) as Call<Answered>, false, None),
        };
        let invocation = Invocation { endpoint: Arc::clone(self), admitted, complete: false, current, _permit: permit };
        Running { call: Some(call), invocation: Some(invocation), head, started, timer: None, patient: anyway }
    }
}

/// A call that is going on, within its limits.
pub(crate) struct Running {
    /// Both are none once the answer is there.
    call: Option<Call<Answered>>,
    invocation: Option<Invocation>,
    head: Head,
    started: Instant,
    /// Set when the function does not answer soon, which most do.
    timer: Option<Pin<Box<Sleep>>>,
    /// Another poll will come in any case, and is early enough to set the timer.
    patient: bool,
}

impl Running {
    /// Waits for the time of a function that has not answered to run out.
    fn poll_timer(&mut self, limit: Option<Duration>, context: &mut Context<'_>) -> Poll<Outcome> {
        let Some(limit) = limit else { return Poll::Pending };
        if std::mem::take(&mut self.patient) {
            return Poll::Pending;
        }
        let timer =
            self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit.saturating_sub(self.started.elapsed()))));
        timer.as_mut().poll(context).map(|()| Ok(Err(Time::too_late(limit))))
    }
}

impl Future for Running {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Reached {
        let this = self.get_mut();
        // An answer is large: it is made where it is returned from, on every way out.
        let mut answer = Poll::Pending;
        let (Some(call), Some(invocation)) = (&mut this.call, &mut this.invocation) else { return answer };
        let polled = invocation.during(|| {
            crash::contain(|| {
                let answered = call.as_mut().poll(context);
                answered.map_ok(|answered| answer = Poll::Ready(Ok(Answer::begin(answered, context))))
            })
        });
        let outcome = match polled {
            Ok(Poll::Ready(output)) => Ok(output),
            Err(crash) => Err(crash),
            Ok(Poll::Pending) => {
                let limit = invocation.endpoint.limit();
                let Poll::Ready(late) = this.poll_timer(limit, context) else { return answer };
                // What the function holds goes before its answer does; a panic on the way is still its own.
                let call = this.call.take();
                match &mut this.invocation {
                    Some(invocation) => invocation.during(|| crash::contain(|| drop(call))).and(late),
                    None => late,
                }
            }
        };
        this.call = None;
        let Some(mut invocation) = this.invocation.take() else { return answer };
        let Invocation { endpoint, admitted, current, .. } = &mut invocation;
        endpoint.finish(outcome, &mut answer, *admitted, &this.head, this.started, current);
        if let Poll::Ready(Ok(response)) = &mut answer {
            Answer::last(response, invocation, this.head.is_head());
        }
        answer
    }
}

/// A request at its function, from the guard to the last byte of the answer; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Invocation {
    endpoint: Arc<Endpoint>,
    /// The guard let it in.
    admitted: bool,
    /// The answer was handed over, or failed for a reason that was logged.
    complete: bool,
    /// What lines that are logged meanwhile say of it.
    current: Option<Current>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Invocation {
    pub(crate) fn function(&self) -> &str {
        self.endpoint.name()
    }

    /// Runs a part of it.
    pub(crate) fn during<T>(&mut self, run: impl FnOnce() -> T) -> T {
        current::during(&mut self.current, run)
    }

    /// Ends it as it should end.
    pub(crate) fn complete(mut self) {
        self.complete = true;
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        if self.admitted {
            self.endpoint.running.fetch_sub(1, Relaxed);
            self.endpoint.figures.over();
        }
        if !self.complete {
            let Self { endpoint, current, .. } = self;
            telemetry::ended(current.as_mut(), How::Gone, None, Some("the client went away"));
            current::during(current, || {
                tracing::debug!(function = endpoint.name(), "the client went away before the answer was complete");
            });
        }
    }
}
