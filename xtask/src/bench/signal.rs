//! What our side tells of itself while it is measured; all of it is off unless asked for.

/// One way to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    AccessLog,
    Metrics,
    /// One span of a hundred, which nobody takes.
    Otel,
}

impl Signal {
    pub(crate) const ALL: [Self; 3] = [Self::AccessLog, Self::Metrics, Self::Otel];

    /// The name in options.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AccessLog => "access-log",
            Self::Metrics => "metrics",
            Self::Otel => "otel",
        }
    }

    /// The feature of our program that it needs.
    pub(crate) const fn feature(self) -> Option<&'static str> {
        match self {
            Self::AccessLog => None,
            Self::Metrics => Some("metrics"),
            Self::Otel => Some("otel"),
        }
    }

    /// The variables that turn it on.
    pub(crate) const fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::AccessLog => &[("FUNCTION_ACCESS_LOG", "on")],
            Self::Metrics => &[("FUNCTION_METRICS_ADDRESS", "127.0.0.1:0")],
            Self::Otel => &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.01"),
            ],
        }
    }
}
