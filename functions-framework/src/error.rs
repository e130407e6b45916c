//! What a function answers when it cannot do its work.

use std::{borrow::Cow, error::Error as StdError, fmt};

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};

use crate::outcome::Verdict;

/// Any error that may cross a thread.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The result of a function; the error is [`Error`] unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Carries a failure from a function to its caller and to the log.
///
/// Every error that implements [`std::error::Error`] becomes one with `?`. The causes are kept for the log; the caller is
/// told the status and its title, and nothing internal (RFC 9457, `application/problem+json`). The status is
/// `500 Internal Server Error` unless another is given.
///
/// When the function was called by an event delivery the error also decides what happens to the event: it is delivered
/// again, unless [`drop_event`](Self::drop_event) says that another try is of no use.
///
/// ```
/// use functions_framework::{Error, Result, http::StatusCode};
///
/// fn port(text: &str) -> Result<u16> {
///     Ok(text.parse()?) // 500
/// }
///
/// fn checked_port(text: &str) -> Result<u16> {
///     text.parse().map_err(|error| Error::bad_request(error).context("while reading the port")) // 400
/// }
///
/// assert_eq!(port("x").unwrap_err().status_code(), StatusCode::INTERNAL_SERVER_ERROR);
/// assert_eq!(checked_port("x").unwrap_err().status_code(), StatusCode::BAD_REQUEST);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    status: StatusCode,
    verdict: Option<Verdict>,
    detail: Option<Cow<'static, str>>,
    header: Option<(HeaderName, HeaderValue)>,
    /// The client has gone: there is nobody to answer, and nothing for an operator to look at.
    gone: bool,
    /// The payload is not what the function takes, and will be no other the next time.
    undecodable: bool,
    /// Outermost last: each `context` call adds one.
    contexts: Vec<Cow<'static, str>>,
    source: BoxError,
}

