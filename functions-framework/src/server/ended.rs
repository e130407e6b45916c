//! How an invocation ended, for the figures and the spans of it.

use std::task::Poll;

use http::StatusCode;

use super::endpoint::{Delivered, Outcome, Reached};
use crate::{outcome::Verdict, telemetry::How};

/// Tells how a request ended.
pub(super) fn how_of_request(outcome: &Outcome, answer: &Reached) -> How {
    let status = match outcome {
        Ok(Ok(())) => match answer {
            Poll::Ready(Ok(response)) => response.status(),
            _ => StatusCode::OK,
        },
        Ok(Err(error)) if error.is_gone() => return How::Gone,
        Ok(Err(error)) => error.status_code(),
        Err(_) => return How::Crash,
    };
    match status.as_u16() {
        504 if matches!(outcome, Ok(Err(_))) => How::Timeout,
        ..400 => How::Success,
        400..500 => How::ClientError,
        _ => How::Error,
    }
}

/// Tells how a delivery ended.
pub(crate) fn how_of_delivery(delivered: &Delivered) -> How {
    match delivered {
        Ok(Ok(out)) if out.verdict == Verdict::Success => How::Success,
        Ok(Err(error)) if error.status_code() == StatusCode::GATEWAY_TIMEOUT => How::Timeout,
        Ok(_) => How::Error,
        Err(_) => How::Crash,
    }
}
