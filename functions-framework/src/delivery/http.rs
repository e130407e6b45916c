//! Events over HTTP: Dapr's app channel with `app-protocol: http`, and what OpenFunction's dapr-proxy makes of it.
//!
//! An answer is exactly 200, or an error that is never 404: to daprd 404 is a dropped event, and with a retry policy even 204 a
//! failure; to the proxy all but 200 is (contract dapr.md §1.2, §1.3, §8).

use std::{future::ready, sync::Arc, time::Instant};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use axum::{body::Body, response::Response};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::{
    Incoming, Inputs, Outcome, Source, bulk,
    codec::{self, Origin},
    discovery,
    inputs::Unknown,
    mount::{Rules, Taker},
};
use crate::{
    context::InputKind,
    error::Error,
    function::{BoxFuture, body::Request},
    outcome::Verdict,
    repeats::Repeats,
    server::status::Status,
    sidecar::{Metadata, Trace},
};

/// The HTTP side of the app channel.
#[derive(Debug)]
pub(super) struct Http {
    inputs: Arc<Inputs>,
    rules: Arc<Rules>,
    /// The paths of functions, which keep them.
    taken: matchit::Router<()>,
    subscriptions: Bytes,
    refusals: Arc<Repeats>,
}

/// What a delivery is, by its path.
enum To {
    Topic {
        source: Result<Arc<Source>, Unknown>,
        route: Option<String>,
        origin: Origin,
    },
    /// A binding or a job: the body is the payload.
    Plain(Arc<Source>),
    Nowhere(Unknown),
}

impl Http {
    pub(super) fn new(inputs: Arc<Inputs>, rules: Arc<Rules>) -> Self {
        let mut taken = matchit::Router::new();
        for path in &rules.taken {
            // The table of routes has refused what the router would refuse here.
            let _ = taken.insert(path, ());
        }
        let subscriptions = discovery::subscriptions(&inputs).to_string().into();
        Self { inputs, rules, taken, subscriptions, refusals: Arc::default() }
    }

    /// Gives what answers a request; none for one that is a function's.
    pub(super) fn take(&self, request: &Request) -> Option<Taker<'_>> {
        let path = request.uri().path();
        let answer = match (request.method(), path) {
            (&Method::GET, "/dapr/subscribe") => json(StatusCode::OK, self.subscriptions.clone()),
            // No actors, and nothing else that daprd would want to know.
            (&Method::GET, "/dapr/config") => json(StatusCode::OK, "{}"),
            (&Method::POST, _) => {
                let to = self.destination(path)?;
                return Some(Box::new(|request| self.receive(to, request)));
            }
            (&Method::OPTIONS, _) if self.inputs.has_binding(&decoded(path)) => json(StatusCode::OK, ""),
            _ if self.rules.events_only && self.taken.at(path).is_err() => json(
                StatusCode::NOT_FOUND,
                r#"{"title":"Not Found","status":404,"detail":"the functions here are called by events"}"#,
            ),
            _ => return None,
        };
        Some(Box::new(|_| Box::pin(ready(answer))))
    }

    /// Tells what a posted path means; none when it is a function's own.
    fn destination(&self, path: &str) -> Option<To> {
        if let Some((name, route)) = discovery::parse(path) {
            // As it was registered: a URL has it escaped, and gRPC has not.
            let route = route.map(|route| percent_decode_str(route).decode_utf8_lossy().into_owned());
            let source = self.inputs.named(&name).map(Arc::clone);
            return Some(To::Topic { source, route, origin: Origin::Sidecar });
        }
        // Most functions that are called by requests have no inputs, and every request comes by here.
        let is_request = self.inputs.all().is_empty() && !self.rules.events_only && !path.starts_with("/job/");
        if is_request || self.taken.at(path).is_ok() {
            return None;
        }
        let name = decoded(path);
        let to = |source: &Arc<Source>| match source.declared.kind() {
            InputKind::PubSub => To::Topic { source: Ok(Arc::clone(source)), route: None, origin: Origin::Proxy },
            InputKind::Binding => To::Plain(Arc::clone(source)),
        };
        let found = if self.inputs.has_binding(&name) {
            self.inputs.binding(&name)
        } else if self.inputs.has_topic(&name) {
            let source = self.inputs.topic("", &name).map(Arc::clone);
            return Some(To::Topic { source, route: None, origin: Origin::Proxy });
        } else if let Some(job) = name.strip_prefix("job/") {
            return Some(self.inputs.named(job).map_or_else(To::Nowhere, |source| To::Plain(Arc::clone(source))));
        } else if self.rules.events_only {
            // The proxy's wrong name, or an event that went astray.
            self.inputs.binding(&name)
        } else {
            return None;
        };
        Some(found.map_or_else(To::Nowhere, to))
    }

    fn receive(&self, to: To, request: Request) -> BoxFuture<'static, Response> {
        if !self.rules.token.is_in(request.headers()) {
            self.refused("a delivery came without the right dapr-api-token (APP_API_TOKEN)");
            let text = r#"{"title":"Unauthorized","status":401,"detail":"the dapr-api-token is missing or wrong"}"#;
            return Box::pin(ready(json(StatusCode::UNAUTHORIZED, text)));
        }
        let (inputs, refusals) = (Arc::clone(&self.inputs), Arc::clone(&self.refusals));
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            // Not a byte is read of what says itself that it is too large.
            let body = if body.is_declared_too_large() { Err(Error::too_large()) } else { body.collect().await };
            let body = match body {
                Ok(body) => body,
                Err(error) => {
                    warn(&refusals, &error.line());
                    return answer(&Outcome::retry(error.line()), Some(error.status_code()));
                }
            };
            let (metadata, trace) = (metadata(&parts.headers), trace(&parts.headers));
            match to {
                To::Topic { source, route, origin } => {
                    // The proxy's path may be another input's: what the event says of itself holds (contract
                    // function-context.md §1.8).
                    let says = (origin == Origin::Proxy).then(|| codec::subscription(&body)).flatten();
                    let named = says.and_then(|(component, topic)| inputs.subscribed(&component, &topic).cloned());
                    let source = match named.map_or(source, Ok) {
                        Ok(source) => source,
                        Err(unknown) => return astray(&refusals, &unknown),
                    };
                    if let Some(batch) = bulk::parse(&parts.headers, &body) {
                        let statuses = bulk::deliver(&source, route.as_deref(), batch, &trace).await;
                        return json(StatusCode::OK, statuses);
                    }
                    let incoming = Incoming { route, trace, ..codec::topic_event(&body, metadata, origin) };
                    answer(&source.deliver(incoming).await, None)
                }
                To::Plain(source) => {
                    let outcome = source.deliver(Incoming { payload: body, metadata, trace, ..Incoming::default() }).await;
                    match outcome.verdict {
                        Verdict::Success => reply(outcome.data),
                        // The body goes back to the component: a status would be taken for data.
                        Verdict::Drop => reply(Bytes::new()),
                        Verdict::Retry => answer(&outcome, None),
                    }
                }
                To::Nowhere(unknown) => astray(&refusals, &unknown),
            }
        })
    }

    fn refused(&self, why: &str) {
        warn(&self.refusals, why);
    }
}

