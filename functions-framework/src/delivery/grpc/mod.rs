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

use ::http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use axum::response::Response;
use prost::Message;
use tonic::{Code, Status};

use self::service::Service;
use super::{
    Inputs,
    mount::{Rules, Taker},
};
use crate::{
    function::{BoxFuture, body::Request},
    repeats::Repeats,
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

    /// Gives what answers a call; none for a request that is none.
    pub(super) fn take(&self, request: &Request) -> Option<Taker<'_>> {
        let (service, method) = request.uri().path().strip_prefix(PACKAGE)?.split_once('/')?;
        let is_grpc = |value: &HeaderValue| value.as_bytes().starts_with(b"application/grpc");
        if ![CALLBACK, ALPHA, HEALTH].contains(&service) || !request.headers().get(CONTENT_TYPE).is_some_and(is_grpc) {
            return None;
        }
        Some(match (service, method) {
            // What is asked without the token (contract dapr.md §0.5).
            (CALLBACK, "ListTopicSubscriptions") => self.method(Service::list_topic_subscriptions),
            (CALLBACK, "ListInputBindings") => self.method(Service::list_input_bindings),
            (HEALTH, "HealthCheck") => self.method(Service::health_check),
            _ if !self.rules.token.is_in(request.headers()) => self.stranger(),
            (CALLBACK, "OnTopicEvent") => self.method(Service::on_topic_event),
            (CALLBACK, "OnBindingEvent") => self.method(Service::on_binding_event),
            (CALLBACK, "OnBulkTopicEvent") | (ALPHA, "OnBulkTopicEventAlpha1") => self.method(Service::on_bulk_topic_event),
            (CALLBACK, "OnJobEvent") | (ALPHA, "OnJobEventAlpha1") => self.method(Service::on_job_event),
            (CALLBACK, "OnInvoke") => self.method(Service::on_invoke),
            _ => refuse(Status::unimplemented(format!("{service} has no method {method} here"))),
        })
    }

    fn method<Q, A, F>(&self, method: impl FnOnce(Arc<Service>, HeaderMap, Q) -> F + Send + 'static) -> Taker<'_>
    where
        Q: Message + Default,
        A: Message,
        F: Future<Output = Result<A, Status>> + Send + 'static,
    {
        Box::new(move |request| self.serve(request, method))
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

    fn stranger(&self) -> Taker<'_> {
        let why = "the dapr-api-token is missing or wrong (APP_API_TOKEN)";
        if let Some(silent) = self.refusals.failed(Instant::now(), why) {
            tracing::warn!(error = why, silent, "delivery refused");
        }
        refuse(Status::unauthenticated(why))
    }
}

fn refuse(status: Status) -> Taker<'static> {
    Box::new(|_| Box::pin(ready(unary::answer(Err::<(), _>(status)))))
}
