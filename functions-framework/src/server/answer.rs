//! The answer of a function on its way out.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as _, Frame, SizeHint};

use super::{connections::InFlight, crash, endpoint::Invocation, status::Status};
use crate::{
    error::{BoxError, Interrupted, has_cause, printable},
    function::answered::Answered,
};

/// The body of an answer, which counts as in flight until its last byte was handed over.
#[derive(Debug)]
pub(crate) struct Answer {
    content: Content,
    in_flight: Option<InFlight>,
}

#[derive(Debug)]
enum Content {
    /// All of it is there: nobody needs to be asked for it.
    Whole(Bytes),
    /// The framework's own, or one that is not sent.
    Plain(Body),
    /// A function's, which may still be writing it.
    Written(Box<Written>),
}

/// A body, and the function that writes it.
#[derive(Debug)]
struct Written {
    /// What was there when the function returned.
    first: Option<Result<Frame<Bytes>, axum::Error>>,
    body: Body,
    /// None once it has ended.
    invocation: Option<Invocation>,
}

impl Answer {
    /// Takes what a function returned, and what there is of its body: most functions give all of it at once. It is user code
    /// that runs here.
    pub(super) fn begin(answered: Answered, context: &mut Context<'_>) -> Response<Self> {
        let whole = |data| Self::from(Content::Whole(data));
        let mut response = match answered {
            Answered::Text(text) => {
                let mut response = Response::new(whole(text));
                *response.headers_mut() = Status::with_text();
                return response;
            }
            Answered::Whole(response) => response.map(whole),
            Answered::Response(response) => response.map(|body| Self::begun(body, context)),
        };
        Status::of(response.status()).tell(response.headers_mut());
        response
    }

    fn begun(mut body: Body, context: &mut Context<'_>) -> Self {
        let first = match body.size_hint().exact() {
            _ if body.is_end_stream() => return Self::default(),
            // Its end may be long in coming.
            None => None,
            Some(length) => match Pin::new(&mut body).poll_frame(context) {
                Poll::Pending => None,
                Poll::Ready(None) if length == 0 => return Self::default(),
                Poll::Ready(None) => Some(Err(axum::Error::new(TooShort))),
                Poll::Ready(Some(first)) => match first.map(Frame::into_data) {
                    Ok(Ok(data)) if data.len() as u64 == length && body.is_end_stream() => {
                        return Content::Whole(data).into();
                    }
                    Ok(Ok(data)) => Some(Ok(Frame::data(data))),
                    Ok(Err(trailers)) => Some(Ok(trailers)),
                    Err(error) => Some(Err(error)),
                },
            },
        };
        Content::Written(Box::new(Written { first, body, invocation: None })).into()
    }

    /// Leaves the end of the invocation to the end of its body. One that is there, or is not sent at all, ends here.
    pub(super) fn last(response: &mut Response<Self>, invocation: Invocation, is_head: bool) {
        let sends_none = is_head
            || matches!(response.status(), StatusCode::SWITCHING_PROTOCOLS | StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        match &mut response.body_mut().content {
            Content::Written(written) if !sends_none => written.invocation = Some(invocation),
            _ => invocation.complete(),
        }
    }

    /// Counts it as in flight.
    pub(super) fn fly(&mut self, in_flight: Option<InFlight>) {
        self.in_flight = in_flight;
    }
}

impl Default for Answer {
    /// An empty one.
    fn default() -> Self {
        Content::Whole(Bytes::new()).into()
    }
}

impl From<Content> for Answer {
    fn from(content: Content) -> Self {
        Self { content, in_flight: None }
    }
}

impl From<Body> for Answer {
    /// Takes a body that no function writes.
    fn from(body: Body) -> Self {
        Content::Plain(body).into()
    }
}

/// A body ended before the length that it had told.
#[derive(Debug)]
struct TooShort;

impl std::fmt::Display for TooShort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body ended before the length that it had told")
    }
}

impl std::error::Error for TooShort {}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().content {
            Content::Whole(data) if data.is_empty() => Poll::Ready(None),
            Content::Whole(data) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(data))))),
            Content::Plain(body) => Pin::new(body).poll_frame(context).map_err(BoxError::from),
            Content::Written(written) => written.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(data) => data.is_empty(),
            Content::Plain(body) => body.is_end_stream(),
            Content::Written(written) => written.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(data) => SizeHint::with_exact(data.len() as u64),
            Content::Plain(body) => body.size_hint(),
            Content::Written(written) => written.size_hint(),
        }
    }
}

impl Written {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { first, body, invocation } = self;
        let polled = match (first.take(), &mut *invocation) {
            (Some(first), _) => Poll::Ready(Some(first.map_err(BoxError::from))),
            (None, None) => Pin::new(&mut *body).poll_frame(context).map_err(BoxError::from),
            (None, Some(writing)) => match writing.during(|| crash::contain(|| Pin::new(&mut *body).poll_frame(context))) {
                Ok(polled) => polled.map_err(BoxError::from),
                Err(crash) => Poll::Ready(Some(Err(crash.to_string().into()))),
            },
        };
        if let (Poll::Ready(Some(Err(error))), Some(writing)) = (&polled, &mut *invocation) {
            // The head is gone: all that is left is to break the connection off, so that nobody takes half for the whole.
            let function = writing.function().to_owned();
            writing.during(|| {
                if has_cause::<Interrupted>(&**error) {
                    tracing::debug!(function, %error, "the client went away before the answer was complete");
                } else {
                    tracing::error!(function, error = &*printable(&error.to_string(), 4096), "the body of the answer failed");
                }
            });
        }
        let ended = matches!(&polled, Poll::Ready(None | Some(Err(_)))) || body.is_end_stream();
        if ended && let Some(invocation) = invocation.take() {
            invocation.complete();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok()?.data_ref()).map_or(0, Bytes::len) as u64;
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + first);
        }
        hint.set_lower(rest.lower() + first);
        hint
    }
}
