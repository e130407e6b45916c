//! What became of an invocation, as a hook sees and changes it.

use std::borrow::Cow;

use axum::response::Response;
use http::StatusCode;

use crate::{
    error::{Cause, Error},
    function::{answered::Answered, open_function::respond},
    outcome::Out,
};

/// Tells a hook what became of the function, and takes something else in its place.
///
/// A function that was called over HTTP has answered a response, one that an event called an [`Out`]; or it has failed, or
/// panicked. An HTTP function that returns an error has answered a response with its status.
#[derive(Debug)]
pub struct Outcome {
    end: End,
    over_http: bool,
}

/// How an invocation ended.
#[derive(Debug)]
pub(crate) enum End {
    Answered(Answer),
    Failed(Error),
    /// Of the function or a hook, with what is known of the panic.
    Crashed(String),
}

/// What a function answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Response(Response),
    Out(Out),
}

impl From<Answered> for Answer {
    fn from(answered: Answered) -> Self {
        Self::Response(answered.into_response())
    }
}

impl From<Out> for Answer {
    fn from(out: Out) -> Self {
        Self::Out(out)
    }
}

impl Outcome {
    pub(crate) const fn new(end: End, over_http: bool) -> Self {
        Self { end, over_http }
    }

    pub(crate) fn into_end(self) -> End {
        self.end
    }

    /// Tells whether it went well: a status below 400, an event that is done.
    pub fn is_success(&self) -> bool {
        match &self.end {
            End::Answered(Answer::Response(response)) => response.status().as_u16() < 400,
            End::Answered(Answer::Out(out)) => out.verdict().is_success(),
            End::Failed(_) | End::Crashed(_) => false,
        }
    }

    /// Tells whether the function, or a hook, panicked.
    pub const fn is_crash(&self) -> bool {
        matches!(self.end, End::Crashed(_))
    }

    /// Returns the status that an HTTP caller gets, or would get.
    pub fn status(&self) -> StatusCode {
        match &self.end {
            End::Answered(Answer::Response(response)) => response.status(),
            End::Answered(Answer::Out(out)) => out.status_code(),
            End::Failed(error) => error.status_code(),
            End::Crashed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the response of a function that was called over HTTP and has answered.
    pub const fn response(&self) -> Option<&Response> {
        match &self.end {
            End::Answered(Answer::Response(response)) => Some(response),
            _ => None,
        }
    }

    /// Returns the same to change it.
    ///
    /// ```
    /// use functions_framework::{Result, hooks::{Hook, Invocation, Outcome}};
    ///
    /// #[derive(Clone)]
    /// struct NoStore;
    ///
    /// impl Hook for NoStore {
    ///     fn name(&self) -> &str { "no-store" }
    ///     async fn after(&mut self, _: &Invocation, outcome: &mut Outcome) -> Result<()> {
    ///         if let Some(response) = outcome.response_mut() {
    ///             response.headers_mut().insert("cache-control", "no-store".parse()?);
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub const fn response_mut(&mut self) -> Option<&mut Response> {
        match &mut self.end {
            End::Answered(Answer::Response(response)) => Some(response),
            _ => None,
        }
    }

    /// Returns what a function that an event called has answered.
    pub const fn out(&self) -> Option<&Out> {
        match &self.end {
            End::Answered(Answer::Out(out)) => Some(out),
            _ => None,
        }
    }

    /// Returns the same to change it.
    pub const fn out_mut(&mut self) -> Option<&mut Out> {
        match &mut self.end {
            End::Answered(Answer::Out(out)) => Some(out),
            _ => None,
        }
    }

    /// Returns the error of an invocation that failed, by a timeout or a hook too.
    ///
    /// That of an HTTP function has become its response: [`why`](Self::why) has the words.
    pub const fn error(&self) -> Option<&Error> {
        match &self.end {
            End::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Returns why it did not go well, in words for a log and never for a caller, where that is known.
    pub fn why(&self) -> Option<Cow<'_, str>> {
        match &self.end {
            End::Answered(Answer::Response(response)) if !self.is_success() => {
                response.extensions().get::<Cause>().map(|Cause(text)| text.as_str().into())
            }
            End::Answered(_) => None,
            End::Failed(error) => Some(error.line().into()),
            End::Crashed(what) => Some(what.as_str().into()),
        }
    }

    /// Makes it a failure with this error.
    ///
    /// An error that `after` returns does so too, unless there is a failure already.
    pub fn fail(&mut self, error: Error) {
        self.end = End::Failed(error);
    }

    /// Answers this instead of what the function answered or failed with, over HTTP as well as to an event.
    ///
    /// ```
    /// use functions_framework::{Out, Result, hooks::{Hook, Invocation, Outcome}};
    ///
    /// #[derive(Clone)]
    /// struct Sorry;
    ///
    /// impl Hook for Sorry {
    ///     fn name(&self) -> &str { "sorry" }
    ///     async fn after(&mut self, _: &Invocation, outcome: &mut Outcome) -> Result<()> {
    ///         if outcome.is_crash() {
    ///             outcome.answer(Out::data("come back later\n").status(503));
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn answer(&mut self, out: Out) {
        self.end = match out.checked() {
            Ok(out) if self.over_http => End::Answered(respond(out).into()),
            Ok(out) => End::Answered(Answer::Out(out)),
            Err(error) => End::Failed(error),
        };
    }
}
