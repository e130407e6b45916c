//! What an operator can set: flags and environment variables, read once into typed values.
//!
//! One table says it all; `--help` prints it. Order: code, then flag, then environment, then function context, then default.

use std::{fmt, time::Duration};

use crate::function::Kind;

/// The settings of a process.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Settings {
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) target: Option<String>,
    pub(crate) signature: Option<Kind>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) max_body_size: usize,
    pub(crate) concurrency: Option<usize>,
    pub(crate) shutdown_grace: Duration,
    pub(crate) ignored_routes: Vec<String>,
    pub(crate) health: Switch,
    pub(crate) header_timeout: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) webhook_origins: Vec<String>,
    pub(crate) log_format: LogFormat,
    pub(crate) access_log: Switch,
    pub(crate) log_filter: tracing_subscriber::filter::Targets,
    /// Knative sets `LISTEN_ADDRESS` where it also probes the health routes.
    pub(crate) listen_address_is_set: bool,
}

/// A switch that may decide for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    Auto,
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    Text,
    Json,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Serve(Box<Settings>),
    Help,
    Version,
}

/// A setting that cannot be used, in words for the person who set it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// The command line is not one of ours.
    Usage(String),
    /// A value is not what the setting takes.
    Value(String),
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Value(text) => f.write_str(text),
        }
    }
}

/// One line of the table.
struct Row {
    flag: Option<&'static str>,
    value: &'static str,
    variables: &'static [Variable],
    default: &'static str,
    what: &'static str,
    expected: &'static str,
    set: fn(&mut Settings, &str) -> Option<()>,
}

struct Variable {
    name: &'static str,
    /// The part of the variable that this setting reads.
    part: fn(&str) -> &str,
    /// Whether an empty variable is a value; elsewhere it counts as unset, as usual in containers.
    empty_is_value: bool,
}

const fn variable(name: &'static str) -> Variable {
    Variable { name, part: |whole| whole, empty_is_value: false }
}

const ROWS: &[Row] = &[
    Row {
        flag: Some("host"),
        value: "ADDRESS",
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
        variables: &[variable("FUNCTION_SOURCE")],
        default: "",
        what: "accepted and ignored: the program is the source",
        expected: "a path",
        set: |_, _| Some(()),
    },
    Row {
        flag: Some("timeout"),
        value: "DURATION",
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
        variables: &[variable("FUNCTION_CONCURRENCY")],
        default: "unlimited",
        what: "most invocations at once, then 503",
        expected: "a number from 1, or `unlimited`",
        set: |settings, value| {
            settings.concurrency = if value == "unlimited" { None } else { Some(value.parse().ok().filter(|&most| most > 0)?) };
            Some(())
        },
    },
    Row {
        flag: Some("shutdown-grace"),
        value: "DURATION",
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
        flag: None,
        value: "",
        variables: &[variable("LOG_FORMAT")],
        default: "text on a terminal, else json",
        what: "form of the log lines on standard error",
        expected: "text or json",
        set: |settings, value| {
            settings.log_format = match value {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                "auto" => LogFormat::Auto,
                _ => return None,
            };
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        variables: &[variable("RUST_LOG")],
        default: "info",
        what: "levels to log",
        expected: "a level, or target=level pairs separated by commas",
        set: |settings, value| {
            settings.log_filter = value.parse().ok()?;
            Some(())
        },
    },
    Row {
        flag: None,
        value: "",
        variables: &[variable("FUNCTION_ACCESS_LOG")],
        default: "auto",
        what: "a log line for every request; auto: on a terminal; failures are always logged",
        expected: "auto, on or off",
        set: |settings, value| {
            settings.access_log = switch(value)?;
            Some(())
        },
    },
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            target: None,
            signature: None,
            timeout: Some(Duration::from_secs(300)),
            max_body_size: 16 << 20,
            concurrency: None,
            shutdown_grace: Duration::from_secs(25),
            ignored_routes: vec!["/robots.txt".to_owned(), "/favicon.ico".to_owned()],
            health: Switch::Auto,
            header_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(600),
            webhook_origins: Vec::new(),
            log_format: LogFormat::Auto,
            access_log: Switch::Auto,
            log_filter: tracing_subscriber::filter::Targets::new().with_default(tracing::Level::INFO),
            listen_address_is_set: false,
        }
    }
}

