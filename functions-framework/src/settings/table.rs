//! Every setting, a row each: its names, its meaning, and how its value is read.

use super::{
    Endpoint, Settings, Token,
    value::{duration, size, switch},
};

use crate::{function::Kind, outcome::Verdict};

/// One line of the table.
pub(super) struct Row {
    pub(super) flag: Option<&'static str>,
    pub(super) value: &'static str,
    /// What the flag means without a value, where it may stand alone.
    pub(super) alone: Option<&'static str>,
    pub(super) variables: &'static [Variable],
    pub(super) default: &'static str,
    pub(super) what: &'static str,
    pub(super) expected: &'static str,
    pub(super) set: fn(&mut Settings, &str) -> Option<()>,
}

pub(super) struct Variable {
    pub(super) name: &'static str,
    /// The part of the variable that this setting reads.
    pub(super) part: fn(&str) -> &str,
    /// Whether an empty variable is a value; elsewhere it counts as unset, as usual in containers.
    pub(super) empty_is_value: bool,
}

pub(super) const fn variable(name: &'static str) -> Variable {
    Variable { name, part: |whole| whole, empty_is_value: false }
}

/// All of them, in the order of `--help`.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(super::telemetry::ROWS).chain(super::hooks::ROWS)
}

const ROWS: &[Row] = &[
    Row {
        flag: Some("host"),
        value: "ADDRESS",
        alone: None,
        variables: &[Variable { name: "LISTEN_ADDRESS", part: host_part, empty_is_value: false }, variable("ADDRESS")],
        default: "[::], or 0.0.0.0 without IPv6",
        what: "address to listen on",
        expected: "an address such as 127.0.0.1, 0.0.0.0 or [::]",
        set: |settings, value| {
            let bare = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
            // `:8080` names a port and leaves the address open.
            settings.host = (!bare.is_empty()).then(|| bare.to_owned());
            (!bare.contains(char::is_whitespace)).then_some(())
        },
    },
    Row {
        flag: Some("port"),
        value: "PORT",
        alone: None,
        variables: &[Variable { name: "LISTEN_ADDRESS", part: port_part, empty_is_value: false }, variable("PORT")],
        default: "the function context's, or 8080",
        what: "port to listen on; 0 takes a free one",
        expected: "a number from 0 to 65535",
        set: |settings, value| {
            settings.port = Some(value.parse().ok()?);
            Some(())
        },
    },
    Row {
        flag: Some("target"),
        value: "NAME",
        alone: None,
        variables: &[variable("FUNCTION_TARGET")],
        default: "the only function, or all",
        what: "function to serve",
        expected: "the name of a function",
        set: |settings, value| {
            settings.target = Some(value.to_owned());
            Some(())
        },
    },
    Row {
        flag: Some("signature-type"),
        value: "KIND",
        alone: None,
        variables: &[variable("FUNCTION_SIGNATURE_TYPE")],
        default: "what the code says",
        what: "kind the function is expected to be: a difference is a warning",
        expected: "http, typed, cloudevent, event or openfunction",
        set: |settings, value| {
            settings.signature = Some(match value {
                "http" | "typed" => Kind::Http,
                "cloudevent" | "event" => Kind::CloudEvent,
                "openfunction" => Kind::OpenFunction,
                _ => return None,
            });
            Some(())
        },
    },
    Row {
        flag: Some("source"),
        value: "PATH",
        alone: None,
        variables: &[variable("FUNCTION_SOURCE")],
        default: "",
        what: "accepted and ignored: the program is the source",
        expected: "a path",
        set: |_, _| Some(()),
    },
    Row {
        flag: Some("timeout"),
        value: "DURATION",
        alone: None,
        variables: &[variable("FUNCTION_TIMEOUT"), variable("CLOUD_RUN_TIMEOUT_SECONDS")],
        default: "5m",
        what: "longest time to the head of the answer, then 504; 0 sets no limit",
        expected: "seconds, or a number with ms, s, m or h",
        set: |settings, value| {
            settings.timeout = Some(duration(value)?).filter(|limit| !limit.is_zero());
            Some(())
        },
    },
    Row {
        flag: Some("max-body-size"),
        value: "SIZE",
        alone: None,
        variables: &[variable("FUNCTION_MAX_BODY_SIZE")],
        default: "16MiB",
        what: "largest request body, then 413",
        expected: "bytes, or a number with kB, MB, GB, KiB, MiB or GiB",
        set: |settings, value| {
            settings.max_body_size = usize::try_from(size(value)?).ok()?;
            Some(())
        },
    },
    Row {
        flag: Some("concurrency"),
        value: "NUMBER",
        alone: None,
        variables: &[variable("FUNCTION_CONCURRENCY")],
        default: "unlimited; 256 deliveries",
        what: "most invocations at once; then requests get 503, and deliveries wait",
        expected: "a number from 1, or `unlimited`",
        set: |settings, value| {
            settings.concurrency = if value == "unlimited" { None } else { Some(value.parse().ok().filter(|&most| most > 0)?) };
            Some(())
        },
    },
    Row {
        flag: Some("shutdown-grace"),
        value: "DURATION",
        alone: None,
        variables: &[variable("FUNCTION_SHUTDOWN_GRACE")],
        default: "25s",
        what: "time that running invocations get after SIGTERM or SIGINT",
        expected: "seconds, or a number with ms, s, m or h",
        set: |settings, value| {
            settings.shutdown_grace = duration(value)?;
            Some(())
        },
    },
    Row {
        flag: Some("ignored-routes"),
        value: "PATHS",
        alone: None,
        variables: &[Variable { name: "IGNORED_ROUTES", part: |whole| whole, empty_is_value: true }],
        default: "/robots.txt,/favicon.ico",
        what: "paths that answer 404 without an invocation; empty: none",
        expected: "paths with a leading slash, separated by commas",
        set: |settings, value| {
            let paths: Vec<_> = value.split(',').map(str::trim).filter(|path| !path.is_empty()).collect();
            let all_are_paths = paths.iter().all(|path| path.starts_with('/'));
            settings.ignored_routes = paths.into_iter().map(str::to_owned).collect();
            all_are_paths.then_some(())
        },
    },
    Row {
        flag: Some("health"),
        value: "WHEN",
        alone: None,
        variables: &[variable("FUNCTION_HEALTH")],
        default: "auto",
        what: "answer /health/readiness, /health/liveness, /readyz and /healthz; auto: unless an HTTP function takes every path and LISTEN_ADDRESS is not set",
        expected: "auto, on or off",
        set: |settings, value| {
            settings.health = switch(value)?;
            Some(())
        },
    },
    Row {
        flag: Some("header-timeout"),
        value: "DURATION",
        alone: None,
        variables: &[variable("FUNCTION_HEADER_TIMEOUT")],
        default: "10s",
        what: "longest time for a client to send the head of a request",
        expected: "seconds from 1, or a number with ms, s, m or h",
        set: |settings, value| {
            settings.header_timeout = duration(value).filter(|limit| !limit.is_zero())?;
            Some(())
        },
    },
    Row {
        flag: Some("keep-alive"),
        value: "DURATION",
        alone: None,
        variables: &[variable("FUNCTION_KEEP_ALIVE")],
        default: "10m",
        what: "longest time a connection may stay without a request",
        expected: "seconds from 1, or a number with ms, s, m or h",
        set: |settings, value| {
            settings.keep_alive = duration(value).filter(|limit| !limit.is_zero())?;
            Some(())
        },
    },
    Row {
        flag: Some("webhook-origins"),
        value: "ORIGINS",
        alone: None,
        variables: &[variable("FUNCTION_WEBHOOK_ORIGINS")],
        default: "none",
        what: "origins that the CloudEvents webhook handshake (OPTIONS) allows, or *",
        expected: "host names separated by commas, or *",
        set: |settings, value| {
            settings.webhook_origins =
                value.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
            settings.webhook_origins.iter().all(|origin| http::HeaderValue::from_str(origin).is_ok()).then_some(())
        },
    },
    Row {
        flag: Some("undecodable"),
        value: "VERDICT",
        alone: None,
        variables: &[variable("FUNCTION_UNDECODABLE")],
        default: "drop",
        what: "what becomes of a delivered event whose payload is not what the function takes: drop gives it up, to the dead letters where there are any; retry has it delivered again",
        expected: "drop or retry",
        set: |settings, value| {
            settings.undecodable = match value {
                "drop" => Verdict::Drop,
                "retry" => Verdict::Retry,
                _ => return None,
            };
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("APP_API_TOKEN")],
        default: "none",
        what: "token that a delivery must bring as dapr-api-token",
        expected: "text",
        set: |settings, value| {
            settings.app_token = Some(value.to_owned());
            Some(())
        },
    },
    Row {
        flag: Some("manifest"),
        value: "PATH",
        alone: None,
        variables: &[variable("FUNCTION_MANIFEST")],
        default: "without a function context, function.yaml beside Cargo.toml",
        what: "a Function manifest, read instead of the function context",
        expected: "a path",
        set: |settings, value| {
            settings.manifest = Some(value.into());
            (!value.is_empty()).then_some(())
        },
    },
    Row {
        flag: Some("resources"),
        value: "FOLDER",
        alone: None,
        variables: &[variable("FUNCTION_RESOURCES")],
        default: "none",
        what: "a folder with Dapr's files of components and subscriptions",
        expected: "a path",
        set: |settings, value| {
            settings.resources = Some(value.into());
            (!value.is_empty()).then_some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("DAPR_GRPC_ENDPOINT")],
        default: "DAPR_HOST and DAPR_GRPC_PORT",
        what: "gRPC API of the Dapr sidecar; ?tls=true or https: needs the feature `tls`",
        expected: "host:port, http(s)://host:port or unix:/path, and ?tls=true for TLS",
        set: |settings, value| {
            settings.dapr.grpc_endpoint = Some(Endpoint::grpc(value)?);
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("DAPR_HTTP_ENDPOINT")],
        default: "DAPR_HOST and DAPR_HTTP_PORT",
        what: "HTTP API of the Dapr sidecar, which calls of other apps take",
        expected: "http(s)://host:port",
        set: |settings, value| {
            settings.dapr.http_endpoint = Some(Endpoint::http(value)?);
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("DAPR_HOST"), variable("DAPR_SIDECAR_IP")],
        default: "127.0.0.1",
        what: "host of the Dapr sidecar",
        expected: "a host name or an address",
        set: |settings, value| {
            let bare = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
            settings.dapr.host = Some(bare.to_owned());
            (!bare.contains(['/', ' ', '[', ']'])).then_some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("DAPR_GRPC_PORT")],
        default: "50001",
        what: "port of the sidecar's gRPC API",
        expected: "a number from 0 to 65535",
        set: |settings, value| {
            settings.dapr.grpc_port = Some(value.parse().ok()?);
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("DAPR_HTTP_PORT")],
        default: "3500",
        what: "port of the sidecar's HTTP API",
        expected: "a number from 0 to 65535",
        set: |settings, value| {
            settings.dapr.http_port = Some(value.parse().ok()?);
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("DAPR_API_TOKEN")],
        default: "none",
        what: "token for every call of the sidecar",
        expected: "a text that fits into a header",
        set: |settings, value| {
            settings.dapr.api_token = Some(Token(value.to_owned()));
            http::HeaderValue::from_str(value).is_ok().then_some(())
        },
    },
    Row {
        flag: Some("local"),
        value: "WHEN",
        alone: Some("on"),
        variables: &[variable("FUNCTION_LOCAL")],
        default: "auto: without DAPR_* and APP_API_TOKEN, and outside Kubernetes",
        what: "the embedded backend stands in for a Dapr sidecar",
        expected: "auto, on or off",
        set: |settings, value| {
            settings.local = switch(value)?;
            Some(())
        },
    },
    Row {
        flag: Some("data-dir"),
        value: "FOLDER",
        alone: None,
        variables: &[variable("FUNCTION_DATA_DIR")],
        default: "none: in memory",
        what: "where the embedded backend keeps messages and state when the process ends",
        expected: "a path",
        set: |settings, value| {
            settings.data_dir = Some(value.into());
            (!value.is_empty()).then_some(())
        },
    },
    Row {
        flag: Some("local-port"),
        value: "PORT",
        alone: None,
        variables: &[variable("FUNCTION_LOCAL_PORT")],
        default: "3500, or a free one",
        what: "port of the embedded backend's HTTP API, which is Dapr's",
        expected: "a number from 0 to 65535",
        set: |settings, value| {
            settings.local_port = Some(value.parse().ok()?);
            Some(())
        },
    },
    #[cfg(feature = "local")]
    Row {
        flag: None,
        value: "",
        alone: None,
        variables: &[variable("FUNCTION_LOCAL_FAULTS")],
        default: "none",
        what: "what goes wrong in the embedded backend on purpose, for tests: duplicate=0.1,reorder=0.2,delay=50ms,seed=7",
        expected: "some of duplicate=<share>, reorder=<share>, delay=<duration> and seed=<number>, separated by commas",
        set: |settings, value| {
            settings.faults = value.parse().ok()?;
            Some(())
        },
    },
];

/// The host of `[::]:8080`, `0.0.0.0:8080` or `:8080`; of a port alone, none.
fn host_part(address: &str) -> &str {
    address.rsplit_once(':').map_or("", |(host, _)| host)
}

/// The port of the same; without one the whole, which is then reported as no port.
fn port_part(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(_, port)| port)
}
