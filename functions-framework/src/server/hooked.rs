//! The way of an invocation through its hooks: those before, the function, those after.
//!
//! Limits, panics and errors are seen to here, piece by piece, since the hooks after a function want to know what became of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::StatusCode;
use tokio::time::timeout_at;

use super::crash::{self, Crash};
use crate::{
    context::{Context, Origin},
    error::{Error, Result},
    function::{BoxFuture, Call, Kind},
    hooks::{Answer, End, Hooks, Invocation, OnError, Outcome},
    outcome::Out,
};

/// How long an invocation may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    pub(crate) started: Instant,
    pub(crate) limit: Option<Duration>,
}

impl Time {
    /// Makes the error of what took too long.
    pub(super) fn too_late(limit: Duration) -> Error {
        let text = format!("no answer within {} s (FUNCTION_TIMEOUT)", limit.as_secs_f64());
        Error::status(StatusCode::GATEWAY_TIMEOUT, text)
    }
}

/// Delivers an event to a function through its hooks.
pub(crate) async fn deliver(
    hooks: &Hooks,
    origin: Arc<Origin>,
    (context, payload): (Context, Bytes),
    time: Time,
    call: impl FnOnce(Context, Bytes) -> Call<Out>,
) -> std::result::Result<Result<Out>, Crash> {
    let invocation = Invocation::of_delivery(origin, Kind::OpenFunction, context.clone(), payload.clone());
    let ended = around(hooks, invocation, time, |invocation| {
        invocation.extend_context();
        call(context, payload)
    });
    match ended.await? {
        End::Answered(Answer::Out(out)) => Ok(Ok(out)),
        End::Failed(error) => Ok(Err(error)),
        // Neither is what comes of a delivery.
        End::Answered(Answer::Response(_)) | End::Crashed(_) => Ok(Err(Error::new("a hook changed what an event is answered"))),
    }
}

/// Runs the hooks of an invocation around its function; a crash that no hook has put something else in place of is an error.
pub(super) async fn around<T: Into<Answer>>(
    hooks: &Hooks,
    mut invocation: Invocation,
    time: Time,
    function: impl FnOnce(&mut Invocation) -> Call<T>,
) -> std::result::Result<End, Crash> {
    crash::contain(|| invocation.enliven(hooks)).map_err(|crash| crash.of("the making of hooks"))?;
    let mut passage = Passage { hooks, over_http: invocation.request().is_some(), crash: None };
    let mut entered = Vec::with_capacity(hooks.before.len());
    let outcome = match passage.before(&mut invocation, time, &mut entered).await {
        Some(stopped) => stopped,
        None => passage.function(&mut invocation, time, function).await,
    };
    let outcome = passage.after(&mut invocation, outcome, time, &entered).await;
    crash::contain(|| drop(invocation)).map_err(|crash| crash.of("the end of a hook"))?;
    match (outcome.into_end(), passage.crash) {
        (End::Crashed(_), Some(crash)) => Err(crash),
        (end, _) => Ok(end),
    }
}

/// One invocation on its way.
struct Passage<'a> {
    hooks: &'a Hooks,
    over_http: bool,
    /// What the outcome knows the words of.
    crash: Option<Crash>,
}

