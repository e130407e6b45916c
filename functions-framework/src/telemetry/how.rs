//! How an invocation ended, for who counts it and who traces it.

#[cfg(any(feature = "otel", feature = "skywalking"))]
use http::StatusCode;

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Success,
    /// It answered a status of 400 to 499: the caller's mistake.
    ClientError,
    Error,
    Crash,
    Timeout,
    /// It never began: too many run, or too much was sent.
    Refused,
    /// The caller went away.
    Gone,
}

impl How {
    /// Every one, in the order in which they are declared.
    #[cfg(feature = "metrics")]
    pub(crate) const ALL: [Self; 7] =
        [Self::Success, Self::ClientError, Self::Error, Self::Crash, Self::Timeout, Self::Refused, Self::Gone];

    /// The value of the label `outcome`.
    #[cfg(feature = "metrics")]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ClientError => "client_error",
            Self::Error => "error",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Gone => "gone",
        }
    }

    /// What kind of failure it was, if it was one.
    #[cfg(any(feature = "otel", feature = "skywalking"))]
    pub(super) fn failure(self, status: Option<&StatusCode>) -> Option<&str> {
        match (self, status) {
            (Self::Crash, _) => Some("panic"),
            (Self::Timeout, _) => Some("timeout"),
            (Self::Gone, _) => Some("cancelled"),
            (Self::Error | Self::Refused, None) => Some("error"),
            (Self::Error | Self::Refused, Some(status)) if status.is_server_error() => Some(status.as_str()),
            // By the conventions of both a caller's mistake is no error of who serves him.
            _ => None,
        }
    }

    /// Looks how it ended, where somebody wants to know.
    pub(crate) fn look(look: impl FnOnce() -> Self) -> Self {
        if cfg!(any(feature = "metrics", feature = "otel", feature = "skywalking")) { look() } else { Self::Success }
    }
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;

    #[test]
    fn the_counters_of_all_are_in_their_order() {
        assert_eq!(How::ALL.map(|how| how as usize), [0, 1, 2, 3, 4, 5, 6]);
    }
}
