//! The calls, one by one.

use std::{fmt, sync::Arc, time::Instant};

use dapr::dapr::proto::{
    common::v1::{InvokeRequest, InvokeResponse},
    runtime::v1::{
        BindingEventRequest, BindingEventResponse, HealthCheckResponse, JobEventRequest, JobEventResponse,
        ListInputBindingsResponse, ListTopicSubscriptionsResponse, TopicEventBulkRequest, TopicEventBulkResponse,
        TopicEventBulkResponseEntry, TopicEventRequest, TopicEventResponse, app_callback_alpha_server::AppCallbackAlpha,
        app_callback_health_check_server::AppCallbackHealthCheck, app_callback_server::AppCallback,
        topic_event_response::TopicEventResponseStatus,
    },
};
use futures_util::future::join_all;
use tonic::{Request, Response, Status, metadata::MetadataMap};

use super::{convert, invoke};
use crate::{
    context::InputKind,
    delivery::{Incoming, Inputs, Outcome, Source, discovery, http, inputs::Unknown, repeats::Repeats},
    outcome::Verdict,
    server::routes::Routes,
};

/// Answers what daprd asks, from what is known since the start, and brings what it delivers.
pub(super) struct Service {
    inputs: Arc<Inputs>,
    routes: Arc<Routes>,
    max_body_size: usize,
    refusals: Arc<Repeats>,
    topics: ListTopicSubscriptionsResponse,
    bindings: ListInputBindingsResponse,
}

type Result<T> = std::result::Result<Response<T>, Status>;

impl Service {
    pub(super) fn new(inputs: Arc<Inputs>, routes: Arc<Routes>, max_body_size: usize, refusals: Arc<Repeats>) -> Self {
        let topics = inputs.all().iter().filter_map(|source| convert::subscription(source));
        let topics = ListTopicSubscriptionsResponse { subscriptions: topics.collect() };
        let bindings = inputs.all().iter().filter(|source| source.declared.kind() == InputKind::Binding);
        let bindings =
            ListInputBindingsResponse { bindings: bindings.map(|source| source.declared.component.clone()).collect() };
        Self { inputs, routes, max_body_size, refusals, topics, bindings }
    }

    /// The input of a topic, and the route it came by. Our own path says it best; the proxy sends the topic instead.
    fn subscribed(
        &self,
        path: &str,
        component: &str,
        topic: &str,
    ) -> std::result::Result<(Arc<Source>, Option<String>), Status> {
        if let Some((name, route)) = discovery::parse(path)
            && let Some(source) = self.inputs.find(&name)
        {
            return Ok((Arc::clone(source), route.map(str::to_owned)));
        }
        let found = self.inputs.topic(component, topic).map_err(|unknown| self.unknown(&unknown))?;
        Ok((Arc::clone(found), None))
    }

    /// An error that brings the event again: to lose it for a wrong name would be worse.
    fn unknown(&self, unknown: &Unknown) -> Status {
        let why = unknown.to_string();
        if let Some(silent) = self.refusals.failed(Instant::now(), &why) {
            tracing::warn!(error = why, silent, "delivery refused");
        }
        Status::failed_precondition(why)
    }

    async fn bulk(&self, request: Request<TopicEventBulkRequest>) -> Result<TopicEventBulkResponse> {
        let trace = http::trace(request.metadata().as_ref());
        let TopicEventBulkRequest { entries, topic, pubsub_name, path, .. } = request.into_inner();
        let (source, route) = self.subscribed(&path, &pubsub_name, &topic)?;
        let verdicts = entries.into_iter().map(|entry| {
            let (source, trace, route) = (&source, trace.clone(), route.clone());
            async move {
                let entry_id = entry.entry_id.clone();
                let outcome = source.deliver(Incoming { route, ..convert::entry(entry, trace) }).await;
                let status = match outcome.verdict {
                    Verdict::Success => TopicEventResponseStatus::Success,
                    Verdict::Retry => TopicEventResponseStatus::Retry,
                    Verdict::Drop => TopicEventResponseStatus::Drop,
                };
                TopicEventBulkResponseEntry { entry_id, status: status.into() }
            }
        });
        Ok(Response::new(TopicEventBulkResponse { statuses: join_all(verdicts).await }))
    }