impl Error {
    /// Makes an error from any cause, a message included; the status is 500.
    ///
    /// Use it for a cause that `?` does not take, such as a text or a `Box<dyn Error + Send + Sync>`.
    ///
    /// ```
    /// # use functions_framework::Error;
    /// assert_eq!(Error::new("the disk is full").to_string(), "the disk is full");
    /// ```
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self::status(StatusCode::INTERNAL_SERVER_ERROR, cause)
    }

    /// Makes an error that answers `status`.
    ///
    /// ```
    /// # use functions_framework::{Error, http::StatusCode};
    /// let error = Error::status(StatusCode::CONFLICT, "version 3 is current");
    /// assert_eq!(error.status_code(), StatusCode::CONFLICT);
    /// ```
    pub fn status(status: StatusCode, cause: impl Into<BoxError>) -> Self {
        let source = match cause.into().downcast::<Opaque>() {
            Ok(known) => {
                let mut error = known.0;
                error.0.status = status;
                return error;
            }
            Err(other) => other,
        };
        Self(Box::new(Inner {
            status,
            verdict: None,
            detail: None,
            header: None,
            gone: false,
            undecodable: false,
            contexts: Vec::new(),
            source,
        }))
    }

    /// Makes an error that answers `400 Bad Request`.
    ///
    /// ```
    /// # use functions_framework::{Error, http::StatusCode};
    /// assert_eq!(Error::bad_request("no name").status_code(), StatusCode::BAD_REQUEST);
    /// ```
    pub fn bad_request(cause: impl Into<BoxError>) -> Self {
        Self::status(StatusCode::BAD_REQUEST, cause)
    }

    /// Makes an error from a boxed one, keeping status and verdict when the box holds an [`Error`].
    pub(crate) fn from_boxed(cause: BoxError) -> Self {
        match cause.downcast::<Opaque>() {
            Ok(known) => known.0,
            Err(other) => Self::of_body(other).unwrap_or_else(Self::new),
        }
    }

    /// Makes an error of what a function met in the body of its request and passed on: it is the caller's.
    pub(crate) fn of_body(cause: BoxError) -> Result<Self, BoxError> {
        if has_cause::<http_body_util::LengthLimitError>(&*cause) {
            return Ok(Self::too_large());
        }
        if has_cause::<Interrupted>(&*cause) {
            return Ok(Self::interrupted(cause));
        }
        Err(cause)
    }

    pub(crate) fn too_large() -> Self {
        let cause = "the body is larger than FUNCTION_MAX_BODY_SIZE allows";
        Self::status(StatusCode::PAYLOAD_TOO_LARGE, cause).detail("the body is too large")
    }

    /// Says that a body ended before it was complete.
    pub(crate) fn interrupted(cause: BoxError) -> Self {
        Self::status(StatusCode::BAD_REQUEST, cause).context("the client stopped sending the body").gone()
    }

    /// Makes an error that tells the caller its own mistake: `text` is both the cause and the `detail` of the answer.
    pub(crate) fn refused(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self::status(status, text.clone().into_owned()).detail(text)
    }

    /// Adds what was being done when the error arose; the log shows it before the cause.
    ///
    /// ```
    /// # use functions_framework::Error;
    /// let error = Error::new("connection refused").context("while saving the order");
    /// assert_eq!(error.to_string(), "while saving the order");
    /// assert_eq!(format!("{error:#}"), "while saving the order: connection refused");
    /// ```
    #[must_use]
    pub fn context(mut self, what: impl Into<Cow<'static, str>>) -> Self {
        self.0.contexts.push(what.into());
        self
    }

    /// Tells the caller more than the title of the status: the `detail` member of the answer.
    ///
    /// Without it nothing of the error leaves the process.
    ///
    /// ```
    /// # use functions_framework::Error;
    /// let error = Error::bad_request("id 0").detail("ids start at 1");
    /// ```
    #[must_use]
    pub fn detail(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(text.into());
        self
    }

    /// Asks for the event to be delivered again, whatever the status says.
    ///
    /// ```
    /// # use functions_framework::{Error, Verdict};
    /// assert_eq!(Error::bad_request("not yet").retry().verdict(), Verdict::Retry);
    /// ```
    #[must_use]
    pub fn retry(mut self) -> Self {
        self.0.verdict = Some(Verdict::Retry);
        self
    }

    /// Says that delivering the event again is of no use.
    ///
    /// ```
    /// # use functions_framework::{Error, Verdict};
    /// assert_eq!(Error::new("malformed order").drop_event().verdict(), Verdict::Drop);
    /// ```
    #[must_use]
    pub fn drop_event(mut self) -> Self {
        self.0.verdict = Some(Verdict::Drop);
        self
    }

    /// Adds the header that the status calls for: `Allow` to a 405 (RFC 9110 §15.5.6), `Retry-After` to a 503.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// Says that it came from a client that went away.
    fn gone(mut self) -> Self {
        self.0.gone = true;
        self
    }

    /// Says that a payload was not what the function takes: to bring it again is of no use, whatever the status says.
    pub(crate) fn undecodable(mut self) -> Self {
        self.0.undecodable = true;
        self
    }

    pub(crate) fn is_undecodable(&self) -> bool {
        self.0.undecodable
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.0.gone
    }

    /// Returns the status an HTTP caller gets.
    pub fn status_code(&self) -> StatusCode {
        self.0.status
    }

    /// Returns what happens to the event in a delivery: [`Verdict::Retry`] unless [`drop_event`](Self::drop_event) was called.
    pub fn verdict(&self) -> Verdict {
        self.0.verdict.unwrap_or(Verdict::Retry)
    }

    /// The chain in one line, for the log.
    pub(crate) fn line(&self) -> String {
        printable(&format!("{self:#}"), 4096).into_owned()
    }

    /// Returns the cause, as it was given.
    ///
    /// ```
    /// # use functions_framework::Error;
    /// let error: Error = "x".parse::<u16>().unwrap_err().into();
    /// assert!(error.cause().is::<std::num::ParseIntError>());
    /// ```
    pub fn cause(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0.source
    }

    /// Makes the status agree with the verdict, for a caller that reads only the status: Knative delivers an event again
    /// on 5xx, 404, 408, 409 and 429, and drops it on every other 4xx.
    pub(crate) fn status_for_event(mut self) -> Self {
        let status = self.0.status;
        let redelivered = status.is_server_error() || matches!(status.as_u16(), 404 | 408 | 409 | 429);
        match self.0.verdict {
            Some(Verdict::Drop) if redelivered => self.0.status = StatusCode::UNPROCESSABLE_ENTITY,
            Some(Verdict::Retry) if !redelivered => self.0.status = StatusCode::SERVICE_UNAVAILABLE,
            _ => {}
        }
        self
    }
}

/// The message: the outermost context, or the cause. The alternate form (`{:#}`) is the whole chain in one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return match self.0.contexts.last() {
                Some(context) => f.write_str(context),
                None => self.0.source.fmt(f),
            };
        }
        for context in self.0.contexts.iter().rev() {
            write!(f, "{context}: ")?;
        }
        let mut last = self.0.source.to_string();
        f.write_str(&last)?;
        let mut cause = self.0.source.source();
        while let Some(error) = cause {
            // Many errors print their source themselves: the same words twice help nobody.
            let text = error.to_string();
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            last = text;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#} (status {})", self.0.status.as_u16())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::from_boxed(Box::new(error))
    }
}

