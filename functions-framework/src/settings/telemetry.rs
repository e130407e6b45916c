//! The settings of what a process tells of itself.

use tracing::Level;
use tracing_subscriber::filter::Targets;

use super::{
    LogFormat,
    table::{Row, variable},
    value::switch,
};

pub(super) const ROWS: &[Row] = &[
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("LOG_FORMAT")],
        default: "text on a terminal, else json",
        what: "form of the log lines on standard error; cloud: JSON with the names of Google Cloud's logging",
        expected: "text, json or cloud",
        set: |settings, value| {
            settings.log_format = match value {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                "cloud" => LogFormat::Cloud,
                "auto" => LogFormat::Auto,
                _ => return None,
            };
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("RUST_LOG")],
        default: "info",
        what: "levels to log",
        expected: "a level, or target=level pairs separated by commas",
        set: |settings, value| {
            let filter: Targets = value.parse().ok()?;
            // `RUST_LOG=mine=debug` says nothing of the rest, where the failures are.
            let silent = filter.default_level().is_none();
            settings.log_filter = if silent { filter.with_default(Level::INFO) } else { filter };
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("FUNCTION_ACCESS_LOG")],
        default: "auto",
        what: "a log line for every request; auto: on a terminal; failures are always logged",
        expected: "auto, on or off",
        set: |settings, value| {
            settings.access_log = switch(value)?;
            Some(())
        },
    },
    Row {
        flag: Some("metrics-address"),
        value: "ADDRESS",
        alone: None,
        variables: &[variable("FUNCTION_METRICS_ADDRESS")],
        default: "none: no metrics",
        what: "address and port of their own at which Prometheus reads metrics; needs the feature `metrics`",
        expected: if cfg!(feature = "metrics") {
            "an address and a port, such as 127.0.0.1:9464, [::]:9464 or :9464"
        } else {
            "nothing, since the program was built without the feature `metrics` of functions-framework"
        },
        set: |settings, value| {
            let (host, port) = value.rsplit_once(':')?;
            let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let is_one = bare.is_some() || !host.contains(|c: char| c == ':' || c.is_whitespace());
            let host = Some(bare.unwrap_or(host)).filter(|host| !host.is_empty());
            settings.metrics_address = Some((host.map(str::to_owned), port.parse().ok()?));
            (cfg!(feature = "metrics") && is_one).then_some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("OTEL_EXPORTER_OTLP_ENDPOINT")],
        default: "none: neither is sent",
        what: "collector to which spans of OpenTelemetry are sent, and with `metrics` the metrics; needs the feature `otel`, which reads the other `OTEL_` variables",
        expected: "an address such as http://collector:4318",
        // It is read with those others. An operator may set it for all containers, also for those whose program makes no spans.
        set: |_, _| Some(()),
    },
];
