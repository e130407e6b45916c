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
        Self { code, message: message.into(), source: None }
    }

    pub(crate) fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of failure.
    pub const fn code(&self) -> SidecarCode {
        self.code
    }

    /// Returns what the sidecar said.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Tells whether the same call may succeed later.
    pub const fn can_retry(&self) -> bool {
        use SidecarCode::{Aborted, DeadlineExceeded, Internal, ResourceExhausted, Unavailable, Unknown};
        matches!(self.code, Aborted | DeadlineExceeded | Internal | ResourceExhausted | Unavailable | Unknown)
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
