//! Events over gRPC: Dapr's `AppCallback` services, the app channel that OpenFunction asks for by default.
//!
//! Retry is an error and never the status `RETRY`, which dapr-proxy does not read; and the error is never `Unimplemented`, which daprd
//! takes for an event that is done (contract dapr.md §0.2, §0.3).

mod convert;
mod invoke;
mod message;
mod service;
mod unary;

use std::{
    future::{Future, ready},
    sync::Arc,
    time::Instant,
};

use ::http::{HeaderMap, header::CONTENT_TYPE};
use axum::response::Response;
use prost::Message;
use tonic::{Code, Status};

use self::service::Service;
use super::{Inputs, mount::Rules, repeats::Repeats};
use crate::{
    function::{BoxFuture, body::Request},
    server::routes::Routes,
};

/// The gRPC side of the app channel.
#[derive(Debug)]
pub(super) struct Grpc {
    service: Arc<Service>,
    rules: Arc<Rules>,
    refusals: Arc<Repeats>,
}

const PACKAGE: &str = "/dapr.proto.runtime.v1.";
const CALLBACK: &str = "AppCallback";
/// What of it older sidecars call.
const ALPHA: &str = "AppCallbackAlpha";
const HEALTH: &str = "AppCallbackHealthCheck";

impl Grpc {
    pub(super) fn new(inputs: Arc<Inputs>, rules: Arc<Rules>, routes: Arc<Routes>) -> Self {
        let refusals = Arc::<Repeats>::default();
        let service = Arc::new(Service::new(inputs, routes, rules.max_body_size, Arc::clone(&refusals)));
        Self { service, rules, refusals }
    }

    /// Answers a call, or gives the request back.
    #[expect(clippy::result_large_err, reason = "a request that is given back goes on, it is not kept")]
    pub(super) fn take(&self, request: Request) -> Result<BoxFuture<'static, Response>, Request> {
        let is_grpc =
            request.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
        let named = request.uri().path().strip_prefix(PACKAGE).and_then(|path| path.split_once('/'));
        let Some(called) = named.filter(|(service, _)| is_grpc && [CALLBACK, ALPHA, HEALTH].contains(service)) else {
            return Err(request);
        };
        Ok(match called {
            // What is asked without the token (contract dapr.md §0.5).
            (CALLBACK, "ListTopicSubscriptions") => self.serve(request, Service::list_topic_subscriptions),
            (CALLBACK, "ListInputBindings") => self.serve(request, Service::list_input_bindings),
            (HEALTH, "HealthCheck") => self.serve(request, Service::health_check),
            _ if !self.rules.token.is_in(request.headers()) => self.stranger(),
            (CALLBACK, "OnTopicEvent") => self.serve(request, Service::on_topic_event),
            (CALLBACK, "OnBindingEvent") => self.serve(request, Service::on_binding_event),
            (CALLBACK, "OnBulkTopicEvent") | (ALPHA, "OnBulkTopicEventAlpha1") => {
                self.serve(request, Service::on_bulk_topic_event)
            }
            (CALLBACK, "OnJobEvent") | (ALPHA, "OnJobEventAlpha1") => self.serve(request, Service::on_job_event),
            (CALLBACK, "OnInvoke") => self.serve(request, Service::on_invoke),
            (service, method) => {
                let text = format!("{service} has no method {method} here");
                Box::pin(ready(unary::answer(Err::<(), _>(Status::unimplemented(text)))))
            }
        })
    }

    /// Reads the message of a call, and answers it.
    fn serve<Q, A, F>(
        &self,
        request: Request,
        method: impl FnOnce(Arc<Service>, HeaderMap, Q) -> F + Send + 'static,
    ) -> BoxFuture<'static, Response>
    where
        Q: Message + Default,
        A: Message,
        F: Future<Output = Result<A, Status>> + Send + 'static,
    {
        let (service, most, refusals) = (Arc::clone(&self.service), self.rules.max_body_size, Arc::clone(&self.refusals));
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let answer = match unary::read(body, most).await {
                Ok(message) => method(service, parts.headers, message).await,
                Err(refusal) => {
                    // A caller that has gone away is told nothing.
                    if refusal.code() != Code::Cancelled
                        && let Some(silent) = refusals.failed(Instant::now(), refusal.message())
                    {
                        tracing::error!(error = refusal.message(), silent, "delivery refused");
                    }
                    Err(refusal)
                }
            };
            unary::answer(answer)
        })
    }

    fn stranger(&self) -> BoxFuture<'static, Response> {
        let why = "the dapr-api-token is missing or wrong (APP_API_TOKEN)";
        if let Some(silent) = self.refusals.failed(Instant::now(), why) {
            tracing::warn!(error = why, silent, "delivery refused");
        }
        Box::pin(ready(unary::answer(Err::<(), _>(Status::unauthenticated(why)))))
    }
}