impl From<Error> for BoxError {
    fn from(error: Error) -> Self {
        Box::new(Opaque(error))
    }
}

/// Lets an [`Error`] travel as a [`BoxError`]; it cannot be a `std::error::Error` itself, or `From` for all of these would
/// overlap with the reflexive one.
struct Opaque(Error);

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for Opaque {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0.0.source)
    }
}

/// Marks an error of the body of a request, so that it is known for one wherever a function passes it on.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) BoxError);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Interrupted {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// Makes a text of unknown origin fit for a line: control characters escaped, and cut where it is longer than `most` bytes.
/// Else a caller could write lines of its own into the log, or make it grow by as much as it sends.
pub(crate) fn printable(text: &str, most: usize) -> Cow<'_, str> {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let cut = &text[..end];
    if cut.len() == text.len() && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(cut.len() + 16);
    for character in cut.chars() {
        if character.is_control() { line.extend(character.escape_default()) } else { line.push(character) }
    }
    if cut.len() < text.len() {
        line.push('…');
    }
    Cow::Owned(line)
}

/// Tells whether an error is a `T`, or has one among its causes.
pub(crate) fn has_cause<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(<dyn StdError>::is::<T>)
}

/// Rides in the extensions of a response so that the guard can log why it was given.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) String);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.0.status;
        let title = status.canonical_reason().unwrap_or("Error");
        let mut problem = serde_json::json!({ "type": "about:blank", "title": title, "status": status.as_u16() });
        if let Some(detail) = &self.0.detail {
            problem["detail"] = serde_json::Value::from(detail.as_ref());
        }
        let mut response = (status, problem.to_string()).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some((name, value)) = &self.0.header {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response.extensions_mut().insert(Cause(self.line()));
        response
    }
}

/// Adds [`Error::context`] to any result whose error converts.
///
/// ```
/// use functions_framework::{Result, ResultExt as _};
///
/// fn port(text: &str) -> Result<u16> {
///     text.parse::<u16>().context("while reading the port")
/// }
/// assert_eq!(format!("{:#}", port("x").unwrap_err()), "while reading the port: invalid digit found in string");
/// ```
pub trait ResultExt<T> {
    /// Converts the error to [`Error`] and says what was being done.
    ///
    /// # Errors
    /// The error of `self`, with the context added.
    fn context(self, what: impl Into<Cow<'static, str>>) -> Result<T>;
}

impl<T, E: Into<BoxError>> ResultExt<T> for std::result::Result<T, E> {
    fn context(self, what: impl Into<Cow<'static, str>>) -> Result<T> {
        self.map_err(|error| Error::from_boxed(error.into()).context(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nested(std::num::ParseIntError);
    impl fmt::Display for Nested {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the port is no number")
        }
    }
    impl StdError for Nested {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_chain_is_kept_and_never_shown_to_the_caller() {
        let error = Error::from(Nested("x".parse::<u16>().unwrap_err())).context("while starting");
        assert_eq!(format!("{error:#}"), "while starting: the port is no number: invalid digit found in string");
        let response = error.into_response();
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert!(response.extensions().get::<Cause>().unwrap().0.contains("invalid digit"));
    }

    #[test]
    fn what_is_wrong_with_a_body_is_the_callers_however_it_is_passed_on() {
        let cut: BoxError = Box::new(Interrupted("reset".into()));
        let error = Error::from(axum::Error::new(cut));
        assert_eq!((error.status_code(), error.is_gone()), (StatusCode::BAD_REQUEST, true));
        assert_eq!(Error::from(std::io::Error::other("reset")).status_code(), 500);
    }

    #[test]
    fn a_line_of_the_log_is_one_line_of_bounded_length() {
        assert_eq!(printable("plain é", 100), "plain é");
        assert_eq!(printable("a\nb\u{9b}c", 100), "a\\nb\\u{9b}c");
        assert_eq!(printable("aé", 2), "a…");
        assert!(Error::new("x".repeat(1 << 20)).line().len() < 5000);
    }

    #[test]
    fn a_box_gives_back_what_was_put_in() {
        let boxed: BoxError = Error::bad_request("no").drop_event().into();
        let error = Error::from_boxed(boxed);
        assert_eq!((error.status_code(), error.verdict()), (StatusCode::BAD_REQUEST, Verdict::Drop));
    }

    #[test]
    fn the_status_follows_the_verdict() {
        assert_eq!(Error::new("x").drop_event().status_for_event().status_code(), 422);
        assert_eq!(Error::bad_request("x").drop_event().status_for_event().status_code(), 400);
        assert_eq!(Error::bad_request("x").retry().status_for_event().status_code(), 503);
        assert_eq!(Error::new("x").status_for_event().status_code(), 500);
    }
}
