//! The segments of requests and deliveries, in the words of SkyWalking.

use std::sync::Arc;

use http::{StatusCode, header};

use super::{
    super::{Called, How},
    Traces,
};
use crate::{
    context::{Arrival, InputKind},
    function::{Kind, body::Request},
    span::{
        Span,
        skywalking::{OfEvent, OfEventHeaders, OfHeaders, OfInput, Place, Segment},
    },
};

impl Traces {
    /// Begins the segment of a request.
    pub(in super::super) fn request(&self, request: &Request, called: Called<'_>) -> Span {
        let headers = request.headers();
        let places: [&dyn Place; 2] = [&OfEventHeaders(headers), &OfHeaders(headers)];
        // A request that carries no event has headers of this name by chance only.
        let places = if called.kind == Kind::Http { &places[1..] } else { &places[..] };
        let segment = self.tracer().begin(called.function, places);
        if segment.is_sampled() {
            let tags =
                [("runtime", "Knative".to_owned()), ("http.method", request.method().to_string()), ("url", url(request))];
            segment.set(tags);
        }
        Span::SkyWalking(segment)
    }

    /// Begins the segment of a delivery.
    pub(in super::super) fn delivery(&self, function: &str, arrival: &Arrival) -> Span {
        let (of_input, of_event) = (arrival.input.as_ref().map(OfInput), arrival.event.get().map(OfEvent));
        let places = [of_input.as_ref().map(|place| place as &dyn Place), of_event.as_ref().map(|place| place as &dyn Place)];
        let places: Vec<_> = places.into_iter().flatten().collect();
        let segment = self.tracer().begin(function, &places);
        if segment.is_sampled() {
            segment.set([("runtime", "Async".to_owned())]);
            if let Some(input) = &arrival.input {
                let section = if input.kind() == InputKind::PubSub { "pubsub" } else { "bindings" };
                segment.set([("component.type", section.to_owned()), ("input", input.name().to_owned())]);
            }
            if let Some(event) = arrival.event.get() {
                segment.called_with(event);
            }
        }
        Span::SkyWalking(segment)
    }
}

/// Where a request went, without its query, which may hold what is nobody's business.
fn url(request: &Request) -> String {
    let of_header = || request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().authority().map(http::uri::Authority::as_str).or_else(of_header).unwrap_or_default();
    format!("{host}{}", request.uri().path())
}

/// Ends the span of an invocation, by what became of it.
pub(in super::super) fn ended(segment: &Arc<Segment>, how: How, status: Option<StatusCode>, cause: Option<&str>) {
    if let Some(status) = &status {
        segment.set([("http.status_code", status.as_str().to_owned())]);
    }
    segment.end(how.failure(status.as_ref()).map(|kind| (kind, cause)));
}