impl Settings {
    /// Reads the command line (without the program's name) and the environment.
    pub(crate) fn read(
        arguments: impl IntoIterator<Item = std::ffi::OsString>,
        environment: impl Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<Request, Invalid> {
        let mut settings = Self::default();
        for row in ROWS {
            for variable in row.variables {
                let Some(whole) = environment(variable.name) else { continue };
                if whole.is_empty() && !variable.empty_is_value {
                    continue;
                }
                let text = whole.to_str();
                if text.and_then(|text| (row.set)(&mut settings, (variable.part)(text))).is_none() {
                    return Err(Invalid::Value(mistake(variable.name, &whole.to_string_lossy(), row)));
                }
                // The first that is set wins.
                break;
            }
        }
        settings.listen_address_is_set = environment("LISTEN_ADDRESS").is_some_and(|value| !value.is_empty());

        let mut parser = lexopt::Parser::from_args(arguments);
        loop {
            let row = match parser.next().map_err(|error| Invalid::Usage(error.to_string()))? {
                None => return Ok(Request::Serve(Box::new(settings))),
                Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h')) => return Ok(Request::Help),
                Some(lexopt::Arg::Long("version") | lexopt::Arg::Short('V')) => return Ok(Request::Version),
                Some(lexopt::Arg::Long(name)) => ROWS.iter().find(|row| row.flag == Some(name)).ok_or_else(|| unknown(name))?,
                Some(other) => return Err(Invalid::Usage(other.unexpected().to_string())),
            };
            let value = parser.value().map_err(|error| Invalid::Usage(error.to_string()))?;
            if value.to_str().and_then(|text| (row.set)(&mut settings, text)).is_none() {
                let flag = format!("--{}", row.flag.unwrap_or_default());
                return Err(Invalid::Usage(mistake(&flag, &value.to_string_lossy(), row)));
            }
        }
    }

    /// The text of `--help`.
    pub(crate) fn help() -> String {
        let mut text = String::from(
            "Serves the functions of this program.\n\nA flag wins over its variables, the first variable over the next.\n\n",
        );
        for row in ROWS {
            let flag = row.flag.map(|flag| format!("--{flag} <{}>", row.value));
            let variables: Vec<_> = row.variables.iter().map(|variable| variable.name).collect();
            let names: Vec<_> = flag.into_iter().chain(variables.into_iter().map(str::to_owned)).collect();
            let default = if row.default.is_empty() { String::new() } else { format!(" [default: {}]", row.default) };
            text += &format!("  {}\n        {}{default}\n", names.join(", "), row.what);
        }
        text += "  FUNC_CONTEXT, FUNC_CONTEXT_V1BETA2\n        the function context that OpenFunction gives\n";
        text += "  -h, --help\n  -V, --version\n\n";
        text += "Exit codes: 0 after a drain, 64 a bad flag or an unknown target, 69 the port is taken, 70 `init` failed,\n";
        text += "75 the drain ran out of time, 78 a bad setting or function context.\n";
        text
    }
}

fn mistake(name: &str, value: &str, row: &Row) -> String {
    format!("{name}={value}: expected {}", row.expected)
}

fn unknown(name: &str) -> Invalid {
    let flags = ROWS.iter().filter_map(|row| row.flag).chain(["help", "version"]);
    let hint = nearest(name, flags).map_or_else(String::new, |flag| format!(", did you mean `--{flag}`?"));
    Invalid::Usage(format!("unknown flag `--{name}`{hint}"))
}

/// The host of `[::]:8080`, `0.0.0.0:8080` or `:8080`; of a port alone, none.
fn host_part(address: &str) -> &str {
    address.rsplit_once(':').map_or("", |(host, _)| host)
}

/// The port of the same; without one the whole, which is then reported as no port.
fn port_part(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(_, port)| port)
}

fn switch(text: &str) -> Option<Switch> {
    Some(match text {
        "auto" => Switch::Auto,
        "on" | "true" | "1" => Switch::On,
        "off" | "false" | "0" => Switch::Off,
        _ => return None,
    })
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    // A century is enough, and adding it to a clock does not overflow.
    number.checked_mul(seconds).filter(|&total| total < 100 * 366 * 86_400).map(Duration::from_secs)
}

fn size(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    number.checked_mul(match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    })
}

/// The name that is meant, when it is near enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = name.chars().count().div_ceil(3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= tolerated)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, one row of the table at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