impl Passage<'_> {
    /// Runs those before the function, and notes who did; gives the outcome when one of them stops the invocation.
    async fn before(&mut self, invocation: &mut Invocation, time: Time, entered: &mut Vec<usize>) -> Option<Outcome> {
        for &index in &self.hooks.before {
            let Some(mut hook) = invocation.take(index) else { continue };
            let ended = ended(|| hook.before(invocation), time).await;
            invocation.put_back(index, hook);
            let failure = match self.named(index, ended) {
                Ok(Ok(())) => {
                    self.passed(invocation, index);
                    entered.push(index);
                    continue;
                }
                Ok(Err(error)) => Failure::Error(error),
                Err(crash) => Failure::Crash(crash),
            };
            if self.hooks.on_error == OnError::Fail {
                return Some(self.outcome(failure));
            }
            self.log(invocation, index, &failure);
        }
        None
    }

    async fn function<T: Into<Answer>>(
        &mut self,
        invocation: &mut Invocation,
        time: Time,
        function: impl FnOnce(&mut Invocation) -> Call<T>,
    ) -> Outcome {
        match ended(|| function(invocation), time).await {
            Ok(Ok(answer)) => Outcome::new(End::Answered(answer.into()), self.over_http),
            Ok(Err(error)) => self.outcome(Failure::Error(error)),
            Err(crash) => self.outcome(Failure::Crash(crash)),
        }
    }

    /// Runs those after the function that have nothing of their own before it, or entered.
    async fn after(&mut self, invocation: &mut Invocation, mut outcome: Outcome, time: Time, entered: &[usize]) -> Outcome {
        // They have the limit once more: a function that used it all up is what they are there to see.
        let time = Time { started: Instant::now(), ..time };
        for &index in &self.hooks.after {
            if self.hooks.before.contains(&index) && !entered.contains(&index) {
                continue;
            }
            let Some(mut hook) = invocation.take(index) else { continue };
            let ended = ended(|| hook.after(invocation, &mut outcome), time).await;
            invocation.put_back(index, hook);
            let failure = match self.named(index, ended) {
                Ok(Ok(())) => {
                    self.passed(invocation, index);
                    continue;
                }
                Ok(Err(error)) => Failure::Error(error),
                Err(crash) => Failure::Crash(crash),
            };
            // What failed first is what somebody must know.
            if self.hooks.on_error == OnError::Fail && outcome.is_success() {
                outcome = self.outcome(failure);
            } else {
                self.log(invocation, index, &failure);
            }
        }
        outcome
    }

    /// Says which hook it was.
    fn named(&self, index: usize, ended: Ended<()>) -> Ended<()> {
        let hook = || format!("hook `{}`", self.hooks.name(index));
        ended.map(|done| done.map_err(|error| error.context(hook()))).map_err(|crash| crash.of(&hook()))
    }

    fn outcome(&mut self, failure: Failure) -> Outcome {
        let end = match failure {
            Failure::Error(error) => End::Failed(error),
            Failure::Crash(crash) => {
                let what = crash.to_string();
                self.crash = Some(crash);
                End::Crashed(what)
            }
        };
        Outcome::new(end, self.over_http)
    }

    fn log(&self, invocation: &Invocation, index: usize, failure: &Failure) {
        let error = match failure {
            Failure::Error(error) => error.line(),
            Failure::Crash(crash) => crash.to_string(),
        };
        // A hook that fails at every request must not be all that the log says.
        if let Some(silent) = self.hooks.failures(index).failed(Instant::now(), &error) {
            let (function, hook) = (invocation.function(), self.hooks.name(index));
            tracing::error!(function, hook, error, silent, "a hook failed");
        }
    }

    /// Tells of failures of a hook that were not logged, once it does what it should.
    fn passed(&self, invocation: &Invocation, index: usize) {
        let silent = self.hooks.failures(index).passed(Instant::now);
        if silent > 0 {
            let (function, hook) = (invocation.function(), self.hooks.name(index));
            tracing::warn!(function, hook, silent, "a hook had failed, which was not logged one by one");
        }
    }
}

enum Failure {
    Error(Error),
    Crash(Crash),
}

type Ended<T> = std::result::Result<Result<T>, Crash>;

/// Runs user code to its end, its panic or its time. What it holds is gone when this returns; a panic on the way is still its own.
async fn ended<'a, T>(begin: impl FnOnce() -> BoxFuture<'a, Result<T>>, time: Time) -> Ended<T> {
    let mut code = crash::contain(begin)?;
    let end = time.limit.and_then(|limit| Some((limit, time.started.checked_add(limit)?)));
    let Some((limit, end)) = end else { return crash::contained(code).await };
    match timeout_at(end.into(), crash::contained(code.as_mut())).await {
        Ok(ended) => ended,
        Err(_) => crash::contain(|| drop(code)).map(|()| Err(Time::too_late(limit))),
    }
}

#[cfg(test)]
mod tests;
