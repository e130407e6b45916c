//! The figures of a process, and where they are read; `docs/operations.md` says what each is.
//!
//! They go to the recorder of the crate `metrics`, and so do those of the program. Whoever serves them with a recorder of his own
//! installs that before the app runs, and sets neither an address nor a collector of them.

mod calls;
mod listener;
mod page;
mod process;
mod sent;

use std::{sync::Arc, time::Duration};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{Figures, Service};
use crate::{
    manifest::Manifest,
    settings::Settings,
    sidecar::Sidecar,
    startup::{self, Exit},
};
pub(crate) use calls::{Deliveries, Invocations};
pub(crate) use page::Page;
#[cfg(feature = "otel")]
pub(crate) use page::{Family, Series, families};

/// From a function that looks something up to one that waits for others.
const SECONDS: [f64; 15] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// For the histograms of the program.
const BYTES: [f64; 8] = [256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262_144.0, 1_048_576.0, 16_777_216.0];

const INVOCATIONS: &str = "function_invocations_total";
const DURATION: &str = "function_invocation_duration_seconds";
const IN_FLIGHT: &str = "function_invocations_in_flight";
const RECEIVED: &str = "function_received_bytes_total";
const ANSWERED: &str = "function_answered_bytes_total";
const DELIVERIES: &str = "function_deliveries_total";
const WAITING: &str = "function_deliveries_waiting";
const WAIT: &str = "function_delivery_wait_seconds";
const LAST_EVENT: &str = "function_last_event_timestamp_seconds";
const SENDS: &str = "function_sends_total";
const SEND_DURATION: &str = "function_send_duration_seconds";
const INFO: &str = "functions_framework_info";

/// How often the values of histograms are put where they belong.
const TIDYING: Duration = Duration::from_secs(5);

/// The figures as they are served and sent, until this is dropped.
#[derive(Debug)]
pub(crate) struct Metrics {
    tasks: Vec<JoinHandle<()>>,
    figures: Option<Figures>,
}

impl Metrics {
    /// Begins to count, and to serve and to send, where somebody asks for either.
    ///
    /// # Errors
    /// A setting that cannot be used, an address that is taken, and a program that has a recorder of its own.
    pub(crate) async fn open(settings: &Settings, service: &Service) -> Result<Option<Self>, Exit> {
        let figures = Figures::read(service)?;
        let listener = match &settings.metrics_address {
            Some((host, port)) => {
                let another = "another --metrics-address or FUNCTION_METRICS_ADDRESS";
                Some(startup::bind(host.as_deref(), *port, another).await?)
            }
            None => None,
        };
        if listener.is_none() && figures.is_none() {
            return Ok(None);
        }
        let recorder = recorder().map_err(|error| Exit::failed(format!("no metrics can be kept: {error}")))?;
        let page = Page(recorder.handle());
        if metrics::set_global_recorder(recorder).is_err() {
            let what = match &figures {
                _ if listener.is_some() => "serve at FUNCTION_METRICS_ADDRESS",
                Some(figures) if figures.is_asked_for() => "send; OTEL_METRICS_EXPORTER=none leaves them to it",
                // There is a collector, maybe for spans only.
                _ => return Ok(None),
            };
            return Err(Exit::configuration(format!(
                "the program has a metrics recorder of its own, so there is nothing to {what}"
            )));
        }
        describe();
        gauge!(INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let mut tasks = vec![tokio::spawn(tidy(page.clone()))];
        if let Some(listener) = listener {
            say(&listener);
            tasks.push(tokio::spawn(listener::serve(listener, page.clone())));
        }
        let figures = figures.map(|figures| figures.begin(page));
        Ok(Some(Self { tasks, figures }))
    }

    /// Sends the last of them, for as long as that may take.
    pub(crate) async fn close(&self, within: Duration) {
        if let Some(figures) = &self.figures {
            figures.close(within).await;
        }
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn tidy(page: Page) {
    let mut ticks = interval(TIDYING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        page.tidy();
    }
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let builder = PrometheusBuilder::new();
    let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    Ok(builder.set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &BYTES)?.build_recorder())
}

fn say(listener: &TcpListener) {
    let address = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
    tracing::info!(%address, path = listener::PATH, "metrics");
}

fn describe() {
    describe_counter!(INVOCATIONS, Unit::Count, "Invocations that have ended, by how they did");
    describe_histogram!(DURATION, Unit::Seconds, "Time from the begin of an invocation to the head of its answer");
    describe_gauge!(IN_FLIGHT, Unit::Count, "Invocations that are running");
    describe_counter!(RECEIVED, Unit::Bytes, "Payloads that functions were called with; request bodies that say their length");
    describe_counter!(ANSWERED, Unit::Bytes, "Payloads that functions answered; response bodies that are there as a whole");
    describe_counter!(DELIVERIES, Unit::Count, "Events that were delivered to an input, by what is to become of them");
    describe_gauge!(WAITING, Unit::Count, "Delivered events that wait for their turn and their place");
    describe_histogram!(WAIT, Unit::Seconds, "Time a delivered event waited for its turn and its place");
    describe_gauge!(LAST_EVENT, Unit::Seconds, "When the last event came to an input, in seconds since 1970");
    describe_counter!(SENDS, Unit::Count, "Payloads that functions sent to their outputs, by result");
    describe_histogram!(SEND_DURATION, Unit::Seconds, "Time until an output has taken what was sent");
    describe_gauge!(INFO, Unit::Count, "The version of the functions framework, whose value is 1");
}

/// Counts what goes to outputs.
pub(crate) fn counted(sidecar: Arc<dyn Sidecar>, manifest: &Manifest) -> Arc<dyn Sidecar> {
    Arc::new(sent::Counted::new(sidecar, manifest))
}
