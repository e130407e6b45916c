//! The way of spans to a collector, which holds up nobody.

use std::{
    collections::HashMap,
    fmt::Display,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use opentelemetry::{Context, trace::FutureExt as _};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{Compression, SpanExporter as Otlp, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use tokio::{runtime::Handle, time::timeout};

use super::{
    config::{Collector, Protocol},
    dial::{channel, client},
};

/// Sends spans, and says of those that were lost when it begins and when it is over.
#[derive(Debug)]
pub(super) struct Sending {
    /// Taken apart only to tell it its resource.
    exporter: Arc<Otlp>,
    runtime: Handle,
    longest: Duration,
    lost: Arc<Lost>,
}

/// The spans that no collector took.
#[derive(Debug, Default)]
pub(super) struct Lost {
    count: AtomicU64,
    /// Somebody has been told that they are lost, and not yet how many.
    is_told: AtomicBool,
}

impl Sending {
    pub(super) fn new(exporter: Otlp, longest: Duration, lost: Arc<Lost>) -> Self {
        Self { exporter: Arc::new(exporter), runtime: Handle::current(), longest, lost }
    }
}

impl SpanExporter for Sending {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let (exporter, count, longest) = (Arc::clone(&self.exporter), batch.len() as u64, self.longest);
        // What a client does on the way is nobody's trace.
        let sending = async move { exporter.export(batch).await }.with_context(Context::new().with_telemetry_suppressed());
        // The thread that batches spans has no runtime.
        let sent = self.runtime.spawn(async move { timeout(longest, sending).await });
        async move {
            match sent.await {
                Ok(Ok(Ok(()))) => self.lost.recovered(),
                Ok(Ok(Err(error))) => self.lost.add(count, &error),
                Ok(Err(_)) => self.lost.add(count, &format!("it took longer than {} s", longest.as_secs_f64())),
                // The runtime has gone, and with it the process.
                Err(ended) => self.lost.add(count, &ended),
            }
            // It is said here, and once.
            Ok(())
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}

impl Lost {
    fn add(&self, count: u64, error: &dyn Display) {
        self.count.fetch_add(count, Relaxed);
        if !self.is_told.swap(true, Relaxed) {
            tracing::warn!(%error, "spans are lost: the collector does not take them");
        }
    }

    fn recovered(&self) {
        if self.is_told.swap(false, Relaxed) {
            let lost = self.count.swap(0, Relaxed);
            tracing::info!(lost, "the collector takes spans again");
        }
    }

    /// Says how many were lost since anybody was told.
    pub(super) fn conclude(&self) {
        let lost = self.count.swap(0, Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "spans were lost: the collector did not take them");
        }
    }
}

/// Makes what speaks to a collector.
///
/// # Errors
/// A setting that cannot be used.
pub(super) fn connect(collector: &Collector) -> Result<Otlp, String> {
    let Collector { protocol, endpoint, headers, timeout, gzip, .. } = collector;
    let built = match protocol {
        Protocol::Grpc => {
            let headers = headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
            let exporter = Otlp::builder().with_tonic().with_channel(channel(collector)?).with_timeout(*timeout);
            let exporter = exporter.with_metadata(MetadataMap::from_headers(headers.collect()));
            if *gzip { exporter.with_compression(Compression::Gzip).build() } else { exporter.build() }
        }
        Protocol::Http => {
            let exporter = Otlp::builder().with_http().with_http_client(client(collector)?);
            let exporter = exporter.with_endpoint(endpoint).with_timeout(*timeout);
            let exporter = exporter
                .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                .with_headers(headers.iter().cloned().collect::<HashMap<_, _>>());
            if *gzip { exporter.with_compression(Compression::Gzip).build() } else { exporter.build() }
        }
    };
    built.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted_until_it_is_told() {
        let lost = Lost::default();
        lost.add(2, &"gone");
        lost.add(3, &"gone");
        assert_eq!((lost.count.load(Relaxed), lost.is_told.load(Relaxed)), (5, true));
        lost.recovered();
        assert_eq!((lost.count.load(Relaxed), lost.is_told.load(Relaxed)), (0, false));
        lost.recovered();
    }
}
