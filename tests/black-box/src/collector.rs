//! A collector of OpenTelemetry: it takes spans and metrics over gRPC.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span as Sent,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tonic::{Request, Response, Status, codec::CompressionEncoding, metadata::MetadataMap, transport::Server};

use crate::{Measured, Port, eventually};

/// The kinds of spans.
pub mod kind {
    /// Within a process.
    pub const INTERNAL: i32 = 1;
    /// Answers a request.
    pub const SERVER: i32 = 2;
    /// Makes one.
    pub const CLIENT: i32 = 3;
    /// Sends a message.
    pub const PRODUCER: i32 = 4;
    /// Takes one.
    pub const CONSUMER: i32 = 5;
}

/// How spans end.
pub mod status {
    /// As they should, or nobody says.
    pub const UNSET: i32 = 0;
    /// With an error.
    pub const ERROR: i32 = 2;
}

/// A span that came.
#[derive(Debug, Clone)]
pub struct Span {
    /// In hexadecimal digits, as all ids.
    pub trace: String,
    /// Its own.
    pub id: String,
    /// That of its parent; empty when it has none.
    pub parent: String,
    /// What was done.
    pub name: String,
    /// One of [`kind`].
    pub kind: i32,
    /// What it says, each value as text.
    pub attributes: BTreeMap<String, String>,
    /// What the process says.
    pub resource: BTreeMap<String, String>,
    /// One of [`status`].
    pub status: i32,
    /// Why it failed.
    pub reason: String,
    /// The names of its events, with what they say.
    pub events: Vec<(String, BTreeMap<String, String>)>,
    /// The spans it is linked to.
    pub links: Vec<String>,
}

impl Span {
    /// An attribute; empty when it is not there.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// All spans of an export.
    pub fn all(export: ExportTraceServiceRequest) -> Vec<Self> {
        let mut all = Vec::new();
        for of_process in export.resource_spans {
            let resource = texts(of_process.resource.map(|resource| resource.attributes).unwrap_or_default());
            let spans = of_process.scope_spans.into_iter().flat_map(|scope| scope.spans);
            all.extend(spans.map(|span| Self::of(span, resource.clone())));
        }
        all
    }

    fn of(sent: Sent, resource: BTreeMap<String, String>) -> Self {
        let status = sent.status.unwrap_or_default();
        Self {
            trace: hex(&sent.trace_id),
            id: hex(&sent.span_id),
            parent: hex(&sent.parent_span_id),
            name: sent.name,
            kind: sent.kind,
            attributes: texts(sent.attributes),
            resource,
            status: status.code,
            reason: status.message,
            events: sent.events.into_iter().map(|event| (event.name, texts(event.attributes))).collect(),
            links: sent.links.iter().map(|link| hex(&link.span_id)).collect(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn texts(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    pairs.into_iter().map(|pair| (pair.key, text(pair.value.and_then(|value| value.value)))).collect()
}

#[derive(Debug, Default)]
struct Came {
    spans: Vec<Span>,
    metrics: Vec<Vec<Measured>>,
    metadata: Vec<MetadataMap>,
}

/// The collector, which is gone when nobody holds it any more.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    came: Arc<Mutex<Came>>,
    _runtime: Runtime,
}

impl Collector {
    /// Starts one.
    pub fn start() -> Self {
        Self::listen(0)
    }

    /// Starts one at the port where it was missing.
    pub fn at(port: &Port) -> Self {
        Self::listen(port.number())
    }

    fn listen(port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let came = Arc::<Mutex<Came>>::default();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port))).expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let service = TraceServiceServer::new(Taking(Arc::clone(&came))).accept_compressed(CompressionEncoding::Gzip);
        let measured = MetricsServiceServer::new(Taking(Arc::clone(&came))).accept_compressed(CompressionEncoding::Gzip);
        let connections = futures_util::stream::unfold(listener, async |listener| {
            let accepted = listener.accept().await.map(|(stream, _)| stream);
            Some((accepted, listener))
        });
        runtime.spawn(Server::builder().add_service(service).add_service(measured).serve_with_incoming(connections));
        Self { address, came, _runtime: runtime }
    }

    /// Where it is, as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans that have come.
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.came).spans.clone()
    }

    /// What the last message with metrics said, and how many messages there were; nothing before the first.
    pub fn metrics(&self) -> (usize, Vec<Measured>) {
        let came = lock(&self.came);
        (came.metrics.len(), came.metrics.last().cloned().unwrap_or_default())
    }

    /// The metadata of every call.
    pub fn metadata(&self) -> Vec<MetadataMap> {
        lock(&self.came).metadata.clone()
    }

    /// Waits for the span of this name.
    #[track_caller]
    pub fn wait(&self, name: &str) -> Span {
        eventually(&format!("a span `{name}` comes"), || self.spans().into_iter().find(|span| span.name == name))
    }
}

struct Taking(Arc<Mutex<Came>>);

#[tonic::async_trait]
impl TraceService for Taking {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut came = lock(&self.0);
        came.metadata.push(request.metadata().clone());
        came.spans.extend(Span::all(request.into_inner()));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Taking {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut came = lock(&self.0);
        came.metadata.push(request.metadata().clone());
        came.metrics.push(Measured::all(request.into_inner()));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn lock(came: &Mutex<Came>) -> MutexGuard<'_, Came> {
    came.lock().unwrap_or_else(PoisonError::into_inner)
}
