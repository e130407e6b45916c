//! Why a sidecar did not do what it was asked.

use std::{error::Error as StdError, fmt};

use crate::error::BoxError;

/// Says why a sidecar did not do what a function asked for.
///
/// It is the [`cause`](crate::Error::cause) of the [`Error`](crate::Error) that a failed send or a failed use of a store returns: downcast it to
/// tell one failure from another.
///
/// ```
/// use functions_framework::{Context, Result, SidecarCode, SidecarError};
///
/// async fn take(ctx: Context) -> Result<bool> {
///     match ctx.send("orders", "one").await {
///         Ok(_) => Ok(true),
///         Err(error) => match error.cause().downcast_ref::<SidecarError>() {
///             Some(refused) if refused.code() == SidecarCode::PermissionDenied => Ok(false),
///             _ => Err(error),
///         },
///     }
/// }
/// ```
#[derive(Debug)]
pub struct SidecarError {
    code: SidecarCode,
    message: String,
    source: Option<BoxError>,
    /// The same call would fail the same way, whatever the code suggests.
    lasting: bool,
}

/// Names a kind of failure, with the words of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SidecarCode {
    /// The call makes no sense to the sidecar: an unknown component, a malformed key.
    InvalidArgument,
    /// What was asked for is not there.
    NotFound,
    /// A scope forbids it.
    PermissionDenied,
    /// The token (`DAPR_API_TOKEN`) is missing or wrong.
    Unauthenticated,
    /// The value has been changed by another: the etag does not fit.
    Aborted,
    /// The component is not ready for it, or cannot do it.
    FailedPrecondition,
    /// The sidecar, or this version of it, does not know the call.
    Unimplemented,
    /// A message is too large, or a quota is used up.
    ResourceExhausted,
    /// There was no time left.
    DeadlineExceeded,
    /// The sidecar cannot be reached.
    Unavailable,
    /// The component failed.
    Internal,
    /// Anything else.
    Unknown,
}

impl SidecarError {
    pub(crate) fn new(code: SidecarCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), source: None, lasting: false }
    }

    pub(crate) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says that no other try can help.
    pub(crate) const fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// Returns the kind of failure.
    pub const fn code(&self) -> SidecarCode {
        self.code
    }

    /// Returns what the sidecar said, or what kept it from saying anything.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Tells whether another try may help; after [`SidecarCode::Aborted`] one that begins with reading the value again.
    pub const fn can_retry(&self) -> bool {
        use SidecarCode::{Aborted, DeadlineExceeded, Internal, ResourceExhausted, Unavailable, Unknown};
        !self.lasting && matches!(self.code, Aborted | DeadlineExceeded | Internal | ResourceExhausted | Unavailable | Unknown)
    }
}

impl fmt::Display for SidecarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.message)
    }
}

impl StdError for SidecarError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_try_is_for_what_may_pass() {
        for (code, retry) in [
            (SidecarCode::Unavailable, true),
            (SidecarCode::Aborted, true),
            (SidecarCode::ResourceExhausted, true),
            (SidecarCode::InvalidArgument, false),
            (SidecarCode::PermissionDenied, false),
            (SidecarCode::Unimplemented, false),
        ] {
            assert_eq!(SidecarError::new(code, "").can_retry(), retry, "{code:?}");
        }
        assert!(!SidecarError::new(SidecarCode::ResourceExhausted, "too large").lasting().can_retry());
    }

    #[test]
    fn the_cause_is_kept() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = crate::Error::from(SidecarError::new(SidecarCode::Unavailable, "no sidecar").caused_by(refused));
        assert_eq!(format!("{error:#}"), "Unavailable: no sidecar: connection refused");
        assert!(error.cause().is::<SidecarError>());
    }
}
