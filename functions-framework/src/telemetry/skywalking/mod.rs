//! Spans of SkyWalking for every invocation, reported to its collector, the OAP; `docs/operations.md` says what each has.
//!
//! The messages are written out in `span/skywalking/protocol.rs`, and travel with the tonic that is here anyway. SkyWalking's own
//! crate needs `protoc` for every build, and brings a second tonic, prost and axum with it.

mod config;
mod invocations;
mod reporter;
mod sent;

use std::{sync::Arc, time::Duration};

use super::Service;
use crate::{
    manifest::{Manifest, Tracing},
    sidecar::Sidecar,
    span::skywalking::{Queue, Tracer},
    startup::Exit,
};
use config::Config;
pub(super) use invocations::ended;
use reporter::Reporter;

/// So many segments may wait to be reported: what comes when there is no room is lost.
const ROOM: usize = 4096;

/// What invocations are traced with.
#[derive(Debug, Clone)]
pub(crate) struct Traces(Arc<Provided>);

#[derive(Debug)]
struct Provided {
    tracer: Arc<Tracer>,
    reporter: Reporter,
    /// What was left out of account, and why.
    remark: Option<String>,
    oap: String,
}

impl Traces {
    /// Begins to trace, as the function context says.
    ///
    /// # Errors
    /// A value in it that cannot be used.
    pub(super) fn open(tracing: &Tracing, service: &Service) -> Result<Self, Exit> {
        let config = Config::read(&|name| std::env::var(name).ok(), tracing, service).map_err(Exit::configuration)?;
        let Config { oap, uri, service, instance, operation, tags, baggage, remark } = config;
        let (queue, waiting) = Queue::of(ROOM);
        let reporter = Reporter::start(uri, waiting, queue.clone());
        let tracer = Arc::new(Tracer { service, instance, operation, tags, baggage, queue });
        Ok(Self(Arc::new(Provided { tracer, reporter, remark, oap })))
    }

    /// Says where spans go.
    pub(super) fn tell(&self) {
        let Provided { tracer, remark, oap, .. } = &*self.0;
        if let Some(remark) = remark {
            tracing::warn!("{remark}");
        }
        tracing::info!(oap, service = tracer.service, instance = tracer.instance, "spans are sent");
    }

    fn tracer(&self) -> &Arc<Tracer> {
        &self.0.tracer
    }

    /// Reports the segments that wait, for as long as that may take.
    pub(super) async fn close(&self, within: Duration) {
        self.0.reporter.close(within).await;
    }
}

/// Makes spans of what functions send.
pub(super) fn traced(sidecar: Arc<dyn Sidecar>, manifest: &Manifest) -> Arc<dyn Sidecar> {
    let namespace = std::env::var("POD_NAMESPACE").ok().filter(|namespace| !namespace.is_empty());
    Arc::new(sent::Traced::new(sidecar, manifest, namespace.as_deref()))
}
