//! Metrics as a collector of OpenTelemetry gets them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{AggregationTemporality, Metric, metric::Data, number_data_point::Value},
};

use crate::collector::texts;

/// One series of a metric.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The metric.
    pub name: String,
    /// What is said of it.
    pub description: String,
    /// `s`, `By` or nothing.
    pub unit: String,
    /// What kind it is, with its value.
    pub value: Figure,
    /// The labels.
    pub attributes: BTreeMap<String, String>,
    /// What the process says.
    pub resource: BTreeMap<String, String>,
}

/// A value of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// A sum since the start that only rises.
    Counter(f64),
    /// What is so now.
    Gauge(f64),
    /// A histogram since the start.
    Histogram {
        /// How many values.
        count: u64,
        /// Their sum.
        sum: f64,
        /// Up to which value each bucket but the last goes.
        bounds: Vec<f64>,
        /// How many values are in each bucket.
        buckets: Vec<u64>,
    },
    /// Quantiles.
    Summary(u64),
}

impl Measured {
    /// All series of an export.
    pub fn all(export: ExportMetricsServiceRequest) -> Vec<Self> {
        let mut all = Vec::new();
        for of_process in export.resource_metrics {
            let resource = texts(of_process.resource.map(|resource| resource.attributes).unwrap_or_default());
            for metric in of_process.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                let Metric { name, description, unit, data, .. } = metric;
                let data = data.unwrap_or_else(|| panic!("{name} has no data"));
                all.extend(figures(data).into_iter().map(|(attributes, value)| Self {
                    name: name.clone(),
                    description: description.clone(),
                    unit: unit.clone(),
                    value,
                    attributes,
                    resource: resource.clone(),
                }));
            }
        }
        all
    }
}

fn figures(data: Data) -> Vec<(BTreeMap<String, String>, Figure)> {
    let cumulative = AggregationTemporality::Cumulative as i32;
    let number = |value: Option<Value>| match value {
        Some(Value::AsDouble(value)) => value,
        Some(Value::AsInt(value)) => value.to_string().parse().expect("a whole number is one"),
        None => panic!("a point without a value"),
    };
    match data {
        Data::Sum(sum) => {
            assert!(sum.is_monotonic && sum.aggregation_temporality == cumulative, "{sum:?}");
            let points = sum.data_points.into_iter();
            points
                .map(|point| {
                    assert!((1..=point.time_unix_nano).contains(&point.start_time_unix_nano), "{point:?}");
                    (texts(point.attributes), Figure::Counter(number(point.value)))
                })
                .collect()
        }
        Data::Gauge(gauge) => {
            let points = gauge.data_points.into_iter();
            points.map(|point| (texts(point.attributes), Figure::Gauge(number(point.value)))).collect()
        }
        Data::Histogram(histogram) => {
            assert_eq!(histogram.aggregation_temporality, cumulative);
            let points = histogram.data_points.into_iter();
            points
                .map(|point| {
                    let (count, sum) = (point.count, point.sum.unwrap_or(f64::NAN));
                    let figure = Figure::Histogram { count, sum, bounds: point.explicit_bounds, buckets: point.bucket_counts };
                    (texts(point.attributes), figure)
                })
                .collect()
        }
        Data::Summary(summary) => {
            let points = summary.data_points.into_iter();
            points.map(|point| (texts(point.attributes), Figure::Summary(point.count))).collect()
        }
        Data::ExponentialHistogram(_) => panic!("nobody makes one"),
    }
}
