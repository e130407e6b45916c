//! What our side tells of itself while it is measured; all of it is off unless asked for.

/// One way to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    AccessLog,
    Metrics,
}

impl Signal {
    pub(crate) const ALL: [Self; 2] = [Self::AccessLog, Self::Metrics];

    /// The name in options.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AccessLog => "access-log",
            Self::Metrics => "metrics",
        }
    }

    /// The feature of our program that it needs.
    pub(crate) const fn feature(self) -> Option<&'static str> {
        match self {
            Self::AccessLog => None,
            Self::Metrics => Some("metrics"),
        }
    }

    /// The variable that turns it on.
    pub(crate) const fn variable(self) -> (&'static str, &'static str) {
        match self {
            Self::AccessLog => ("FUNCTION_ACCESS_LOG", "on"),
            Self::Metrics => ("FUNCTION_METRICS_ADDRESS", "127.0.0.1:0"),
        }
    }
}
