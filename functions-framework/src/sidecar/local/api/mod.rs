//! Dapr's own HTTP API, so that curl and other programs can feed the function and see what it stores.
//!
//! Statuses and error codes are those of Dapr.

mod bindings;
mod publish;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Query, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    Local,
    plan::{From, StandIn},
    subscriber::Kind,
};
use crate::sidecar::{Metadata, Scope, SidecarError, Trace};

/// Serves the API until it is dropped.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "local backend: the HTTP API has ended");
    }
}

impl Local {
    /// All that the port of the local backend serves.
    pub(super) fn api(self: &Arc<Self>) -> Router {
        let writes = DefaultBodyLimit::max(self.options.max_body_size);
        Router::new()
            .route("/v1.0/healthz", get(healthy))
            .route("/v1.0/healthz/outbound", get(healthy))
            .route("/v1.0/metadata", get(metadata))
            .route("/v1.0/publish/{pubsub}", post(publish::nowhere).put(publish::nowhere))
            .route("/v1.0/publish/{pubsub}/", post(publish::nowhere).put(publish::nowhere))
            .route("/v1.0/publish/{pubsub}/{*topic}", post(publish::one).put(publish::one))
            .route("/v1.0/publish/bulk/{pubsub}/{*topic}", post(publish::several).put(publish::several))
            .route("/v1.0-alpha1/publish/bulk/{pubsub}/{*topic}", post(publish::several).put(publish::several))
            .route("/v1.0/bindings/{name}", post(bindings::call).put(bindings::call))
            .route("/v1.0/secrets/{store}/bulk", get(bindings::secrets))
            .route("/v1.0/secrets/{store}/{key}", get(bindings::secret))
            .route("/v1.0/state/{store}", post(state::save).put(state::save))
            .route("/v1.0/state/{store}/bulk", post(state::bulk).put(state::bulk))
            .route("/v1.0/state/{store}/transaction", post(state::transaction).put(state::transaction))
            .route("/v1.0/state/{store}/{key}", get(state::read).delete(state::delete))
            .route("/v1.0-alpha1/state/{store}/query", post(state::query).put(state::query))
            .layer(from_fn(from_here))
            .layer(writes)
            .with_state(Arc::clone(self))
            .merge(self.routes())
            .fallback(unknown)
    }
}

async fn healthy() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn unknown(request: Request) -> Refusal {
    let text =
        format!("{} {}: the local backend does not have this part of Dapr's API", request.method(), request.uri().path());
    Refusal::new(StatusCode::NOT_FOUND, "ERR_NOT_FOUND", text)
}

/// Lets only programs of this machine in: a page in a browser is on this machine too, and was written elsewhere.
pub(super) async fn from_here(request: Request, next: Next) -> Response {
    match stranger(&request) {
        None => next.run(request).await,
        Some(other) => {
            let text = format!("this is for programs of this machine, not for {other}");
            Refusal::new(StatusCode::FORBIDDEN, "ERR_FORBIDDEN", text).into_response()
        }
    }
}

/// Who sent a request, or has it sent, and is not from here.
fn stranger(request: &Request) -> Option<String> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = header("host").or_else(|| request.uri().host()).unwrap_or("localhost");
    let origin = header("origin").map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
    [Some(host), origin].into_iter().flatten().find(|host| !is_loopback(host)).map(str::to_owned)
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Says what there is, as Dapr's metadata does.
async fn metadata(State(local): State<Arc<Local>>) -> Json<Value> {
    let components: Vec<_> = local
        .plan
        .parts
        .iter()
        .map(|(name, part)| {
            json!({
                "name": name,
                "type": part.component_type,
                "version": part.version,
                "capabilities": capabilities(&part.stand_in),
            })
        })
        .collect();
    let mut subscriptions = Vec::new();
    for source in &local.plan.inputs {
        let From::Messages { subscriptions: topics, kind: Kind::Topic { component, dead_letter_topic, raw, .. }, .. } =
            &source.from
        else {
            continue;
        };
        for topic in topics {
            subscriptions.push(json!({
                "pubsubname": component,
                "topic": topic.address,
                "metadata": { "rawPayload": raw.to_string() },
                "rules": [{ "path": format!("/{}", source.input) }],
                "deadLetterTopic": dead_letter_topic.as_deref().unwrap_or_default(),
                "type": "PROGRAMMATIC",
            }));
        }
    }
    Json(json!({
        "id": local.options.app,
        "runtimeVersion": concat!("functions-framework ", env!("CARGO_PKG_VERSION"), ", local backend"),
        "components": components,
        "subscriptions": subscriptions,
        "extended": {},
        "appConnectionProperties": {},
    }))
}

const fn capabilities(stand_in: &StandIn) -> &'static [&'static str] {
    match stand_in {
        StandIn::Broker => &["SUBSCRIBE_WILDCARDS"],
        StandIn::State(_) => &["ETAG", "TRANSACTIONAL", "QUERY_API", "TTL"],
        StandIn::Clock(_) => &["INPUT_BINDING"],
        StandIn::Http(_) | StandIn::Files(_) => &["OUTPUT_BINDING"],
        StandIn::Queue(_) => &["INPUT_BINDING", "OUTPUT_BINDING"],
        StandIn::Secrets(_) | StandIn::Nothing | StandIn::Undeclared => &[],
    }
}

/// An answer that is no success, in the form that Dapr gives to it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn of(status: StatusCode, code: &'static str, what: &str, error: &SidecarError) -> Self {
        Self::new(status, code, format!("{what}: {}", error.message()))
    }

    fn malformed(error: &serde_json::Error) -> Self {
        let text = format!("failed deserializing HTTP body: {error}");
        Self::new(StatusCode::BAD_REQUEST, "ERR_MALFORMED_REQUEST", text)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "errorCode": self.code, "message": self.message }))).into_response()
    }
}

/// Reads the JSON object that a body is to be; derived readers would take an array of its members, too.
fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        let text = "failed deserializing HTTP body: expected a JSON object";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "ERR_MALFORMED_REQUEST", text));
    }
    serde_json::from_slice(body).map_err(|error| Refusal::malformed(&error))
}

/// The pairs of a query, in their order.
type Pairs = Query<Vec<(String, String)>>;

/// What of a query is metadata: `metadata.ttlInSeconds=60`.
pub(super) fn metadata_of(pairs: &[(String, String)]) -> Metadata {
    let named = pairs.iter().filter_map(|(name, value)| Some((name.strip_prefix("metadata.")?.to_owned(), value.clone())));
    named.collect()
}

/// The trace that a caller is in.
fn scope(headers: &HeaderMap) -> Scope {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(Into::into);
    let (traceparent, tracestate, baggage) = (said("traceparent"), said("tracestate"), said("baggage"));
    let trace = Trace { traceparent, tracestate, baggage, ..Trace::default() };
    Scope { trace, ..Scope::default() }
}

/// The content type of a body; empty when it says none.
pub(super) fn content_type(headers: &HeaderMap) -> &str {
    headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default()
}
