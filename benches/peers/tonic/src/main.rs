//! Dapr's generated server and client on tonic's own transport, as their documentation shows them.
//!
//! `MODE` picks what is served: `callback` (the `AppCallback` service, which takes events), and on axum `take` (reads a body
//! and answers nothing) and `send` (publishes the body it got through the sidecar at `DAPR_GRPC_PORT`).

use std::collections::HashMap;

use axum::{Router, body::Bytes, extract::State, http::StatusCode};
use dapr::dapr::proto::{
    common::v1::{InvokeRequest, InvokeResponse},
    runtime::v1::{
        BindingEventRequest, BindingEventResponse, JobEventRequest, JobEventResponse, ListInputBindingsResponse,
        ListTopicSubscriptionsResponse, PublishEventRequest, TopicEventBulkRequest, TopicEventBulkResponse, TopicEventRequest,
        TopicEventResponse,
        app_callback_server::{AppCallback, AppCallbackServer},
        dapr_client::DaprClient,
        topic_event_response::TopicEventResponseStatus,
    },
};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server},
};

/// Takes events, and looks at their data.
struct Callback;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AppCallback for Callback {
    async fn on_topic_event(&self, request: Request<TopicEventRequest>) -> Answer<TopicEventResponse> {
        if request.into_inner().data.is_empty() {
            return Err(Status::unavailable("an event has data"));
        }
        Ok(Response::new(TopicEventResponse { status: TopicEventResponseStatus::Success.into() }))
    }

    async fn on_binding_event(&self, request: Request<BindingEventRequest>) -> Answer<BindingEventResponse> {
        if request.into_inner().data.is_empty() {
            return Err(Status::unavailable("an event has data"));
        }
        Ok(Response::new(BindingEventResponse::default()))
    }

    async fn on_invoke(&self, _: Request<InvokeRequest>) -> Answer<InvokeResponse> {
        Err(Status::unimplemented(""))
    }

    async fn list_topic_subscriptions(&self, _: Request<()>) -> Answer<ListTopicSubscriptionsResponse> {
        Ok(Response::new(ListTopicSubscriptionsResponse::default()))
    }

    async fn list_input_bindings(&self, _: Request<()>) -> Answer<ListInputBindingsResponse> {
        Ok(Response::new(ListInputBindingsResponse::default()))
    }

    async fn on_bulk_topic_event(&self, _: Request<TopicEventBulkRequest>) -> Answer<TopicEventBulkResponse> {
        Err(Status::unimplemented(""))
    }

    async fn on_job_event(&self, _: Request<JobEventRequest>) -> Answer<JobEventResponse> {
        Err(Status::unimplemented(""))
    }
}

async fn take(body: Bytes) -> StatusCode {
    if body.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
}

async fn send(State(mut client): State<DaprClient<Channel>>, body: Bytes) -> StatusCode {
    let request = PublishEventRequest {
        pubsub_name: "bus".to_owned(),
        topic: "orders".to_owned(),
        data: body.into(),
        data_content_type: "application/octet-stream".to_owned(),
        metadata: HashMap::new(),
    };
    match client.publish_event(request).await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

/// A variable that holds a port.
fn port(name: &str) -> Option<u16> {
    std::env::var(name).ok().and_then(|port| port.parse().ok())
}

#[tokio::main]
async fn main() {
    let address = ([127, 0, 0, 1], port("PORT").unwrap_or(8080)).into();
    let app = match std::env::var("MODE").as_deref() {
        Ok("send") => {
            let sidecar = format!("http://127.0.0.1:{}", port("DAPR_GRPC_PORT").unwrap_or(50001));
            let channel = Endpoint::from_shared(sidecar).expect("an address is a URI").connect_lazy();
            Router::new().fallback(send).with_state(DaprClient::new(channel))
        }
        Ok("take") => Router::new().fallback(take),
        _ => {
            let served = Server::builder().add_service(AppCallbackServer::new(Callback)).serve(address).await;
            return served.expect("the port is free");
        }
    };
    let listener = TcpListener::bind(address).await.expect("the port is free");
    axum::serve(listener, app).await.expect("serving does not end");
}
