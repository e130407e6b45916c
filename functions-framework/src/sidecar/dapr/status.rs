//! What a sidecar says went wrong, in our words.

use std::error::Error as StdError;

use tonic::{Code, Status};

use crate::sidecar::{SidecarCode, SidecarError};

/// Makes an error of a status that is not OK.
pub(super) fn refused(status: &Status) -> SidecarError {
    let code = match status.code() {
        Code::InvalidArgument | Code::OutOfRange => SidecarCode::InvalidArgument,
        Code::NotFound => SidecarCode::NotFound,
        Code::PermissionDenied => SidecarCode::PermissionDenied,
        Code::Unauthenticated => SidecarCode::Unauthenticated,
        Code::Aborted | Code::AlreadyExists => SidecarCode::Aborted,
        Code::FailedPrecondition => SidecarCode::FailedPrecondition,
        Code::Unimplemented => SidecarCode::Unimplemented,
        Code::ResourceExhausted => SidecarCode::ResourceExhausted,
        Code::DeadlineExceeded => SidecarCode::DeadlineExceeded,
        Code::Unavailable => SidecarCode::Unavailable,
        Code::Internal | Code::DataLoss => internal(status.message()),
        Code::Ok | Code::Cancelled | Code::Unknown => SidecarCode::Unknown,
    };
    let said = if status.message().is_empty() { status.code().description() } else { status.message() };
    match code {
        // The words of its gRPC library, for both directions.
        SidecarCode::ResourceExhausted if said.contains("larger than max") => {
            let text = format!(
                "{said}: the sidecar's --max-body-size (annotation dapr.io/max-body-size) is smaller than this message"
            );
            SidecarError::new(code, text).lasting()
        }
        SidecarCode::Unauthenticated => SidecarError::new(code, format!("{said} (DAPR_API_TOKEN)")),
        _ => SidecarError::new(code, said),
    }
}

/// A sidecar (1.18) calls internal what other calls of it have codes for, and only its words tell.
fn internal(said: &str) -> SidecarCode {
    if said.contains("possible etag mismatch") {
        SidecarCode::Aborted
    } else if said.contains("couldn't find output binding") {
        SidecarCode::NotFound
    } else if said.contains("does not support") {
        SidecarCode::Unimplemented
    } else {
        SidecarCode::Internal
    }
}

/// Says that an answer is larger than what we take.
pub(super) fn too_large_to_take(limit: usize) -> SidecarError {
    let text = format!("the answer is larger than {limit} bytes: FUNCTION_MAX_BODY_SIZE (--max-body-size) sets the limit");
    SidecarError::new(SidecarCode::ResourceExhausted, text).lasting()
}

/// Says that a request is larger than what we send.
pub(super) fn too_large_to_send(size: usize, limit: usize) -> SidecarError {
    let text = format!(
        "{size} bytes are more than the limit of {limit}: FUNCTION_MAX_BODY_SIZE (--max-body-size) sets it, and the sidecar has its own --max-body-size"
    );
    SidecarError::new(SidecarCode::ResourceExhausted, text).lasting()
}

/// Tells whether the other side has surely not begun with a request that it did not answer.
pub(super) fn is_untouched(error: &(dyn StdError + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.filter_map(|cause| cause.downcast_ref::<h2::Error>()).any(|error| {
        // A stream that a GOAWAY ends came after the last one that the other side looked at.
        error.is_go_away() && error.is_remote() || error.reason() == Some(h2::Reason::REFUSED_STREAM)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_counterpart() {
        for (code, expected) in [
            (Code::InvalidArgument, SidecarCode::InvalidArgument),
            (Code::OutOfRange, SidecarCode::InvalidArgument),
            (Code::NotFound, SidecarCode::NotFound),
            (Code::AlreadyExists, SidecarCode::Aborted),
            (Code::PermissionDenied, SidecarCode::PermissionDenied),
            (Code::Unauthenticated, SidecarCode::Unauthenticated),
            (Code::Aborted, SidecarCode::Aborted),
            (Code::FailedPrecondition, SidecarCode::FailedPrecondition),
            (Code::Unimplemented, SidecarCode::Unimplemented),
            (Code::ResourceExhausted, SidecarCode::ResourceExhausted),
            (Code::DeadlineExceeded, SidecarCode::DeadlineExceeded),
            (Code::Unavailable, SidecarCode::Unavailable),
            (Code::Internal, SidecarCode::Internal),
            (Code::DataLoss, SidecarCode::Internal),
            (Code::Cancelled, SidecarCode::Unknown),
            (Code::Unknown, SidecarCode::Unknown),
        ] {
            let error = refused(&Status::new(code, "why"));
            assert_eq!(error.code(), expected);
            assert!(error.message().starts_with("why"), "{error}");
        }
        assert_eq!(refused(&Status::new(Code::Internal, "")).message(), "Internal error");
    }

    #[test]
    fn what_a_sidecar_calls_internal_is_told_by_its_words() {
        for (said, code, retry) in [
            ("error while executing state transaction: possible etag mismatch. error from", SidecarCode::Aborted, true),
            ("error invoking output binding a: couldn't find output binding a", SidecarCode::NotFound, false),
            ("binding a does not support operation b. supported operations:create", SidecarCode::Unimplemented, false),
            ("state store does not support querying", SidecarCode::Unimplemented, false),
            ("error invoking output binding a: connection refused", SidecarCode::Internal, true),
        ] {
            let error = refused(&Status::internal(said));
            assert_eq!((error.code(), error.can_retry()), (code, retry), "{said}");
        }
    }

    #[test]
    fn a_message_too_large_for_the_sidecar_names_its_setting() {
        let said = "grpc: received message larger than max (5242913 vs. 4194304)";
        let error = refused(&Status::resource_exhausted(said));
        assert!(error.message().contains("5242913") && error.message().contains("--max-body-size"), "{error}");
        assert!(!error.can_retry());
        assert!(refused(&Status::resource_exhausted("quota")).can_retry());
    }
}
