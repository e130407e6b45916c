//! The calls, one by one.

use std::{fmt, sync::Arc, time::Instant};

use ::http::HeaderMap;
use dapr::dapr::proto::{
    common::v1::{InvokeRequest, InvokeResponse},
    runtime::v1::{
        HealthCheckResponse, JobEventRequest, JobEventResponse, ListInputBindingsResponse, ListTopicSubscriptionsResponse,
        TopicEventBulkRequest, TopicEventBulkResponse, TopicEventBulkResponseEntry, TopicEventResponse,
        topic_event_response::TopicEventResponseStatus,
    },
};
use futures_util::future::join_all;
use tonic::Status;

use super::{
    convert, invoke,
    message::{BindingEvent, BindingReply, TopicEvent, text},
};
use crate::{
    context::InputKind,
    delivery::{Incoming, Inputs, Outcome, Source, discovery, http, inputs::Unknown},
    outcome::Verdict,
    repeats::Repeats,
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

type Result<T> = std::result::Result<T, Status>;

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
    fn subscribed(&self, path: &str, component: &str, topic: &str) -> Result<(&Source, Option<String>)> {
        if let Some((name, route)) = discovery::parse(path)
            && let Some(source) = self.inputs.find(&name)
        {
            return Ok((source, route.map(str::to_owned)));
        }
        let found = self.inputs.topic(component, topic).map_err(|unknown| self.unknown(&unknown))?;
        Ok((found, None))
    }

    /// An error that brings the event again: to lose it for a wrong name would be worse.
    fn unknown(&self, unknown: &Unknown) -> Status {
        let why = unknown.to_string();
        if let Some(silent) = self.refusals.failed(Instant::now(), &why) {
            tracing::warn!(error = why, silent, "delivery refused");
        }
        Status::failed_precondition(why)
    }

    pub(super) async fn list_topic_subscriptions(
        self: Arc<Self>,
        _: HeaderMap,
        (): (),
    ) -> Result<ListTopicSubscriptionsResponse> {
        Ok(self.topics.clone())
    }

    pub(super) async fn list_input_bindings(self: Arc<Self>, _: HeaderMap, (): ()) -> Result<ListInputBindingsResponse> {
        Ok(self.bindings.clone())
    }

    pub(super) async fn health_check(self: Arc<Self>, _: HeaderMap, (): ()) -> Result<HealthCheckResponse> {
        Ok(HealthCheckResponse {})
    }

    pub(super) async fn on_topic_event(self: Arc<Self>, headers: HeaderMap, event: TopicEvent) -> Result<TopicEventResponse> {
        let names = [&event.path, &event.pubsub_name, &event.topic].map(text);
        let (source, route) = self.subscribed(&names[0], &names[1], &names[2])?;
        let (metadata, trace) = (http::metadata(&headers), http::trace(&headers));
        let outcome = source.deliver(Incoming { route, metadata, trace, ..convert::topic_event(event) }).await;
        let status = match outcome.verdict {
            Verdict::Success => TopicEventResponseStatus::Success,
            Verdict::Drop => TopicEventResponseStatus::Drop,
            Verdict::Retry => return Err(failed(&outcome)),
        };
        Ok(TopicEventResponse { status: status.into() })
    }

    pub(super) async fn on_binding_event(self: Arc<Self>, headers: HeaderMap, event: BindingEvent) -> Result<BindingReply> {
        let BindingEvent { name, data: payload, metadata } = event;
        let source = self.inputs.binding(&name).map_err(|unknown| self.unknown(&unknown))?;
        #[cfg(feature = "skywalking")]
        let metadata = http::with_caller(metadata, &headers);
        let trace = http::trace(&headers);
        let outcome = source.deliver(Incoming { payload, metadata, trace, ..Incoming::default() }).await;
        if outcome.verdict == Verdict::Retry { Err(failed(&outcome)) } else { Ok(BindingReply { data: outcome.data }) }
    }

    pub(super) async fn on_bulk_topic_event(
        self: Arc<Self>,
        headers: HeaderMap,
        batch: TopicEventBulkRequest,
    ) -> Result<TopicEventBulkResponse> {
        let trace = http::trace(&headers);
        let TopicEventBulkRequest { entries, topic, pubsub_name, path, .. } = batch;
        let (source, route) = self.subscribed(&path, &pubsub_name, &topic)?;
        let verdicts = entries.into_iter().map(|entry| {
            let (trace, route) = (trace.clone(), route.clone());
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
        Ok(TopicEventBulkResponse { statuses: join_all(verdicts).await })
    }

    pub(super) async fn on_job_event(self: Arc<Self>, headers: HeaderMap, job: JobEventRequest) -> Result<JobEventResponse> {
        let source = self.inputs.named(&job.name).map_err(|unknown| self.unknown(&unknown))?;
        let payload = job.data.map(|data| data.value.into()).unwrap_or_default();
        let outcome = source.deliver(Incoming { payload, trace: http::trace(&headers), ..Incoming::default() }).await;
        if outcome.verdict == Verdict::Retry { Err(failed(&outcome)) } else { Ok(JobEventResponse {}) }
    }

    pub(super) async fn on_invoke(self: Arc<Self>, headers: HeaderMap, request: InvokeRequest) -> Result<InvokeResponse> {
        invoke::invoke(&self.routes, headers, request, self.max_body_size).await
    }
}

/// What brings the event again. The caller is the sidecar and no stranger, and its log is where somebody looks; still, what the
/// function failed with stays here.
fn failed(outcome: &Outcome) -> Status {
    if outcome.crashed { Status::internal("the function panicked") } else { Status::unavailable("the function failed") }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}
