//! Whether and how figures are sent to a collector: `OTEL_*` variables alone, since no function context speaks of them.

use std::{collections::BTreeMap, ffi::OsString, time::Duration};

use super::{
    super::said::{Variables, duration},
    Collector, Service, TIME,
    collector::{Exporters, METRICS},
    is_disabled, resource,
};
use crate::manifest::Exporter;

/// How figures are sent.
#[derive(Debug)]
pub(in crate::telemetry) struct Pushing {
    pub(in crate::telemetry) collector: Option<Collector>,
    /// They are lines on standard error, too.
    pub(in crate::telemetry) is_printed: bool,
    pub(in crate::telemetry) every: Duration,
    pub(in crate::telemetry) timeout: Duration,
    /// What is said of the process as a whole.
    pub(in crate::telemetry) resource: BTreeMap<String, String>,
    /// Somebody asks for figures by their name, and not only for what a collector can have.
    pub(in crate::telemetry) is_asked_for: bool,
}

impl Pushing {
    /// Reads how figures are sent; nothing where nobody asks for it.
    ///
    /// # Errors
    /// A value that cannot be used: where it stands, what it is, and what is expected.
    pub(in crate::telemetry) fn read(
        environment: &dyn Fn(&str) -> Option<OsString>,
        service: &Service,
    ) -> Result<Option<Self>, String> {
        let variables = Variables(environment);
        if is_disabled(&variables)? {
            return Ok(None);
        }
        let said = METRICS.exporters(&variables)?;
        let endpoint = METRICS.said(&variables, "ENDPOINT")?;
        let is_wanted = endpoint.is_some();
        let exporters = said.or_else(|| is_wanted.then_some(Exporters::COLLECTOR)).filter(|exporters| !exporters.is_none());
        let Some(exporters) = exporters else { return Ok(None) };
        let is_own = endpoint.as_ref().is_some_and(|said| said.name == METRICS.own("ENDPOINT"));
        // A counter of Prometheus never starts anew.
        variables.read(&METRICS.own("TEMPORALITY_PREFERENCE"), "cumulative", |text| {
            text.eq_ignore_ascii_case("cumulative").then_some(())
        })?;
        let time = |name, default| Ok::<_, String>(variables.read(name, TIME, duration)?.unwrap_or(default));
        let whole = |text: &str| duration(text).filter(|every| !every.is_zero());
        let every = variables.read("OTEL_METRIC_EXPORT_INTERVAL", TIME, whole)?;
        let collector = exporters.otlp.then(|| Collector::read(&variables, METRICS, endpoint, &Exporter::default()));
        Ok(Some(Self {
            collector: collector.transpose()?,
            is_printed: exporters.console,
            every: every.unwrap_or(Duration::from_secs(60)),
            timeout: time("OTEL_METRIC_EXPORT_TIMEOUT", Duration::from_secs(30))?,
            resource: resource(&variables, service)?,
            is_asked_for: is_own || said.is_some(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Protocol, *};

    fn read(variables: &[(&str, &str)]) -> Result<Option<Pushing>, String> {
        let environment = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Pushing::read(&environment, &Service { name: "hello".to_owned(), ..Service::default() })
    }

    #[test]
    fn figures_are_sent_where_somebody_asks_for_them_or_has_a_collector() {
        let (all, own) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
        assert!(read(&[]).unwrap().is_none());
        assert!(
            read(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c"), ("OTEL_TRACES_EXPORTER", "otlp")]).unwrap().is_none()
        );
        assert!(read(&[(all, "http://c"), ("OTEL_METRICS_EXPORTER", "none")]).unwrap().is_none());
        assert!(read(&[(all, "http://c"), ("OTEL_SDK_DISABLED", "true")]).unwrap().is_none());
        for (variables, endpoint, is_asked_for) in [
            ([(all, "http://c:4318")], "http://c:4318/v1/metrics", false),
            ([(own, "http://c:4318/mine")], "http://c:4318/mine", true),
            ([("OTEL_METRICS_EXPORTER", "otlp")], "http://localhost:4318/v1/metrics", true),
        ] {
            let pushing = read(&variables).unwrap().expect("they are sent");
            let collector = pushing.collector.expect("there is a collector");
            assert_eq!((collector.endpoint.as_str(), pushing.is_asked_for), (endpoint, is_asked_for));
            assert_eq!((pushing.every, pushing.resource["service.name"].as_str()), (Duration::from_secs(60), "hello"));
        }
    }

    #[test]
    fn what_is_said_of_figures_alone_wins_over_what_is_said_of_all() {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://d:4317"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "b=2"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1500"),
        ];
        let Pushing { collector, every, .. } = read(&variables).unwrap().expect("they are sent");
        let collector = collector.expect("there is a collector");
        assert_eq!((collector.protocol, collector.endpoint.as_str()), (Protocol::Grpc, "http://d:4317"));
        assert_eq!((collector.headers[0].0.as_str(), every), ("b", Duration::from_millis(1500)));
    }

    #[test]
    fn what_cannot_be_used_is_named_with_what_is_expected() {
        for (name, value) in [
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "often"),
            ("OTEL_METRIC_EXPORT_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ] {
            let why = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), (name, value)]).unwrap_err();
            assert!(why.starts_with(&format!("{name}={value}: expected ")), "{why}");
        }
    }
}
