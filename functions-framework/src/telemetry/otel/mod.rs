//! Spans of OpenTelemetry for every invocation, sent to a collector; `docs/operations.md` says what each has.
//!
//! What a process is asked to trace by nobody costs it nothing: there is no provider then, and no span.

mod collector;
mod config;
mod console;
mod dial;
#[cfg(feature = "metrics")]
mod figures;
mod invocations;
mod said;
mod sent;
mod tags;

use std::{sync::Arc, time::Duration};

use opentelemetry::{KeyValue, global, propagation::TextMapCompositePropagator, trace::TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    propagation::{BaggagePropagator, TraceContextPropagator},
    resource::TelemetryResourceDetector,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    registry::LookupSpan,
};

use super::Service;
use crate::{manifest::Tracing, sidecar::Sidecar, span::Tracer, startup::Exit};
use collector::{Lost, Sending};
use config::Config;
use console::Console;
#[cfg(feature = "metrics")]
pub(crate) use figures::Figures;
pub(super) use invocations::ended;

/// What invocations are traced with.
#[derive(Debug, Clone)]
pub(crate) struct Traces(Arc<Provided>);

#[derive(Debug)]
struct Provided {
    provider: SdkTracerProvider,
    tracer: Arc<Tracer>,
    lost: Arc<Lost>,
    /// Of the collector, if there is one.
    endpoint: Option<String>,
}

/// The name of the tracer of invocations.
const SCOPE: &str = "functions-framework";

/// Who carries spans to a collector, and whose own spans would be carried there next.
const CARRIERS: [&str; 6] = ["h2", "hyper", "hyper_util", "opentelemetry_sdk", "tonic", "tower"];

impl Traces {
    /// Begins to trace where variables or the function context ask for it. A hook that was registered in its place has it.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub(super) fn open(tracing: Option<&Tracing>, service: &Service, is_replaced: bool) -> Result<Option<Self>, Exit> {
        if is_replaced {
            return Ok(None);
        }
        let environment = |name: &str| std::env::var_os(name);
        let config = Config::read(&environment, tracing, service).map_err(Exit::configuration)?;
        let Some(config) = config else { return Ok(None) };
        let exporter = config.collector.as_ref().map(collector::connect).transpose().map_err(Exit::configuration)?;
        Ok(Some(Self(Arc::new(Provided::new(config, exporter)))))
    }

    /// Says where spans go.
    pub(super) fn tell(&self) {
        if let Some(endpoint) = &self.0.endpoint {
            tracing::info!(endpoint, "spans are sent");
        } else {
            tracing::info!("spans are written here");
        }
    }

    /// Makes spans of `tracing` spans of OpenTelemetry, those of a function children of its own.
    pub(super) fn layer<S>(&self, filter: &Targets) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let filter = filter.clone().with_targets(CARRIERS.map(|name| (name, LevelFilter::OFF)));
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer.sdk.clone());
        layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_filter(filter).boxed()
    }

    fn tracer(&self) -> &Arc<Tracer> {
        &self.0.tracer
    }

    /// Sends the spans that wait, for as long as that may take.
    pub(super) async fn close(&self, within: Duration) {
        let provided = Arc::clone(&self.0);
        let flush = tokio::task::spawn_blocking(move || {
            let flushed = provided.provider.shutdown_with_timeout(within);
            provided.lost.conclude();
            flushed
        });
        match flush.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "spans are lost: not all were sent before the end"),
            Err(error) => tracing::warn!(%error, "spans are lost: nothing is left to send them"),
        }
    }
}

impl Provided {
    fn new(config: Config, exporter: Option<opentelemetry_otlp::SpanExporter>) -> Self {
        let Config { collector, is_printed, sampler, carries, batches, resource, tags, baggage } = config;
        let lost = Arc::new(Lost::default());
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(batches.queue)
            .with_max_export_batch_size(batches.most)
            .with_scheduled_delay(batches.delay)
            .build();
        let resource = Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_attributes(resource.into_iter().map(|(key, value)| KeyValue::new(key, value)));
        let mut builder = SdkTracerProvider::builder().with_resource(resource.build()).with_sampler(sampler);
        if !tags.is_empty() {
            builder = builder.with_span_processor(tags::Tags::new(tags));
        }
        if is_printed {
            builder = builder.with_simple_exporter(Console);
        }
        if let Some(exporter) = exporter {
            let sending = Sending::new(exporter, batches.timeout, Arc::clone(&lost));
            builder = builder.with_span_processor(BatchSpanProcessor::builder(sending).with_batch_config(batch).build());
        }
        let provider = builder.build();
        // For the spans that functions make themselves, and the requests that they send by themselves.
        global::set_tracer_provider(provider.clone());
        let mut propagators: Vec<Box<dyn opentelemetry::propagation::TextMapPropagator + Send + Sync>> = Vec::new();
        if carries.trace {
            propagators.push(Box::new(TraceContextPropagator::new()));
        }
        if carries.baggage {
            propagators.push(Box::new(BaggagePropagator::new()));
        }
        global::set_text_map_propagator(TextMapCompositePropagator::new(propagators));
        let tracer = Arc::new(Tracer { sdk: provider.tracer(SCOPE), carries, baggage });
        Self { provider, tracer, lost, endpoint: collector.map(|collector| collector.endpoint) }
    }
}

/// Makes spans of what functions send.
pub(super) fn traced(sidecar: Arc<dyn Sidecar>) -> Arc<dyn Sidecar> {
    Arc::new(sent::Traced::new(sidecar))
}
