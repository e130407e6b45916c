//! The way of one message to a collector, over gRPC or HTTP.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use opentelemetry::{Context, trace::FutureExt as _};
use opentelemetry_http::{HttpClient as _, hyper::HyperClient};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse, metrics_service_client::MetricsServiceClient,
};
use prost::Message as _;
use tonic::{codec::CompressionEncoding, metadata::MetadataMap, transport::Channel};

use super::super::{
    config::{Collector, Protocol},
    dial::{Dial, channel, client},
};

/// A collector that figures are sent to.
#[derive(Debug)]
pub(super) enum Way {
    Grpc { client: MetricsServiceClient<Channel>, headers: HeaderMap },
    Http { client: Box<HyperClient<Dial>>, endpoint: Uri, headers: HeaderMap, gzip: bool },
}

impl Way {
    /// Makes the way; it is first gone when there is something to send.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub(super) fn open(collector: &Collector) -> Result<Self, String> {
        let headers = collector
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?)));
        let (headers, gzip) = (headers.collect(), collector.gzip);
        Ok(match collector.protocol {
            Protocol::Grpc => {
                let client = MetricsServiceClient::new(channel(collector)?);
                let client = if gzip { client.send_compressed(CompressionEncoding::Gzip) } else { client };
                Self::Grpc { client, headers }
            }
            Protocol::Http => {
                let endpoint = collector.endpoint.parse().map_err(|error| format!("{}: {error}", collector.endpoint))?;
                Self::Http { client: Box::new(client(collector)?), endpoint, headers, gzip }
            }
        })
    }

    /// Sends a message. What its client does on the way is nobody's trace.
    ///
    /// # Errors
    /// Why it was not taken.
    pub(super) async fn send(&self, message: ExportMetricsServiceRequest) -> Result<(), String> {
        self.go(message).with_context(Context::new().with_telemetry_suppressed()).await
    }

    async fn go(&self, message: ExportMetricsServiceRequest) -> Result<(), String> {
        let taken = match self {
            Self::Grpc { client, headers } => {
                let mut request = tonic::Request::new(message);
                *request.metadata_mut() = MetadataMap::from_headers(headers.clone());
                let answer = client.clone().export(request).await.map_err(|status| causes(&status))?;
                answer.into_inner().partial_success
            }
            Self::Http { client, endpoint, headers, gzip } => {
                let mut request = Request::post(endpoint).body(Bytes::new()).map_err(|error| error.to_string())?;
                *request.headers_mut() = headers.clone();
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
                let mut body = message.encode_to_vec();
                if *gzip {
                    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                    body = encoder.write_all(&body).and_then(|()| encoder.finish()).map_err(|error| error.to_string())?;
                    request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                }
                *request.body_mut() = body.into();
                let answer = client.send_bytes(request).await.map_err(|error| causes(&*error))?;
                if !answer.status().is_success() {
                    return Err(format!("it answers {}", answer.status()));
                }
                // An answer that is no message takes everything.
                let answer = ExportMetricsServiceResponse::decode(answer.into_body());
                answer.ok().and_then(|answer| answer.partial_success)
            }
        };
        match taken.filter(|partial| partial.rejected_data_points > 0) {
            Some(partial) => Err(format!("it refuses {} of them: {}", partial.rejected_data_points, partial.error_message)),
            None => Ok(()),
        }
    }
}

/// An error with what is below it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        below = cause.source();
    }
    text
}
