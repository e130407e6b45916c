//! Whether and how functions are traced: `OTEL_*` variables, and below them the function context.

mod collector;
#[cfg(feature = "metrics")]
mod pushing;

use std::{collections::BTreeMap, ffi::OsString, time::Duration};

use opentelemetry_sdk::trace::Sampler;

use super::{
    super::Service,
    said::{Said, Variables, duration, pairs},
};
use crate::{
    manifest::{Provider, Tracing},
    span::Carries,
};
#[cfg(feature = "tls")]
pub(super) use collector::Tls;
pub(super) use collector::{Collector, Protocol};
use collector::{Exporters, TRACES};
#[cfg(feature = "metrics")]
pub(super) use pushing::Pushing;

/// How functions are traced.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) collector: Option<Collector>,
    /// They are lines on standard error, too.
    pub(super) is_printed: bool,
    pub(super) sampler: Sampler,
    pub(super) carries: Carries,
    pub(super) batches: Batches,
    /// What is said of the process as a whole.
    pub(super) resource: BTreeMap<String, String>,
    /// Put on every span.
    pub(super) tags: BTreeMap<String, String>,
    /// Put into the baggage of every invocation.
    pub(super) baggage: Vec<(String, String)>,
}

/// How spans wait to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batches {
    pub(super) delay: Duration,
    pub(super) queue: usize,
    pub(super) most: usize,
    pub(super) timeout: Duration,
}

const PAIRS: &str = "pairs as key=value, separated by commas";
const TIME: &str = "milliseconds, or a number with ms, s or m";

impl Config {
    /// Reads how functions are traced; nothing where nobody asks for it.
    ///
    /// # Errors
    /// A value that cannot be used: where it stands, what it is, and what is expected.
    pub(super) fn read(
        environment: &dyn Fn(&str) -> Option<OsString>,
        tracing: Option<&Tracing>,
        service: &Service,
    ) -> Result<Option<Self>, String> {
        let variables = Variables(environment);
        if is_disabled(&variables)? {
            return Ok(None);
        }
        let said = TRACES.exporters(&variables)?;
        let tracing = tracing.filter(|tracing| tracing.provider == Provider::OpenTelemetry);
        let endpoint = TRACES.said(&variables, "ENDPOINT")?;
        let is_wanted = endpoint.is_some() || tracing.is_some();
        let exporters = said.or_else(|| is_wanted.then_some(Exporters::COLLECTOR)).filter(|exporters| !exporters.is_none());
        let Some(exporters) = exporters else { return Ok(None) };
        let declared = tracing.and_then(|tracing| tracing.exporter.clone()).unwrap_or_default();
        let collector = exporters.otlp.then(|| Collector::read(&variables, TRACES, endpoint, &declared));
        let none = BTreeMap::new();
        Ok(Some(Self {
            collector: collector.transpose()?,
            is_printed: exporters.console,
            sampler: sampler(&variables)?,
            carries: carries(&variables)?,
            batches: Batches::read(&variables)?,
            resource: resource(&variables, service)?,
            tags: tracing.map_or(&none, |tracing| &tracing.tags).clone(),
            baggage: baggage(tracing.map_or(&none, |tracing| &tracing.baggage))?,
        }))
    }
}

fn is_disabled(variables: &Variables<'_>) -> Result<bool, String> {
    let is_true = |text: &str| match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    Ok(variables.read("OTEL_SDK_DISABLED", "true or false", is_true)?.unwrap_or_default())
}

fn sampler(variables: &Variables<'_>) -> Result<Sampler, String> {
    let ratio = |text: &str| text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    let named = variables.first(&["OTEL_TRACES_SAMPLER"])?;
    let name = named.as_ref().map_or("parentbased_always_on", |said| said.value.trim());
    let ratio = match name {
        "traceidratio" | "parentbased_traceidratio" => {
            variables.read("OTEL_TRACES_SAMPLER_ARG", "a number from 0 to 1", ratio)?.unwrap_or(1.0)
        }
        _ => 1.0,
    };
    let root = match name.trim_start_matches("parentbased_") {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio),
        _ => {
            let expected = "always_on, always_off or traceidratio, each also with parentbased_ before it";
            return Err(named.map_or_else(String::new, |said| said.mistake(expected)));
        }
    };
    Ok(if name.starts_with("parentbased_") { Sampler::ParentBased(Box::new(root)) } else { root })
}

fn carries(variables: &Variables<'_>) -> Result<Carries, String> {
    let parse = |text: &str| {
        let mut carries = Carries { trace: false, baggage: false };
        for name in text.split(',').map(str::trim) {
            match name {
                "tracecontext" => carries.trace = true,
                "baggage" => carries.baggage = true,
                "none" => {}
                _ => return None,
            }
        }
        Some(carries)
    };
    let read = variables.read("OTEL_PROPAGATORS", "tracecontext, baggage, both separated by a comma, or none", parse)?;
    Ok(read.unwrap_or(Carries { trace: true, baggage: true }))
}

impl Batches {
    fn read(variables: &Variables<'_>) -> Result<Self, String> {
        let time = |name, default| Ok::<_, String>(variables.read(name, TIME, duration)?.unwrap_or(default));
        let count = |name, default| {
            let parse = |text: &str| text.parse().ok().filter(|count| (1..=1_000_000).contains(count));
            Ok::<usize, String>(variables.read(name, "a number from 1 to 1000000", parse)?.unwrap_or(default))
        };
        let queue = count("OTEL_BSP_MAX_QUEUE_SIZE", 2048)?;
        Ok(Self {
            delay: time("OTEL_BSP_SCHEDULE_DELAY", Duration::from_secs(5))?,
            queue,
            most: count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)?.min(queue),
            timeout: time("OTEL_BSP_EXPORT_TIMEOUT", Duration::from_secs(30))?,
        })
    }
}

/// What is said of the process: by variables, by the platform, by the function context.
fn resource(variables: &Variables<'_>, service: &Service) -> Result<BTreeMap<String, String>, String> {
    let mut resource = BTreeMap::new();
    resource.insert("service.name".to_owned(), service.name.clone());
    if !service.version.is_empty() {
        resource.insert("service.version".to_owned(), service.version.clone());
    }
    for (variable, names) in
        [("POD_NAME", ["service.instance.id", "k8s.pod.name"]), ("POD_NAMESPACE", ["service.namespace", "k8s.namespace.name"])]
    {
        if let Some(said) = variables.first(&[variable])? {
            resource.extend(names.map(|name| (name.to_owned(), said.value.clone())));
        }
    }
    resource.extend(variables.read("OTEL_RESOURCE_ATTRIBUTES", PAIRS, pairs)?.unwrap_or_default());
    if let Some(said) = variables.first(&["OTEL_SERVICE_NAME"])? {
        resource.insert("service.name".to_owned(), said.value);
    }
    Ok(resource)
}

/// The baggage of the function context: pairs, or as the platform writes it a header's name and value.
fn baggage(declared: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
    let (Some(header), Some(value), 2) = (declared.get("key"), declared.get("value"), declared.len()) else {
        return Ok(declared.clone().into_iter().collect());
    };
    if header != "baggage" {
        // SkyWalking's, which the platform's settings for all functions have.
        return Ok(Vec::new());
    }
    let said = Said { name: "tracing.baggage.value of the function context".to_owned(), value: value.clone() };
    said.parse(PAIRS, pairs)
}

#[cfg(test)]
mod tests;
