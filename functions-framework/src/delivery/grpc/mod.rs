//! Events over gRPC: Dapr's `AppCallback` services, the app channel that OpenFunction asks for by default.
//!
//! Retry is an error and never the status `RETRY`, which dapr-proxy does not read; and the error is never `Unimplemented`, which daprd
//! takes for an event that is done (contract dapr.md §0.2, §0.3).

mod convert;
mod invoke;
mod service;

use std::{future::ready, sync::Arc, time::Instant};

use ::http::header::CONTENT_TYPE;
use axum::{body::Body, response::Response};
use dapr::dapr::proto::runtime::v1::{
    app_callback_alpha_server::AppCallbackAlphaServer, app_callback_health_check_server::AppCallbackHealthCheckServer,
    app_callback_server::AppCallbackServer,
};
use tonic::{Code, Status};
use tower::Service as _;

use self::service::Service;
use super::{Inputs, mount::Rules, repeats::Repeats};
use crate::{
    function::{BoxFuture, body::Request},
    server::routes::Routes,
};

/// The gRPC side of the app channel.
#[derive(Debug)]
pub(super) struct Grpc {
    callback: AppCallbackServer<Service>,
    alpha: AppCallbackAlphaServer<Service>,
    health: AppCallbackHealthCheckServer<Service>,
    rules: Arc<Rules>,
    refusals: Arc<Repeats>,
}

const CALLBACK: &str = "/dapr.proto.runtime.v1.AppCallback/";
const ALPHA: &str = "/dapr.proto.runtime.v1.AppCallbackAlpha/";
const HEALTH: &str = "/dapr.proto.runtime.v1.AppCallbackHealthCheck/";

/// What daprd asks without the token (contract dapr.md §0.5).
const DISCOVERY: [&str; 2] = ["ListTopicSubscriptions", "ListInputBindings"];

impl Grpc {
    pub(super) fn new(inputs: Arc<Inputs>, rules: Arc<Rules>, routes: Arc<Routes>) -> Self {
        let most = rules.max_body_size;
        let refusals = Arc::<Repeats>::default();
        let service = Arc::new(Service::new(inputs, routes, most, Arc::clone(&refusals)));
        // Answers may be as large as events.
        let callback = AppCallbackServer::from_arc(Arc::clone(&service));
        let alpha = AppCallbackAlphaServer::from_arc(Arc::clone(&service));
        Self {
            callback: callback.max_decoding_message_size(most).max_encoding_message_size(usize::MAX),
            alpha: alpha.max_decoding_message_size(most).max_encoding_message_size(usize::MAX),
            health: AppCallbackHealthCheckServer::from_arc(service),
            rules,
            refusals,
        }
    }

    /// Answers a call, or gives the request back.
    #[expect(clippy::result_large_err, reason = "a request that is given back goes on, it is not kept")]
    pub(super) fn take(&self, request: Request) -> Result<BoxFuture<'static, Response>, Request> {
        let is_grpc =
            request.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
        if !is_grpc {
            return Err(request);
        }
        let path = request.uri().path();
        if path.starts_with(HEALTH) {
            return Ok(answer(self.health.clone().call(request), None));
        }
        let Some(method) = path.strip_prefix(CALLBACK).or_else(|| path.strip_prefix(ALPHA)) else { return Err(request) };
        if !DISCOVERY.contains(&method) && !self.rules.token.is_in(request.headers()) {
            let why = "the dapr-api-token is missing or wrong (APP_API_TOKEN)";
            if let Some(silent) = self.refusals.failed(Instant::now(), why) {
                tracing::warn!(method, error = why, silent, "delivery refused");
            }
            return Ok(Box::pin(ready(status(Status::unauthenticated(why)))));
        }
        let limit = Some((self.rules.max_body_size, Arc::clone(&self.refusals)));
        Ok(if path.starts_with(CALLBACK) {
            answer(self.callback.clone().call(request), limit)
        } else {
            answer(self.alpha.clone().call(request), limit)
        })
    }
}

type Called = tonic::codegen::BoxFuture<::http::Response<tonic::body::Body>, std::convert::Infallible>;

/// Waits for the answer. A message over the limit is refused by the codec, in words that name no setting: they are replaced.
fn answer(called: Called, limit: Option<(usize, Arc<Repeats>)>) -> BoxFuture<'static, Response> {
    Box::pin(async move {
        let response = match called.await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let Some((most, refusals)) = limit
            && Status::from_header_map(response.headers()).is_some_and(|status| status.code() == Code::OutOfRange)
        {
            let why = format!("the message is larger than {most} bytes: FUNCTION_MAX_BODY_SIZE raises the limit");
            if let Some(silent) = refusals.failed(Instant::now(), &why) {
                tracing::error!(error = why, silent, "delivery refused");
            }
            return status(Status::resource_exhausted(why));
        }
        response.map(Body::new)
    })
}

fn status(status: Status) -> Response {
    status.into_http::<tonic::body::Body>().map(Body::new)
}
