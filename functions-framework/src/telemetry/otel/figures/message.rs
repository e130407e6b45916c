//! Figures in OTLP's words.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality::Cumulative, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
        ScopeMetrics, Sum, Summary, SummaryDataPoint, metric::Data, number_data_point::Value,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
};

use super::super::SCOPE;
use crate::telemetry::metrics::{Family, Series};

/// What is said of all figures of the process.
#[derive(Debug)]
pub(super) struct About {
    resource: Resource,
    /// When it began to count.
    start: u64,
}

impl About {
    pub(super) fn new(resource: BTreeMap<String, String>) -> Self {
        let sdk = [("language", "rust"), ("name", SCOPE), ("version", env!("CARGO_PKG_VERSION"))];
        let sdk = sdk.map(|(name, value)| (format!("telemetry.sdk.{name}"), value.to_owned()));
        // What somebody says himself counts.
        let all: BTreeMap<_, _> = sdk.into_iter().chain(resource).collect();
        let attributes = all.into_iter().map(|(key, value)| attribute(&key, value)).collect();
        Self { resource: Resource { attributes, ..Resource::default() }, start: now() }
    }

    /// Makes the message of figures as they are now.
    pub(super) fn message(&self, families: Vec<Family<'_>>) -> ExportMetricsServiceRequest {
        let times = Times { start: self.start, now: now() };
        let metrics = families.into_iter().map(|family| metric(family, times)).collect();
        let scope = InstrumentationScope {
            name: SCOPE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let of_scope = ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() };
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resource.clone()),
                scope_metrics: vec![of_scope],
                ..ResourceMetrics::default()
            }],
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Times {
    start: u64,
    now: u64,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}

fn attribute(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn attributes(labels: Vec<(&str, String)>) -> Vec<KeyValue> {
    labels.into_iter().map(|(key, value)| attribute(key, value)).collect()
}

fn metric(family: Family<'_>, times: Times) -> Metric {
    let Family { name, help, kind, series } = family;
    let aggregation_temporality = Cumulative as i32;
    let data = match kind {
        "counter" => {
            let data_points = series.into_iter().map(|series| number(series, times, true)).collect();
            Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true })
        }
        "histogram" => {
            let data_points = series.into_iter().map(|series| histogram(series, times)).collect();
            Data::Histogram(Histogram { data_points, aggregation_temporality })
        }
        "summary" => Data::Summary(Summary { data_points: series.into_iter().map(|series| summary(series, times)).collect() }),
        _ => Data::Gauge(Gauge { data_points: series.into_iter().map(|series| number(series, times, false)).collect() }),
    };
    Metric {
        name: name.to_owned(),
        description: help.to_owned(),
        unit: unit(name).to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

/// The unit that a name ends in, as it does by the rules of Prometheus.
fn unit(name: &str) -> &'static str {
    match name.strip_suffix("_total").unwrap_or(name).rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "",
    }
}

fn number(series: Series<'_>, times: Times, since_start: bool) -> NumberDataPoint {
    let Series { labels, value, .. } = series;
    let value = match value.parse() {
        Ok(whole) if since_start => Value::AsInt(whole),
        _ => Value::AsDouble(value.parse().unwrap_or(f64::NAN)),
    };
    NumberDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: if since_start { times.start } else { 0 },
        time_unix_nano: times.now,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn histogram(series: Series<'_>, times: Times) -> HistogramDataPoint {
    let Series { labels, value, count, steps } = series;
    let mut below = 0;
    // A count of values is exact far beyond what a process lives to see.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of values is whole and not negative")]
    let in_bucket = steps.iter().map(|(_, upto)| {
        let upto = *upto as u64;
        upto.saturating_sub(std::mem::replace(&mut below, upto))
    });
    HistogramDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: times.start,
        time_unix_nano: times.now,
        count,
        sum: value.parse().ok(),
        bucket_counts: in_bucket.collect(),
        // The last, which takes all, is not said.
        explicit_bounds: steps.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite()).collect(),
        ..HistogramDataPoint::default()
    }
}

fn summary(series: Series<'_>, times: Times) -> SummaryDataPoint {
    let Series { labels, value, count, steps } = series;
    let quantile_values = steps.into_iter().map(|(quantile, value)| ValueAtQuantile { quantile, value }).collect();
    SummaryDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: times.start,
        time_unix_nano: times.now,
        count,
        sum: value.parse().unwrap_or_default(),
        quantile_values,
        ..SummaryDataPoint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::families;

    const TIMES: Times = Times { start: 1, now: 2 };

    fn only(page: &str) -> Metric {
        metric(families(page).remove(0), TIMES)
    }

    #[test]
    fn a_bucket_has_what_is_in_no_other_and_the_last_needs_no_bound() {
        let page = "# TYPE wait_seconds histogram\n\
            wait_seconds_bucket{le=\"0.1\"} 2\nwait_seconds_bucket{le=\"1\"} 5\nwait_seconds_bucket{le=\"+Inf\"} 6\n\
            wait_seconds_sum 9.5\nwait_seconds_count 6\n";
        let metric = only(page);
        let Some(Data::Histogram(histogram)) = metric.data else { panic!("{metric:?}") };
        let point = &histogram.data_points[0];
        assert_eq!((&point.bucket_counts[..], &point.explicit_bounds[..]), (&[2, 3, 1][..], &[0.1, 1.0][..]));
        assert_eq!((point.count, point.sum, point.start_time_unix_nano, metric.unit.as_str()), (6, Some(9.5), 1, "s"));
    }

    #[test]
    fn a_counter_only_rises_and_is_whole_where_it_can_be() {
        for (value, expected) in [("7", Value::AsInt(7)), ("0.25", Value::AsDouble(0.25))] {
            let metric = only(&format!("# HELP a_bytes_total All\n# TYPE a_bytes_total counter\na_bytes_total {value}\n"));
            let Some(Data::Sum(sum)) = metric.data else { panic!("{metric:?}") };
            assert!(sum.is_monotonic && sum.aggregation_temporality == Cumulative as i32);
            assert_eq!(sum.data_points[0].value, Some(expected));
            assert_eq!((metric.unit.as_str(), metric.description.as_str()), ("By", "All"));
        }
        let Some(Data::Gauge(gauge)) = only("# TYPE level gauge\nlevel{a=\"b\"} 7\n").data else { panic!("no gauge") };
        assert_eq!(gauge.data_points[0].value, Some(Value::AsDouble(7.0)));
        assert_eq!(gauge.data_points[0].attributes, [attribute("a", "b".to_owned())]);
    }
}
