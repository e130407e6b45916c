//! The collector of one signal: `OTEL_EXPORTER_OTLP_*`, and for spans below them the function context.

use std::time::Duration;

use super::{
    super::said::{Said, Variables, duration, pairs},
    PAIRS, TIME,
};
use crate::manifest::Exporter;

/// What a collector takes: the part of the variables' names that is its own, and its path over HTTP.
#[derive(Debug, Clone, Copy)]
pub(in crate::telemetry) struct Signal {
    name: &'static str,
    path: &'static str,
}

pub(in crate::telemetry) const TRACES: Signal = Signal { name: "TRACES", path: "/v1/traces" };
#[cfg(feature = "metrics")]
pub(in crate::telemetry) const METRICS: Signal = Signal { name: "METRICS", path: "/v1/metrics" };

impl Signal {
    /// What the variable of this signal says of its collector, or else that of all signals.
    pub(super) fn said(self, variables: &Variables<'_>, what: &str) -> Result<Option<Said>, String> {
        variables.first(&[&self.own(what), &format!("OTEL_EXPORTER_OTLP_{what}")])
    }

    /// The variable of this signal alone.
    pub(super) fn own(self, what: &str) -> String {
        format!("OTEL_EXPORTER_OTLP_{}_{what}", self.name)
    }

    /// Where it goes, if somebody says so.
    pub(super) fn exporters(self, variables: &Variables<'_>) -> Result<Option<Exporters>, String> {
        let expected = match self.name {
            "METRICS" => "otlp, console, both separated by a comma, or none; Prometheus reads at FUNCTION_METRICS_ADDRESS",
            _ => "otlp, console, both separated by a comma, or none",
        };
        variables.read(&format!("OTEL_{}_EXPORTER", self.name), expected, |text| {
            let mut exporters = Exporters { otlp: false, console: false };
            for name in text.split(',').map(str::trim) {
                match name {
                    "otlp" => exporters.otlp = true,
                    "console" => exporters.console = true,
                    "none" if text == "none" => {}
                    _ => return None,
                }
            }
            Some(exporters)
        })
    }
}

/// Where something goes: to a collector, to standard error, to both or nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exporters {
    pub(super) otlp: bool,
    pub(super) console: bool,
}

impl Exporters {
    /// What is meant where somebody names a collector and says no more.
    pub(super) const COLLECTOR: Self = Self { otlp: true, console: false };

    pub(super) const fn is_none(self) -> bool {
        !self.otlp && !self.console
    }
}

/// Where spans go.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::telemetry) struct Collector {
    pub(in crate::telemetry) protocol: Protocol,
    pub(in crate::telemetry) endpoint: String,
    pub(in crate::telemetry) headers: Vec<(String, String)>,
    pub(in crate::telemetry) timeout: Duration,
    pub(in crate::telemetry) gzip: bool,
    /// How the two know each other; nothing where what is sent can be read on the way.
    pub(in crate::telemetry) tls: Option<Tls>,
}

/// Files of who is trusted and of who sends, where somebody names them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::telemetry) struct Tls {
    pub(in crate::telemetry) authorities: Option<Said>,
    pub(in crate::telemetry) certificate: Option<Said>,
    pub(in crate::telemetry) key: Option<Said>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::telemetry) enum Protocol {
    Grpc,
    Http,
}

impl Collector {
    pub(super) fn read(
        variables: &Variables<'_>,
        signal: Signal,
        endpoint: Option<Said>,
        declared: &Exporter,
    ) -> Result<Self, String> {
        let either = |what: &str, field: &str, value: &Option<String>| {
            Ok::<_, String>(signal.said(variables, what)?.or_else(|| Said::in_context(field, value.as_ref())))
        };
        if let Some(name) = Said::in_context("name", declared.name.as_ref()) {
            name.parse("otlp", |name| (name == "otlp").then_some(()))?;
        }
        let protocol = either("PROTOCOL", "protocol", &declared.protocol)?.map(|said| {
            said.parse("grpc or http/protobuf", |text| match text {
                "grpc" => Some(Protocol::Grpc),
                "http/protobuf" | "http" => Some(Protocol::Http),
                _ => None,
            })
        });
        let protocol = protocol.transpose()?;
        let said = endpoint.or_else(|| Said::in_context("endpoint", declared.endpoint.as_ref()));
        let (protocol, endpoint) = signal.place(said, protocol)?;
        let headers = either("HEADERS", "headers", &declared.headers)?;
        let timeout = either("TIMEOUT", "timeout", &declared.timeout)?;
        let gzip = either("COMPRESSION", "compression", &declared.compression)?.map(|said| {
            said.parse("gzip or none", |text| match text {
                "gzip" => Some(true),
                "none" => Some(false),
                _ => None,
            })
        });
        let is_secret = endpoint.starts_with("https:");
        let tls = Tls {
            authorities: signal.said(variables, "CERTIFICATE")?,
            certificate: signal.said(variables, "CLIENT_CERTIFICATE")?,
            key: signal.said(variables, "CLIENT_KEY")?,
        };
        Ok(Self {
            tls: is_secret.then_some(tls),
            protocol,
            endpoint,
            headers: headers.map_or_else(|| Ok(Vec::new()), |said| said.parse(PAIRS, headers_of))?,
            timeout: timeout.map_or_else(|| Ok(Duration::from_secs(10)), |said| said.parse(TIME, duration))?,
            gzip: gzip.transpose()?.unwrap_or_default(),
        })
    }
}

/// Pairs that are headers.
fn headers_of(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = pairs(text)?;
    let is_header = |(name, value): &(String, String)| {
        http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok()
    };
    pairs.iter().all(is_header).then_some(pairs)
}

impl Signal {
    /// Where exactly it goes, and how: a collector takes calls over gRPC at its port 4317, requests at any other.
    fn place(self, said: Option<Said>, protocol: Option<Protocol>) -> Result<(Protocol, String), String> {
        let Some(said) = said else {
            return Ok(match protocol {
                Some(Protocol::Grpc) => (Protocol::Grpc, "http://localhost:4317".to_owned()),
                _ => (Protocol::Http, format!("http://localhost:4318{}", self.path)),
            });
        };
        let is_variable = said.name.starts_with("OTEL_");
        // The platform's own examples have none.
        let has_scheme = is_variable || said.value.contains("://");
        let whole = if has_scheme { said.value.trim().to_owned() } else { format!("http://{}", said.value.trim()) };
        let uri: http::Uri = whole.parse().map_err(|_| said.mistake("an address such as http://collector:4318"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") if cfg!(feature = "tls") => {}
            Some("https") => {
                return Err(
                    said.mistake("http://, since the program was built without the feature `tls` of functions-framework")
                );
            }
            _ => return Err(said.mistake("an address such as http://collector:4318")),
        }
        let protocol = protocol.unwrap_or(if uri.port_u16() == Some(4317) { Protocol::Grpc } else { Protocol::Http });
        // The variable of all signals has the path before theirs, that of this one has all of it.
        let is_whole = said.name == self.own("ENDPOINT") || (!is_variable && uri.path() != "/");
        Ok(match protocol {
            Protocol::Http if !is_whole => (protocol, format!("{}{}", whole.trim_end_matches('/'), self.path)),
            _ => (protocol, whole),
        })
    }
}
