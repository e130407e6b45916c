//! How an invocation ended, for who counts it and who traces it.

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
    /// Looks how it ended, where somebody wants to know.
    pub(crate) fn look(look: impl FnOnce() -> Self) -> Self {
        if cfg!(any(feature = "metrics", feature = "otel")) { look() } else { Self::Success }
    }
}