/// Brings an event again that is for no input: to lose it for a wrong name would be worse.
fn astray(refusals: &Repeats, unknown: &Unknown) -> Response {
    let why = unknown.to_string();
    warn(refusals, &why);
    answer(&Outcome::retry(why), None)
}

fn warn(refusals: &Repeats, why: &str) {
    if let Some(silent) = refusals.failed(Instant::now(), why) {
        tracing::warn!(error = why, silent, "delivery refused");
    }
}

/// A path without its slash and its escapes: what a component or a topic is called.
fn decoded(path: &str) -> String {
    percent_decode_str(path.strip_prefix('/').unwrap_or(path)).decode_utf8_lossy().into_owned()
}

/// Says what becomes of the event, in the words of a topic; what a binding's component does with an error is its own.
fn answer(outcome: &Outcome, status: Option<StatusCode>) -> Response {
    let (usual, text) = match outcome.verdict {
        Verdict::Success => (StatusCode::OK, r#"{"status":"SUCCESS"}"#),
        Verdict::Drop => (StatusCode::OK, r#"{"status":"DROP"}"#),
        // As an error, for the proxy reads nothing but the status code.
        Verdict::Retry => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"status":"RETRY"}"#),
    };
    let mut response = json(status.unwrap_or(usual), text);
    if outcome.crashed {
        Status::Crash.tell(response.headers_mut());
    }
    response
}

/// The reply of a binding.
fn reply(data: Bytes) -> Response {
    let mut response = Response::new(Body::from(data));
    Status::Success.tell(response.headers_mut());
    response
}

fn json(status: StatusCode, text: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Status::of(status).tell(headers);
    response
}

/// Headers that are the connection's or the sidecar's and not the component's.
const NOT_METADATA: [&str; 15] = [
    "host",
    "content-type",
    "content-length",
    "user-agent",
    "accept",
    "accept-encoding",
    "connection",
    "transfer-encoding",
    "te",
    "traceparent",
    "tracestate",
    "baggage",
    "grpc-trace-bin",
    "dapr-api-token",
    "dapr-app-id",
];

/// What the component says of the event, which daprd turns into headers.
pub(super) fn metadata(headers: &HeaderMap) -> Metadata {
    let named = headers.iter().filter(|(name, _)| !NOT_METADATA.contains(&name.as_str()));
    named.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

/// Adds who calls, as SkyWalking says it, to what a component says; what it says itself is nearer to the event.
#[cfg(all(feature = "dapr", feature = "skywalking"))]
pub(super) fn with_caller(mut metadata: Metadata, headers: &HeaderMap) -> Metadata {
    for name in [crate::span::skywalking::SW8, crate::span::skywalking::SW8_CORRELATION] {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            metadata.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    metadata
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// The trace of a delivery. Where a broker's own metadata stands beside it under the same name, the sidecar's comes last.
pub(super) fn trace(headers: &HeaderMap) -> Trace {
    let last = |name: HeaderName| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok()).map(Arc::from);
    let traceparent = last(TRACEPARENT);
    // Nothing else means anything without it.
    if traceparent.is_none() {
        return Trace::default();
    }
    let trace = Trace { traceparent, tracestate: last(TRACESTATE), baggage: last(BAGGAGE), ..Trace::default() };
    if trace.is_known() { trace } else { Trace::default() }
}

#[cfg(all(test, feature = "dapr", feature = "skywalking"))]
mod tests {
    use super::*;

    #[test]
    fn a_caller_in_headers_is_metadata_unless_the_component_says_another() {
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("sw8"), HeaderValue::from_static("far")),
            (HeaderName::from_static("sw8-correlation"), HeaderValue::from_static("far")),
            (HeaderName::from_static("other"), HeaderValue::from_static("far")),
        ]);
        let near = Metadata::from([("sw8".to_owned(), "near".to_owned())]);
        let expected = [("sw8", "near"), ("sw8-correlation", "far")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(with_caller(near, &headers), Metadata::from(expected));
        assert_eq!(with_caller(Metadata::new(), &headers)["sw8"], "far");
    }
}