    async fn job(&self, request: Request<JobEventRequest>) -> Result<JobEventResponse> {
        let trace = http::trace(request.metadata().as_ref());
        let JobEventRequest { name, data, .. } = request.into_inner();
        let source = Arc::clone(self.inputs.named(&name).map_err(|unknown| self.unknown(&unknown))?);
        let payload = data.map(|data| data.value.into()).unwrap_or_default();
        let outcome = source.deliver(Incoming { payload, trace, ..Incoming::default() }).await;
        if outcome.verdict == Verdict::Retry { Err(failed(&outcome)) } else { Ok(Response::new(JobEventResponse {})) }
    }
}

/// What brings the event again. The caller is the sidecar and no stranger, and its log is where somebody looks; still, what the
/// function failed with stays here.
fn failed(outcome: &Outcome) -> Status {
    if outcome.crashed { Status::internal("the function panicked") } else { Status::unavailable("the function failed") }
}

/// What is in the metadata of a call for the function to see: that of the broker's message.
fn metadata(metadata: &MetadataMap) -> crate::sidecar::Metadata {
    http::metadata(metadata.as_ref())
}

#[tonic::async_trait]
impl AppCallback for Service {
    async fn on_invoke(&self, request: Request<InvokeRequest>) -> Result<InvokeResponse> {
        let (metadata, _, message) = request.into_parts();
        invoke::invoke(&self.routes, metadata.into_headers(), message, self.max_body_size).await.map(Response::new)
    }

    async fn list_topic_subscriptions(&self, _: Request<()>) -> Result<ListTopicSubscriptionsResponse> {
        Ok(Response::new(self.topics.clone()))
    }

    async fn on_topic_event(&self, request: Request<TopicEventRequest>) -> Result<TopicEventResponse> {
        let (metadata, trace) = (metadata(request.metadata()), http::trace(request.metadata().as_ref()));
        let event = request.into_inner();
        let (source, route) = self.subscribed(&event.path, &event.pubsub_name, &event.topic)?;
        let outcome = source.deliver(Incoming { route, ..convert::topic_event(event, metadata, trace) }).await;
        let status = match outcome.verdict {
            Verdict::Success => TopicEventResponseStatus::Success,
            Verdict::Drop => TopicEventResponseStatus::Drop,
            Verdict::Retry => return Err(failed(&outcome)),
        };
        Ok(Response::new(TopicEventResponse { status: status.into() }))
    }

    async fn list_input_bindings(&self, _: Request<()>) -> Result<ListInputBindingsResponse> {
        Ok(Response::new(self.bindings.clone()))
    }

    async fn on_binding_event(&self, request: Request<BindingEventRequest>) -> Result<BindingEventResponse> {
        let trace = http::trace(request.metadata().as_ref());
        let BindingEventRequest { name, data, metadata } = request.into_inner();
        let source = Arc::clone(self.inputs.binding(&name).map_err(|unknown| self.unknown(&unknown))?);
        let metadata = metadata.into_iter().collect();
        let outcome = source.deliver(Incoming { payload: data.into(), metadata, trace, ..Incoming::default() }).await;
        if outcome.verdict == Verdict::Retry {
            return Err(failed(&outcome));
        }
        Ok(Response::new(BindingEventResponse { data: outcome.data.into(), ..BindingEventResponse::default() }))
    }

    async fn on_bulk_topic_event(&self, request: Request<TopicEventBulkRequest>) -> Result<TopicEventBulkResponse> {
        self.bulk(request).await
    }

    async fn on_job_event(&self, request: Request<JobEventRequest>) -> Result<JobEventResponse> {
        self.job(request).await
    }
}

#[tonic::async_trait]
impl AppCallbackAlpha for Service {
    async fn on_bulk_topic_event_alpha1(&self, request: Request<TopicEventBulkRequest>) -> Result<TopicEventBulkResponse> {
        self.bulk(request).await
    }

    async fn on_job_event_alpha1(&self, request: Request<JobEventRequest>) -> Result<JobEventResponse> {
        self.job(request).await
    }
}

#[tonic::async_trait]
impl AppCallbackHealthCheck for Service {
    async fn health_check(&self, _: Request<()>) -> Result<HealthCheckResponse> {
        Ok(Response::new(HealthCheckResponse {}))
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}
