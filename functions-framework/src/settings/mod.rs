//! What an operator can set: flags and environment variables, read once into typed values.
//!
//! One table says it all; `--help` prints it. Order: code, then flag, then environment, then function context, then default.

mod dapr;
pub(crate) mod environment;
mod hooks;
mod table;
mod telemetry;
mod value;

use std::{
    fmt::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use tracing_subscriber::filter::Targets;

#[cfg(feature = "local")]
use crate::sidecar::local::Faults;
use crate::{function::Kind, hooks::OnError, outcome::Verdict, spelling::nearest};
pub(crate) use dapr::{Dapr, Endpoint, Place, Token};
use table::{Row, rows};

/// The settings of a process.
#[derive(Debug, Clone)]
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
    /// What becomes of an event whose payload is not what the function takes.
    pub(crate) undecodable: Verdict,
    /// The hooks that run, in the place of those that the platform lists.
    pub(crate) hooks: Option<Vec<String>>,
    pub(crate) hook_errors: OnError,
    /// Whether a list that names a hook which is not registered ends the start.
    pub(crate) unknown_hooks_are_errors: bool,
    /// What a sidecar proves itself with.
    pub(crate) app_token: Option<String>,
    pub(crate) dapr: Dapr,
    /// Whether the embedded backend stands in for a sidecar.
    pub(crate) local: Switch,
    /// Where it keeps messages and state.
    pub(crate) data_dir: Option<PathBuf>,
    /// The port of its HTTP API.
    pub(crate) local_port: Option<u16>,
    /// What goes wrong in it on purpose.
    #[cfg(feature = "local")]
    pub(crate) faults: Faults,
    /// A Function manifest to read instead of the function context.
    pub(crate) manifest: Option<PathBuf>,
    /// A folder of Dapr's resource files.
    pub(crate) resources: Option<PathBuf>,
    /// Where metrics are served: an address, or all of them, and a port.
    pub(crate) metrics_address: Option<(Option<String>, u16)>,
    pub(crate) log_format: LogFormat,
    pub(crate) access_log: Switch,
    pub(crate) log_filter: Targets,
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
    /// JSON in the names of Google Cloud's logging.
    Cloud,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Request {
    Serve(Box<Settings>),
    PrintManifest(Box<Settings>),
    ListFunctions,
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
            undecodable: Verdict::Drop,
            hooks: None,
            hook_errors: OnError::Fail,
            unknown_hooks_are_errors: true,
            app_token: None,
            dapr: Dapr::default(),
            local: Switch::Auto,
            data_dir: None,
            local_port: None,
            #[cfg(feature = "local")]
            faults: Faults::default(),
            manifest: None,
            resources: None,
            metrics_address: None,
            log_format: LogFormat::Auto,
            access_log: Switch::Auto,
            log_filter: Targets::new().with_default(tracing::Level::INFO),
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
        let mut given = Vec::new();
        let mut request: fn(Box<Self>) -> Request = Request::Serve;
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(|error| Invalid::Usage(error.to_string()))? {
            let row = match argument {
                lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(Request::Help),
                lexopt::Arg::Long("version") | lexopt::Arg::Short('V') => return Ok(Request::Version),
                // As for help, nothing else matters: it is asked where an image is built, which is not where it runs.
                lexopt::Arg::Long("list-functions") => return Ok(Request::ListFunctions),
                lexopt::Arg::Long("print-manifest") => {
                    request = Request::PrintManifest;
                    continue;
                }
                lexopt::Arg::Long(name) => rows().find(|row| row.flag == Some(name)).ok_or_else(|| unknown(name))?,
                other => return Err(Invalid::Usage(other.unexpected().to_string())),
            };
            let value = match row.alone {
                // `--local` alone says all; with a value it is `--local=off`.
                Some(meaning) => parser.optional_value().unwrap_or_else(|| meaning.into()),
                None => parser.value().map_err(|error| Invalid::Usage(error.to_string()))?,
            };
            if value.to_str().and_then(|text| (row.set)(&mut settings, text)).is_none() {
                let flag = format!("--{}", row.flag.unwrap_or_default());
                return Err(Invalid::Usage(mistake(&flag, &value.to_string_lossy(), row)));
            }
            given.extend(row.flag);
        }
        // What a flag has set, no variable can spoil.
        for row in rows().filter(|row| row.flag.is_none_or(|flag| !given.contains(&flag))) {
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
        Ok(request(Box::new(settings)))
    }

    /// The text of `--help`.
    pub(crate) fn help() -> String {
        let mut text = String::from(
            "Serves the functions of this program.\n\nA flag wins over its variables, the first variable over the next.\n\n",
        );
        for row in rows() {
            let flag = row.flag.map(|flag| match row.alone {
                Some(_) => format!("--{flag}[=<{}>]", row.value),
                None => format!("--{flag} <{}>", row.value),
            });
            let variables: Vec<_> = row.variables.iter().map(|variable| variable.name).collect();
            let names: Vec<_> = flag.into_iter().chain(variables.into_iter().map(str::to_owned)).collect();
            let default = if row.default.is_empty() { String::new() } else { format!(" [default: {}]", row.default) };
            // Writing to a text cannot fail.
            let _ = writeln!(text, "  {}\n        {}{default}", names.join(", "), row.what);
        }
        text += "  FUNC_CONTEXT, FUNC_CONTEXT_V1BETA2\n        the function context that OpenFunction gives\n";
        text += "  --print-manifest\n        prints what was declared about the function, as JSON, and ends\n";
        text += "  --list-functions\n        prints the functions of this program, as JSON, and ends\n";
        text += "  -h, --help\n  -V, --version\n\n";
        text += "Exit codes: 0 after a drain, 64 a bad flag or an unknown target, 69 the port is taken, 70 `init` failed,\n";
        text += "75 the drain ran out of time, 78 a bad setting or function context.\n";
        text
    }
}

fn mistake(name: &str, value: &str, row: &Row) -> String {
    // A log is no place for it, not even when it is wrong.
    let value = if name.ends_with("_TOKEN") { "..." } else { value };
    format!("{name}={value}: expected {}", row.expected)
}

fn unknown(name: &str) -> Invalid {
    let flags = rows().filter_map(|row| row.flag).chain(["print-manifest", "list-functions", "help", "version"]);
    let hint = nearest(name, flags).map_or_else(String::new, |flag| format!(", did you mean `--{flag}`?"));
    Invalid::Usage(format!("unknown flag `--{name}`{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads settings from a command line and variables written as on one.
    fn read(arguments: &str, variables: &[(&str, &str)]) -> Result<Settings, Invalid> {
        let arguments = arguments.split_whitespace().map(Into::into);
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        match Settings::read(arguments, variable)? {
            Request::Serve(settings) | Request::PrintManifest(settings) => Ok(*settings),
            Request::ListFunctions | Request::Help | Request::Version => panic!("not asked to serve"),
        }
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_default() {
        assert_eq!(read("", &[]).unwrap().port, None);
        assert_eq!(read("", &[("PORT", "9")]).unwrap().port, Some(9));
        assert_eq!(read("--port 7", &[("PORT", "9")]).unwrap().port, Some(7));
        assert_eq!(read("--port=7", &[]).unwrap().port, Some(7));
        assert_eq!(read("--port 7", &[("PORT", "abc")]).unwrap().port, Some(7));
        assert_eq!(read("", &[("PORT", "")]).unwrap().port, None, "an empty variable is none");
        let both = [("FUNCTION_TIMEOUT", "3s"), ("CLOUD_RUN_TIMEOUT_SECONDS", "60")];
        assert_eq!(read("", &both).unwrap().timeout, Some(Duration::from_secs(3)));
        assert_eq!(read("", &both[1..]).unwrap().timeout, Some(Duration::from_secs(60)));
    }

    #[test]
    fn an_address_may_be_whole_or_in_parts() {
        let address = |variables: &[(&str, &str)]| {
            let settings = read("", variables).unwrap();
            (settings.host, settings.port)
        };
        assert_eq!(address(&[("LISTEN_ADDRESS", "[::]:8081")]), (Some("::".to_owned()), Some(8081)));
        assert_eq!(address(&[("LISTEN_ADDRESS", ":8081"), ("PORT", "1")]), (None, Some(8081)));
        assert_eq!(address(&[("ADDRESS", "0.0.0.0"), ("PORT", "1")]), (Some("0.0.0.0".to_owned()), Some(1)));
        let wrong = read("", &[("LISTEN_ADDRESS", "0.0.0.0")]).unwrap_err();
        assert!(wrong.to_string().starts_with("LISTEN_ADDRESS=0.0.0.0: expected"), "{wrong}");
    }

    #[test]
    fn a_bad_value_names_itself_and_what_is_expected() {
        let text = |result: Result<Settings, Invalid>| result.unwrap_err().to_string();
        assert_eq!(text(read("", &[("PORT", "abc")])), "PORT=abc: expected a number from 0 to 65535");
        assert_eq!(text(read("--port 70000", &[])), "--port=70000: expected a number from 0 to 65535");
        assert_eq!(text(read("--prot 1", &[])), "unknown flag `--prot`, did you mean `--port`?");
        for (name, value) in [
            ("FUNCTION_TIMEOUT", "soon"),
            ("FUNCTION_TIMEOUT", "99999999999999999h"),
            ("FUNCTION_MAX_BODY_SIZE", "1 light year"),
            ("FUNCTION_CONCURRENCY", "0"),
            ("FUNCTION_KEEP_ALIVE", "0"),
            ("IGNORED_ROUTES", "robots.txt"),
            ("FUNCTION_HEALTH", "maybe"),
            ("FUNCTION_SIGNATURE_TYPE", "grpc"),
            ("LOG_FORMAT", "xml"),
            ("FUNCTION_METRICS_ADDRESS", "metrics"),
            ("FUNCTION_METRICS_ADDRESS", "a:b:1"),
            ("RUST_LOG", "hello=loud"),
            ("DAPR_GRPC_ENDPOINT", "vsock:3:5000"),
            ("DAPR_HTTP_ENDPOINT", "sidecar:3500"),
            ("DAPR_HOST", "http://sidecar"),
            ("DAPR_GRPC_PORT", "0x1"),
            ("FUNCTION_HOOK_ERRORS", "ignore"),
            ("FUNCTION_UNKNOWN_HOOKS", "drop"),
        ] {
            let refused = text(read("", &[(name, value)]));
            assert!(refused.starts_with(&format!("{name}={value}: expected ")), "{refused}");
        }
        assert_eq!(
            text(read("", &[("DAPR_API_TOKEN", "s3cret\n")])),
            "DAPR_API_TOKEN=...: expected a text that fits into a header"
        );
        assert!(matches!(read("--port", &[]), Err(Invalid::Usage(_))));
        assert!(matches!(read("hello", &[]), Err(Invalid::Usage(_))));
        assert!(matches!(read("", &[("PORT", "x")]), Err(Invalid::Value(_))));
    }

    #[test]
    fn values_have_their_usual_forms() {
        let settings = read("--timeout 0 --max-body-size 2MiB --shutdown-grace 250ms --concurrency unlimited", &[]).unwrap();
        assert_eq!((settings.timeout, settings.max_body_size, settings.concurrency), (None, 2 << 20, None));
        assert_eq!(settings.shutdown_grace, Duration::from_millis(250));
        assert_eq!(read("", &[("IGNORED_ROUTES", "")]).unwrap().ignored_routes, [""; 0]);
        assert_eq!(read("", &[]).unwrap().hooks, None);
        assert_eq!(read("", &[("FUNCTION_HOOKS", "")]).unwrap().hooks, Some(Vec::new()), "none is a choice too");
        assert_eq!(read("--hooks=a,b", &[("FUNCTION_HOOKS", "c")]).unwrap().hooks.unwrap(), ["a", "b"]);
        assert_eq!(read("--ignored-routes /a,/b", &[]).unwrap().ignored_routes, ["/a", "/b"]);
        assert_eq!(read("", &[("FUNCTION_SIGNATURE_TYPE", "event")]).unwrap().signature, Some(Kind::CloudEvent));
    }

    #[test]
    fn functions_are_listed_whatever_the_environment_says() {
        let listed = |arguments: &str| {
            let spoilt = |name: &str| Some(format!("{name} makes no sense").into());
            Settings::read(arguments.split_whitespace().map(Into::into), spoilt)
        };
        assert!(matches!(listed("--list-functions"), Ok(Request::ListFunctions)));
        assert!(matches!(listed("--port 0 --list-functions --nonsense"), Ok(Request::ListFunctions)));
        assert!(matches!(listed("--nonsense --list-functions"), Err(Invalid::Usage(_))));
        assert_eq!(
            read("--list-function", &[]).unwrap_err().to_string(),
            "unknown flag `--list-function`, did you mean `--list-functions`?"
        );
    }

    #[test]
    fn help_names_every_setting() {
        let help = Settings::help();
        for row in rows() {
            for variable in row.variables {
                assert!(help.contains(variable.name), "{}", variable.name);
            }
        }
    }
}
