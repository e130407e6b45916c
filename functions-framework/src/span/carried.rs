//! How a trace comes from one process to the next (W3C Trace Context, W3C Baggage).

use std::sync::Arc;

use http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use crate::{event::Event, sidecar::Trace};

/// What is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carries {
    pub(crate) trace: bool,
    pub(crate) baggage: bool,
}

impl Carries {
    /// Finds the parent, and the baggage, in the first place that has each. What is malformed or zero is none.
    pub(super) fn find(self, mut context: Context, places: &[&dyn Extractor]) -> Context {
        if self.trace && !context.has_active_span() {
            let propagator = TraceContextPropagator::new();
            for place in places.iter().filter(|place| place.get("traceparent").is_some()) {
                let found = propagator.extract_with_context(&context, *place);
                if found.has_active_span() {
                    context = found;
                    break;
                }
            }
        }
        let place = places.iter().find(|place| self.baggage && place.get("baggage").is_some());
        place.map_or_else(|| context.clone(), |place| BaggagePropagator::new().extract_with_context(&context, *place))
    }

    /// Writes down where a context is, for who is called from there.
    pub(super) fn write(self, context: &Context) -> Trace {
        let mut written = Written(Trace::default());
        if self.trace {
            TraceContextPropagator::new().inject_context(context, &mut written);
        }
        if self.baggage {
            BaggagePropagator::new().inject_context(context, &mut written);
        }
        written.0
    }
}

struct Written(Trace);

impl Injector for Written {
    fn set(&mut self, key: &str, value: String) {
        let place = match key {
            "traceparent" => &mut self.0.traceparent,
            "tracestate" => &mut self.0.tracestate,
            "baggage" => &mut self.0.baggage,
            _ => return,
        };
        *place = Some(value).filter(|value| !value.is_empty()).map(Arc::from);
    }
}

/// The headers of a request, or the metadata of a call.
pub(crate) struct OfHeaders<'a>(pub(crate) &'a HeaderMap);

impl Extractor for OfHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// The headers of a request that hold the extension of an event.
pub(crate) struct OfEventHeaders<'a>(pub(crate) &'a HeaderMap);

impl Extractor for OfEventHeaders<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let name = match key {
            "traceparent" => "ce-traceparent",
            "tracestate" => "ce-tracestate",
            _ => return None,
        };
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// An event with the distributed tracing extension of CloudEvents.
pub(crate) struct OfEvent<'a>(pub(crate) &'a Event);

impl Extractor for OfEvent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        if key == "baggage" { None } else { self.0.extension(key)?.as_str() }
    }

    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// What a delivery said.
pub(crate) struct OfTrace<'a>(pub(crate) &'a Trace);

impl Extractor for OfTrace<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let Trace { traceparent, tracestate, baggage, .. } = self.0;
        match key {
            "traceparent" => traceparent.as_deref(),
            "tracestate" => tracestate.as_deref(),
            "baggage" => baggage.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const OTHER: &str = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const ZEROS: &str = "00-00000000000000000000000000000000-0000000000000000-00";
    const ALL: Carries = Carries { trace: true, baggage: true };

    fn found(carries: Carries, places: &[&dyn Extractor]) -> Trace {
        carries.write(&carries.find(Context::new(), places))
    }

    fn trace(traceparent: &str, baggage: Option<&str>) -> Trace {
        Trace { traceparent: Some(traceparent.into()), baggage: baggage.map(Into::into), ..Trace::default() }
    }

    #[test]
    fn the_first_place_that_has_a_parent_counts_and_zeros_are_none() {
        let event =
            |parent: &str| Event::builder().id("1").source("/s").ty("t").extension("traceparent", parent).build().unwrap();
        let (header, zeros) = (trace(OTHER, Some("a=b")), trace(ZEROS, None));
        let (mine, nobodys) = (event(PARENT), event(ZEROS));
        assert_eq!(found(ALL, &[&OfEvent(&mine), &OfTrace(&header)]), trace(PARENT, Some("a=b")));
        assert_eq!(found(ALL, &[&OfEvent(&nobodys), &OfTrace(&header)]), trace(OTHER, Some("a=b")));
        assert_eq!(found(ALL, &[&OfEvent(&nobodys), &OfTrace(&zeros)]), Trace::default());
        assert_eq!(found(ALL, &[&OfTrace(&trace("rubbish", None))]), Trace::default());
    }

    #[test]
    fn headers_of_an_event_and_of_a_request_are_told_apart() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", OTHER.parse().unwrap());
        headers.insert("tracestate", "a=1".parse().unwrap());
        headers.insert("ce-traceparent", PARENT.parse().unwrap());
        let places: [&dyn Extractor; 2] = [&OfEventHeaders(&headers), &OfHeaders(&headers)];
        assert_eq!(found(ALL, &places).traceparent.as_deref(), Some(PARENT));
        let of_request = found(ALL, &places[1..]);
        assert_eq!((of_request.traceparent.as_deref(), of_request.tracestate.as_deref()), (Some(OTHER), Some("a=1")));
    }

    #[test]
    fn what_is_not_carried_is_left_out() {
        let both = trace(PARENT, Some("a=b"));
        let nothing = Carries { trace: false, baggage: false };
        assert_eq!(found(nothing, &[&OfTrace(&both)]), Trace::default());
        let only_baggage = found(Carries { baggage: true, ..nothing }, &[&OfTrace(&both)]);
        assert_eq!((only_baggage.traceparent, only_baggage.baggage.as_deref()), (None, Some("a=b")));
    }
}
