use std::{ffi::OsString, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use opentelemetry::{
    InstrumentationScope, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use prost::Message as _;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, server::WebPkiClientVerifier},
};

use super::*;
use crate::telemetry::{
    Service,
    otel::{collector::connect, config::Config},
};

/// Who signed the certificate of the collector, which is for `localhost`.
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sidecar/dapr/tests/tls/ca.pem");
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sidecar/dapr/tests/tls/server.pem");
const KEY_OF_SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sidecar/dapr/tests/tls/server.key.pem");
/// Who signed the certificate of a function that says who it is.
const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/telemetry/otel/dial/tls/client-ca.pem");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/telemetry/otel/dial/tls/client.pem");
const KEY_OF_CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/telemetry/otel/dial/tls/client.key.pem");

fn said(value: &str) -> Said {
    Said { name: "OTEL_EXPORTER_OTLP_CERTIFICATE".to_owned(), value: value.to_owned() }
}

/// A collector over TLS, which takes what comes over gRPC and HTTP, from those alone whom it knows where it is told to; its
/// port, and the paths and spans of what came.
async fn collector(knows: Option<&str>) -> (u16, mpsc::UnboundedReceiver<(String, ExportTraceServiceRequest)>) {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match knows {
        Some(file) => {
            let roots = Arc::new(authorities(&said(file)).unwrap());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let key = private_key(&said(KEY_OF_SERVER)).unwrap();
    let mut config = builder.with_single_cert(certificates(&said(CERTIFICATE)).unwrap(), key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (came, taken) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who is refused has gone.
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let came = came.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let came = came.clone();
                async move { Ok::<_, hyper::Error>(take(request, &came).await) }
            });
            tokio::spawn(async move {
                auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
            });
        }
    });
    (port, taken)
}

async fn take(
    request: Request<Incoming>,
    came: &mpsc::UnboundedSender<(String, ExportTraceServiceRequest)>,
) -> Response<http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let is_grpc = head.headers[CONTENT_TYPE] == "application/grpc";
    // A message of gRPC has its length before it.
    let message = if is_grpc { body.slice(5..) } else { body };
    let _ = came.send((head.uri.path().to_owned(), ExportTraceServiceRequest::decode(message).unwrap()));
    if !is_grpc {
        return Response::new(Full::default().boxed());
    }
    let trailers = async { Some(Ok(HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]))) };
    let mut answer = Response::new(Full::from(Bytes::from_static(&[0; 5])).with_trailers(trailers).boxed());
    answer.headers_mut().insert(CONTENT_TYPE, "application/grpc".parse().unwrap());
    answer
}

fn span() -> SpanData {
    SpanData {
        span_context: SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, false, TraceState::default()),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Server,
        name: "GET /hello".into(),
        start_time: SystemTime::now(),
        end_time: SystemTime::now(),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

/// Reads what variables say and sends a span by it.
async fn send(variables: &[(&str, &str)]) -> Result<(), String> {
    let environment = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
    let config = Config::read(&environment, None, &Service::default())?.expect("somebody asks for it");
    let sent = connect(&config.collector.expect("there is one"))?.export(vec![span()]).await;
    sent.map_err(|error| error.to_string())
}

#[tokio::test]
async fn spans_reach_a_collector_that_is_trusted_by_both_protocols() {
    let (port, mut taken) = collector(None).await;
    let endpoint = format!("https://localhost:{port}");
    for (protocol, path) in
        [("grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"), ("http/protobuf", "/v1/traces")]
    {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", AUTHORITY),
        ];
        send(&variables).await.unwrap_or_else(|error| panic!("{protocol}: {error}"));
        let (came_to, export) = taken.recv().await.unwrap();
        assert_eq!((came_to.as_str(), export.resource_spans[0].scope_spans[0].spans[0].name.as_str()), (path, "GET /hello"));
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_collector_that_is_not_trusted() {
    let (port, mut taken) = collector(None).await;
    for (host, authority) in [("localhost", CLIENTS), ("127.0.0.1", AUTHORITY)] {
        for protocol in ["grpc", "http/protobuf"] {
            let endpoint = format!("https://{host}:{port}");
            let variables = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
                ("OTEL_EXPORTER_OTLP_CERTIFICATE", authority),
            ];
            send(&variables).await.unwrap_err();
        }
    }
    assert!(taken.try_recv().is_err());
}

#[tokio::test]
async fn a_collector_that_wants_to_know_who_sends_is_told() {
    let (port, mut taken) = collector(Some(CLIENTS)).await;
    let endpoint = format!("https://localhost:{port}");
    let trusting = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", AUTHORITY),
    ];
    let identity = [("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", CLIENT), ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", KEY_OF_CLIENT)];
    send(&[&trusting[..], &identity].concat()).await.unwrap();
    assert_eq!(taken.recv().await.unwrap().0, "/v1/traces");
    send(&trusting).await.unwrap_err();
    assert!(taken.try_recv().is_err());
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_what_is_expected() {
    let (authority, certificate, key) =
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY");
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4318")];
    for (variables, why) in [
        (&[(authority, "/nowhere")][..], "OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere: expected a file of certificates in PEM: "),
        (&[(authority, KEY_OF_CLIENT)], "client.key.pem: expected a file of certificates in PEM: there is none in it"),
        (&[(authority, AUTHORITY), (certificate, CLIENT)], "client.pem: expected a key with it"),
        (&[(authority, AUTHORITY), (key, KEY_OF_CLIENT)], "client.key.pem: expected a certificate with it"),
        (
            &[(authority, AUTHORITY), (certificate, CLIENT), (key, CLIENT)],
            "client.pem: expected a file of a private key in PEM",
        ),
        (&[(authority, AUTHORITY), (certificate, CLIENT), (key, KEY_OF_SERVER)], "expected the certificate of the key in "),
    ] {
        let error = send(&[&endpoint, variables].concat()).await.unwrap_err();
        assert!(error.contains(why), "{error}");
        let text = fs::read_to_string(KEY_OF_CLIENT).unwrap();
        assert!(!error.contains(text.lines().nth(1).unwrap()), "{error}");
    }
}
