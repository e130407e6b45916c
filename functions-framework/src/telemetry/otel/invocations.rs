//! The spans of requests and deliveries, in the words of OpenTelemetry's conventions.

use http::{Method, StatusCode, Version, header};
use opentelemetry::{KeyValue, propagation::Extractor, trace::SpanKind};

use super::{
    super::{Called, How},
    Traces,
};
use crate::{
    context::{Arrival, InputKind},
    current::Current,
    function::{Kind, body::Request},
    span::{OfEvent, OfEventHeaders, OfHeaders, OfTrace, Span},
};

impl Traces {
    /// Begins the span of a request.
    #[inline]
    pub(in super::super) fn request(&self, request: &Request, called: Called<'_>) -> Span {
        let (tracer, headers) = (self.tracer(), request.headers());
        let places: [&dyn Extractor; 2] = [&OfEventHeaders(headers), &OfHeaders(headers)];
        // A request that carries no event has headers of this name by chance only.
        let places = if called.kind == Kind::Http { &places[1..] } else { &places[..] };
        let span = tracer.begin("request", SpanKind::Server, places);
        if span.is_recording() {
            let (name, attributes) = of_request(request, called);
            span.name(name);
            span.set(attributes);
        }
        span
    }

    /// Begins the span of a delivery.
    pub(in super::super) fn delivery(&self, function: &str, arrival: &Arrival) -> Span {
        let (tracer, event) = (self.tracer(), arrival.event.get());
        let said = OfTrace(&arrival.scope.trace);
        // The event's own first: the delivery's may be a span of a sidecar that sends its spans to nobody.
        let span = match event {
            Some(event) => tracer.begin("delivery", SpanKind::Consumer, &[&OfEvent(event), &said]),
            None => tracer.begin("delivery", SpanKind::Consumer, &[&said]),
        };
        if span.is_recording() {
            let (name, attributes) = of_delivery(function, arrival);
            span.name(name);
            span.set(attributes);
            if let Some(event) = event {
                span.called_with(event);
            }
        }
        span
    }
}

fn of_request(request: &Request, called: Called<'_>) -> (String, Vec<KeyValue>) {
    let Called { function, kind, path } = called;
    let method = known(request.method());
    let name = format!("{method} {}", path.unwrap_or(function));
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("network.protocol.version", version(request.version())),
        KeyValue::new("faas.name", function.to_owned()),
        KeyValue::new("faas.trigger", if kind == Kind::CloudEvent { "pubsub" } else { "http" }),
    ];
    if method == "_OTHER" {
        attributes.push(KeyValue::new("http.request.method_original", request.method().to_string()));
    }
    attributes.extend(path.map(|path| KeyValue::new("http.route", path.to_owned())));
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let of_header = || text(header::HOST).and_then(|host| host.parse().ok());
    if let Some(authority) = request.uri().authority().cloned().or_else(of_header) {
        attributes.push(KeyValue::new("server.address", authority.host().to_owned()));
        attributes.extend(authority.port_u16().map(|port| KeyValue::new("server.port", i64::from(port))));
    }
    attributes.extend(text(header::USER_AGENT).map(|agent| KeyValue::new("user_agent.original", agent.to_owned())));
    (name, attributes)
}

/// The methods that are told apart; what else callers make up is one.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

fn of_delivery(function: &str, arrival: &Arrival) -> (String, Vec<KeyValue>) {
    let mut attributes = vec![KeyValue::new("faas.name", function.to_owned())];
    let Some(input) = &arrival.input else { return (function.to_owned(), attributes) };
    let declared = &input.declared;
    let (section, system) = declared.component_type.split_once('.').unwrap_or_default();
    let trigger = match (declared.kind(), system) {
        (InputKind::PubSub, _) => "pubsub",
        (InputKind::Binding, "cron") => "timer",
        (InputKind::Binding, _) => "other",
    };
    let destination = declared.topic.as_deref().unwrap_or(&declared.component);
    let system = if section.is_empty() { "dapr" } else { system };
    attributes.extend([
        KeyValue::new("faas.trigger", trigger),
        KeyValue::new("messaging.system", system.to_owned()),
        KeyValue::new("messaging.operation.name", "process"),
        KeyValue::new("messaging.operation.type", "process"),
        KeyValue::new("messaging.destination.name", destination.to_owned()),
        KeyValue::new("dapr.component", declared.component.clone()),
        KeyValue::new("openfunction.input", declared.name.clone()),
    ]);
    (format!("process {destination}"), attributes)
}

/// Ends the span of an invocation, by what became of it.
pub(in super::super) fn ended(current: &mut Current, how: How, status: Option<StatusCode>, cause: Option<&str>) {
    if !current.span().is_recording() {
        return;
    }
    let request = current.ids().request.to_string();
    let span = current.span();
    span.set([KeyValue::new("faas.invocation_id", request)]);
    if let Some(status) = status {
        span.set([KeyValue::new("http.response.status_code", i64::from(status.as_u16()))]);
    }
    span.end(how.failure(status.as_ref()).map(|kind| (kind, cause)));
}
