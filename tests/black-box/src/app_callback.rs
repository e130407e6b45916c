//! The sidecar's side of the app channel over gRPC, as the generated client speaks it.

#![allow(clippy::missing_errors_doc, reason = "a call fails with the status that the program answered")]

use std::net::SocketAddr;

use dapr::dapr::proto::{
    common::v1::{HttpExtension, InvokeRequest, InvokeResponse},
    runtime::v1::{
        BindingEventRequest, BindingEventResponse, JobEventRequest, ListTopicSubscriptionsResponse, TopicEventBulkRequest,
        TopicEventBulkResponse, TopicEventRequest, app_callback_alpha_client::AppCallbackAlphaClient,
        app_callback_client::AppCallbackClient, app_callback_health_check_client::AppCallbackHealthCheckClient,
    },
};
use tokio::runtime::Runtime;
use tonic::{
    Request, Status,
    metadata::{AsciiMetadataKey, AsciiMetadataValue},
    transport::{Channel, Endpoint},
};

/// A sidecar that calls a program.
#[derive(Debug)]
pub struct AppCallback {
    runtime: Runtime,
    channel: Channel,
    metadata: Vec<(AsciiMetadataKey, AsciiMetadataValue)>,
}

/// What a call comes to.
type Result<T> = std::result::Result<T, Status>;

impl AppCallback {
    /// Connects to a program.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("there is a runtime");
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address makes a URI");
        let channel = runtime.block_on(endpoint.connect()).expect("the program listens");
        Self { runtime, channel, metadata: Vec::new() }
    }

    /// Sends this with every call.
    pub fn metadata(mut self, name: &str, value: &str) -> Self {
        let name = name.parse().expect("a name of metadata");
        self.metadata.push((name, value.parse().expect("a value of metadata")));
        self
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in &self.metadata {
            request.metadata_mut().append(name.clone(), value.clone());
        }
        request
    }

    fn client(&self) -> AppCallbackClient<Channel> {
        AppCallbackClient::new(self.channel.clone()).max_encoding_message_size(usize::MAX)
    }

    /// `ListTopicSubscriptions`.
    pub fn subscriptions(&self) -> Result<ListTopicSubscriptionsResponse> {
        let mut client = self.client();
        self.runtime.block_on(client.list_topic_subscriptions(self.request(()))).map(tonic::Response::into_inner)
    }

    /// `ListInputBindings`.
    pub fn bindings(&self) -> Result<Vec<String>> {
        let mut client = self.client();
        self.runtime.block_on(client.list_input_bindings(self.request(()))).map(|answer| answer.into_inner().bindings)
    }

    /// `OnTopicEvent`; answers the number of the status.
    pub fn topic(&self, event: TopicEventRequest) -> Result<i32> {
        let mut client = self.client();
        self.runtime.block_on(client.on_topic_event(self.request(event))).map(|answer| answer.into_inner().status)
    }

    /// Several `OnTopicEvent` at once.
    pub fn topics(&self, events: impl IntoIterator<Item = TopicEventRequest>) -> Vec<Result<i32>> {
        let calls = events.into_iter().map(|event| {
            let (mut client, request) = (self.client(), self.request(event));
            async move { client.on_topic_event(request).await.map(|answer| answer.into_inner().status) }
        });
        self.runtime.block_on(futures_util::future::join_all(calls))
    }

    /// `OnBindingEvent`.
    pub fn binding(&self, name: &str, payload: impl Into<Vec<u8>>) -> Result<BindingEventResponse> {
        let event = BindingEventRequest { name: name.to_owned(), data: payload.into(), ..BindingEventRequest::default() };
        self.binding_event(event)
    }

    /// `OnBindingEvent`, with metadata.
    pub fn binding_event(&self, event: BindingEventRequest) -> Result<BindingEventResponse> {
        let mut client = self.client();
        self.runtime.block_on(client.on_binding_event(self.request(event))).map(tonic::Response::into_inner)
    }

    /// `OnBulkTopicEvent`, of the stable service.
    pub fn bulk(&self, batch: TopicEventBulkRequest) -> Result<TopicEventBulkResponse> {
        let mut client = self.client();
        self.runtime.block_on(client.on_bulk_topic_event(self.request(batch))).map(tonic::Response::into_inner)
    }

    /// `OnBulkTopicEventAlpha1`, which older sidecars call.
    #[expect(deprecated, reason = "it is meant")]
    pub fn bulk_alpha(&self, batch: TopicEventBulkRequest) -> Result<TopicEventBulkResponse> {
        let mut client = AppCallbackAlphaClient::new(self.channel.clone());
        self.runtime.block_on(client.on_bulk_topic_event_alpha1(self.request(batch))).map(tonic::Response::into_inner)
    }

    /// `OnJobEvent`.
    pub fn job(&self, job: JobEventRequest) -> Result<()> {
        let mut client = self.client();
        self.runtime.block_on(client.on_job_event(self.request(job))).map(|_| ())
    }

    /// `OnInvoke`.
    pub fn invoke(&self, method: &str, http: Option<HttpExtension>, payload: impl Into<Vec<u8>>) -> Result<InvokeResponse> {
        let data = Some(prost_types::Any { type_url: String::new(), value: payload.into() });
        let request =
            InvokeRequest { method: method.to_owned(), data, content_type: "text/plain".to_owned(), http_extension: http };
        let mut client = self.client();
        self.runtime.block_on(client.on_invoke(self.request(request))).map(tonic::Response::into_inner)
    }

    /// `HealthCheck`.
    pub fn healthy(&self) -> Result<()> {
        let mut client = AppCallbackHealthCheckClient::new(self.channel.clone());
        self.runtime.block_on(client.health_check(self.request(()))).map(|_| ())
    }
}
