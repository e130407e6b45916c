//! Where it may stand who calls.

use http::{HeaderMap, HeaderName};

use super::{CORRELATION_EXTENSION, SW8, SW8_CORRELATION, sw8::Caller, sw8::Correlation};
use crate::{context::Input, event::Event};

/// A place that may say who calls, and what the trace takes along.
pub(crate) trait Place {
    /// The value of `sw8` or `sw8-correlation`.
    fn get(&self, name: &'static str) -> Option<&str>;
}

/// Finds who calls, and what the trace takes along, in the first place that has each. What is malformed is none.
pub(super) fn find(places: &[&dyn Place]) -> (Option<Caller>, Correlation) {
    fn first<T>(places: &[&dyn Place], name: &'static str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        places.iter().filter_map(|place| place.get(name)).filter(|text| !text.is_empty()).find_map(|text| {
            let parsed = parse(text);
            if parsed.is_none() {
                tracing::debug!(header = name, "it is malformed and counts as not there");
            }
            parsed
        })
    }
    (first(places, SW8, Caller::parse), first(places, SW8_CORRELATION, Correlation::parse).unwrap_or_default())
}

/// The headers of a request.
pub(crate) struct OfHeaders<'a>(pub(crate) &'a HeaderMap);

impl Place for OfHeaders<'_> {
    fn get(&self, name: &'static str) -> Option<&str> {
        self.0.get(HeaderName::from_static(name))?.to_str().ok()
    }
}

/// The headers of a request that hold extensions of an event.
pub(crate) struct OfEventHeaders<'a>(pub(crate) &'a HeaderMap);

impl Place for OfEventHeaders<'_> {
    fn get(&self, name: &'static str) -> Option<&str> {
        let name = if name == SW8 { "ce-sw8" } else { "ce-sw8correlation" };
        self.0.get(HeaderName::from_static(name))?.to_str().ok()
    }
}

/// An event with extensions.
pub(crate) struct OfEvent<'a>(pub(crate) &'a Event);

impl Place for OfEvent<'_> {
    fn get(&self, name: &'static str) -> Option<&str> {
        self.0.extension(if name == SW8 { SW8 } else { CORRELATION_EXTENSION })?.as_str()
    }
}

/// What came with an event: metadata of the sidecar's call, of the component, and of the event within the event.
pub(crate) struct OfInput<'a>(pub(crate) &'a Input);

impl Place for OfInput<'_> {
    fn get(&self, name: &'static str) -> Option<&str> {
        self.0.value(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = "1-bWluZQ==-cw==-0-cw==-aQ==-ZQ==-YQ==";
    const OTHER: &str = "1-b3RoZXI=-cw==-0-cw==-aQ==-ZQ==-YQ==";

    fn found(places: &[&dyn Place]) -> (Option<String>, String) {
        let (caller, correlation) = find(places);
        (caller.map(|caller| caller.trace), correlation.encode())
    }

    fn event(sw8: &str) -> Event {
        let event = Event::builder().id("1").source("/s").ty("t").extension("sw8", sw8);
        event.extension("sw8correlation", "YQ==:MQ==").build().unwrap()
    }

    #[test]
    fn the_first_place_that_has_a_caller_counts() {
        let mut headers = HeaderMap::new();
        headers.insert("sw8", OTHER.parse().unwrap());
        headers.insert("sw8-correlation", "Yg==:Mg==".parse().unwrap());
        headers.insert("ce-sw8", MINE.parse().unwrap());
        let (of_event, of_request) = (OfEventHeaders(&headers), OfHeaders(&headers));
        let other = (Some("other".to_owned()), "Yg==:Mg==".to_owned());
        assert_eq!(found(&[&of_event, &of_request]), (Some("mine".to_owned()), "Yg==:Mg==".to_owned()));
        assert_eq!(found(&[&of_request]), other);
        assert_eq!(found(&[&OfEvent(&event(MINE)), &of_request]), (Some("mine".to_owned()), "YQ==:MQ==".to_owned()));
        assert_eq!(found(&[&OfEvent(&event("rubbish")), &of_request]).0, other.0);
        assert_eq!(found(&[&OfEvent(&event("rubbish"))]).0, None);
        assert_eq!(found(&[]), (None, String::new()));
    }
}
