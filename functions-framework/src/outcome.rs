//! What an OpenFunction function answers.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};

use crate::error::Error;

/// Says what happens to a delivered event.
///
/// ```
/// use functions_framework::{Error, Out, Verdict};
///
/// assert_eq!(Out::ok().verdict(), Verdict::Success);
/// assert_eq!(Error::new("no connection").verdict(), Verdict::Retry);
/// assert_eq!(Error::new("malformed").drop_event().verdict(), Verdict::Drop);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The event is done.
    Success,
    /// The event is delivered again.
    Retry,
    /// The event is given up: no other try.
    Drop,
}

impl Verdict {
    /// Tells whether the event is done.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Success)
    }
}

/// Answers an OpenFunction invocation: a verdict for the event, and data, status and headers for a caller over HTTP.
///
/// ```
/// use functions_framework::{Out, http::StatusCode};
///
/// let out = Out::data("accepted\n").status(StatusCode::ACCEPTED).header("x-order", "17");
/// assert!(out.verdict().is_success());
/// ```
#[derive(Debug)]
pub struct Out {
    pub(crate) verdict: Verdict,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) data: Bytes,
    /// What was given that cannot be sent; the invocation then fails with it instead of answering something else.
    pub(crate) invalid: Option<String>,
}

impl Out {
    fn with(verdict: Verdict) -> Self {
        Self { verdict, status: None, headers: HeaderMap::new(), data: Bytes::new(), invalid: None }
    }

    /// Answers that the event is done, with no data; over HTTP `200 OK`.
    pub fn ok() -> Self {
        Self::with(Verdict::Success)
    }

    /// Asks for the event to be delivered again; over HTTP `503 Service Unavailable`.
    ///
    /// For what is no error, only too early; an error means the same unless it says otherwise.
    ///
    /// ```
    /// use functions_framework::{Context, Out};
    ///
    /// async fn ship(ctx: Context, stock: String) -> Out {
    ///     if stock.trim() == "0" { Out::retry() } else { Out::ok() }
    /// }
    /// ```
    pub fn retry() -> Self {
        Self::with(Verdict::Retry)
    }

    /// Gives the event up without an error; over HTTP `200 OK`, which no sender repeats.
    ///
    /// ```
    /// use functions_framework::{Out, Verdict};
    ///
    /// let out = Out::drop();
    /// assert_eq!((out.verdict(), out.status_code().as_u16()), (Verdict::Drop, 200));
    /// ```
    pub fn drop() -> Self {
        Self::with(Verdict::Drop)
    }

    /// Answers data: the body over HTTP, the reply of a binding.
    ///
    /// ```
    /// # use functions_framework::Out;
    /// assert_eq!(Out::data("accepted\n").payload(), "accepted\n");
    /// ```
    pub fn data(data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), ..Self::ok() }
    }

    /// Sets the status of the HTTP answer: a [`StatusCode`] or a number from 100 to 999.
    ///
    /// A number outside that range fails the invocation with an error that names it.
    ///
    /// ```
    /// use functions_framework::{Out, http::StatusCode};
    ///
    /// assert_eq!(Out::ok().status(202).status_code(), StatusCode::ACCEPTED);
    /// ```
    pub fn status<S>(mut self, status: S) -> Self
    where
        S: TryInto<StatusCode> + Copy + std::fmt::Display,
    {
        match status.try_into() {
            Ok(status) => self.status = Some(status),
            Err(_) => self.invalid = Some(format!("{status} is no HTTP status")),
        }
        self
    }

    /// Adds a header to the HTTP answer.
    ///
    /// A name or value that HTTP does not allow fails the invocation with an error that names it.
    ///
    /// ```
    /// # use functions_framework::Out;
    /// let out = Out::data("<p>Hello</p>").header("content-type", "text/html");
    /// ```
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_ref())) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            (Err(_), _) => self.invalid = Some(format!("{name:?} is no header name")),
            (_, Err(_)) => self.invalid = Some(format!("the value of header {name:?} has bytes a header cannot hold")),
        }
        self
    }

    pub(crate) fn content_type(mut self, value: HeaderValue) -> Self {
        self.headers.insert(CONTENT_TYPE, value);
        self
    }

    /// Returns what happens to the event.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Returns the data of the answer.
    pub const fn payload(&self) -> &Bytes {
        &self.data
    }

    /// Returns the status an HTTP caller gets.
    pub fn status_code(&self) -> StatusCode {
        self.status.unwrap_or(match self.verdict {
            Verdict::Success | Verdict::Drop => StatusCode::OK,
            Verdict::Retry => StatusCode::SERVICE_UNAVAILABLE,
        })
    }

    /// Fails when something was set that cannot be sent.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        match self.invalid {
            Some(what) => Err(Error::new(what).context("the answer of the function cannot be sent")),
            None => Ok(self),
        }
    }
}

impl Default for Out {
    fn default() -> Self {
        Self::ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_an_error() {
        assert!(Out::ok().status(42).checked().is_err());
        assert!(Out::ok().header("a b", "c").checked().is_err());
        assert!(Out::ok().header("a", "c\n").checked().is_err());
        assert_eq!(Out::ok().status(418).checked().unwrap().status_code(), 418);
    }

    #[test]
    fn the_status_follows_the_verdict() {
        assert_eq!(Out::retry().status_code(), 503);
        assert_eq!(Out::drop().status_code(), 200);
        assert_eq!(Out::retry().status(500).status_code(), 500);
    }
}
