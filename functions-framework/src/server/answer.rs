//! The body of an answer on its way out.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{connections::InFlight, crash, endpoint::Invocation};
use crate::error::{BoxError, Interrupted, has_cause, printable};

/// An answer that counts as in flight until its last byte was handed over.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Body,
    /// The function that may still be writing it; none when the answer is complete already.
    invocation: Option<Invocation>,
    _in_flight: Option<InFlight>,
}

impl Answer {
    pub(crate) const fn new(body: Body, invocation: Option<Invocation>, in_flight: Option<InFlight>) -> Self {
        Self { body, invocation, _in_flight: in_flight }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { body, invocation, .. } = self.get_mut();
        let Some(streaming) = invocation else { return Pin::new(body).poll_frame(context).map_err(BoxError::from) };
        let polled = match streaming.during(|| crash::contain(|| Pin::new(&mut *body).poll_frame(context))) {
            Ok(polled) => polled.map_err(BoxError::from),
            Err(crash) => Poll::Ready(Some(Err(crash.to_string().into()))),
        };
        if let Poll::Ready(Some(Err(error))) = &polled {
            // The head is gone: all that is left is to break the connection off, so that nobody takes half for the whole.
            let function = streaming.function().to_owned();
            streaming.during(|| {
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
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
