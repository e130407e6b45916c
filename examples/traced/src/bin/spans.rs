//! A collector of OpenTelemetry that shows traces as text: at port 4317, or at the address that it is given.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
    trace::v1::{Span, span::SpanKind},
};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, transport::Server};

/// The spans of a trace, each with the name of its process, and whether all were shown.
#[derive(Default)]
struct Trace {
    spans: Vec<(String, Span)>,
    shown: usize,
}

#[derive(Clone, Default)]
struct Traces(Arc<Mutex<BTreeMap<Vec<u8>, Trace>>>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4317".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("spans are taken at {}", listener.local_addr()?);
    let traces = Traces::default();
    tokio::spawn(show(traces.clone()));
    let connections = futures_util::stream::unfold(listener, async |listener| {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        Some((accepted, listener))
    });
    Server::builder().add_service(TraceServiceServer::new(traces)).serve_with_incoming(connections).await?;
    Ok(())
}

#[tonic::async_trait]
impl TraceService for Traces {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for of_process in request.into_inner().resource_spans {
            let attributes = of_process.resource.map(|resource| resource.attributes).unwrap_or_default();
            let name = attributes.into_iter().find(|pair| pair.key == "service.name").and_then(|pair| pair.value?.value);
            let process = if let Some(Value::StringValue(name)) = name { name } else { "?".to_owned() };
            for span in of_process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                traces.entry(span.trace_id.clone()).or_default().spans.push((process.clone(), span));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// Shows every trace that has grown, and did not grow any more for a second.
async fn show(traces: Traces) {
    let mut seen = BTreeMap::new();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut traces = traces.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, trace) in traces.iter_mut() {
            let before = seen.insert(id.clone(), trace.spans.len());
            if before == Some(trace.spans.len()) && trace.shown < trace.spans.len() {
                trace.shown = trace.spans.len();
                print!("{}", text(id, trace));
            }
        }
    }
}

fn text(id: &[u8], trace: &Trace) -> String {
    let mut text = "trace ".to_owned();
    for byte in id {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    let is_there = |id: &[u8]| trace.spans.iter().any(|(_, span)| span.span_id == id);
    branches(&mut text, trace, 0, &|span| !is_there(&span.parent_span_id));
    text
}

/// Writes the spans that are meant, and below each those it is the parent of, in the order in which they began.
fn branches(text: &mut String, trace: &Trace, depth: usize, is_meant: &dyn Fn(&Span) -> bool) {
    let mut spans: Vec<_> = trace.spans.iter().filter(|(_, span)| is_meant(span)).collect();
    spans.sort_by_key(|(_, span)| span.start_time_unix_nano);
    for (process, span) in spans {
        let kind = match span.kind() {
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
            SpanKind::Internal | SpanKind::Unspecified => "internal",
        };
        let _ = writeln!(text, "{:indent$}{}  ({kind}, {process})", "", span.name, indent = depth * 2);
        branches(text, trace, depth + 1, &|child| child.parent_span_id == span.span_id);
    }
}
