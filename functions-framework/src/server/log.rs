//! One line a request: always for a failure, for the others where somebody reads along.

use std::{
    fmt,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, uri::PathAndQuery};

/// Decides what is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    /// Whether requests that went well get a line.
    pub(crate) access: bool,
}

/// What is kept of a request for its line.
#[derive(Debug)]
pub(crate) struct Head {
    method: Method,
    target: Option<PathAndQuery>,
    id: Option<Box<Id>>,
}

#[derive(Debug)]
struct Id {
    header: HeaderName,
    value: HeaderValue,
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const CLOUD_TRACE: HeaderName = HeaderName::from_static("x-cloud-trace-context");
const EXECUTION: HeaderName = HeaderName::from_static("function-execution-id");

impl Head {
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        Self { method: method.clone(), target: uri.path_and_query().cloned(), id: Id::of(headers).map(Box::new) }
    }
}

impl Id {
    /// The headers that carry one, by precedence. Nearly always there is none, and names of another length tell it sooner
    /// than three look-ups.
    fn of(headers: &HeaderMap) -> Option<Self> {
        const LENGTHS: [usize; 2] = ["traceparent".len(), "x-cloud-trace-context".len()];
        if !headers.keys().any(|name| LENGTHS.contains(&name.as_str().len())) {
            return None;
        }
        let known = [TRACEPARENT, CLOUD_TRACE, EXECUTION];
        known.into_iter().find_map(|header| Some(Self { value: headers.get(&header)?.clone(), header }))
    }
}

impl Id {
    /// The id, unless it is nothing a log should hold.
    fn text(&self) -> Option<String> {
        let id = self.to_string();
        (!id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic())).then_some(id)
    }
}

/// The id itself: the trace id of a `traceparent` (`00-<trace>-<span>-<flags>`) or of a `TRACE/SPAN;o=1`.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.value.as_bytes());
        f.write_str(if self.header == TRACEPARENT {
            text.split('-').nth(1).unwrap_or(&text)
        } else if self.header == CLOUD_TRACE {
            text.split('/').next().unwrap_or(&text)
        } else {
            &text
        })
    }
}

/// What is known of a request once it is answered.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) head: &'a Head,
    pub(crate) function: &'a str,
    /// Whether the function takes events: to them a 4xx is an event lost, which an operator must see.
    pub(crate) events: bool,
    pub(crate) status: StatusCode,
    /// Whether the client left before it was answered.
    pub(crate) gone: bool,
    /// Why it failed; may have details that are nobody's business outside.
    pub(crate) cause: Option<&'a str>,
    pub(crate) started: Instant,
}

impl Log {
    pub(crate) fn write(self, entry: &Entry<'_>) {
        let failed = entry.status.is_server_error();
        let refused = entry.events && entry.status.is_client_error();
        if entry.gone {
            let error = entry.cause;
            tracing::debug!(function = entry.function, error, "the client went away before the request was complete");
            return;
        }
        if !self.access && !failed && !refused {
            return;
        }
        let Head { method, target, id } = entry.head;
        let request_id = id.as_ref().and_then(|id| id.text()).unwrap_or_else(fresh_id);
        // Whole microseconds: more digits are noise.
        let duration_ms = (entry.started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let path = target.as_ref().map_or("", PathAndQuery::path);
        let (status, function) = (entry.status.as_u16(), entry.function);
        let cause = entry.cause.map(tracing::field::display);
        macro_rules! line {
            ($level:ident, $message:literal) => {
                tracing::$level!(%method, path, status, duration_ms, function, request_id, error = cause, $message)
            };
        }
        if failed {
            line!(error, "request failed");
        } else if refused {
            line!(warn, "event refused");
        } else {
            line!(info, "request");
        }
    }
}

/// An id for a request that brought none: the time and a random part, in the form of a trace id.
fn fresh_id() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Seeded by the system's random source and different at every call: good enough to tell requests apart.
    let random = RandomState::new().hash_one(now.subsec_nanos());
    format!("{:016x}{random:016x}", now.as_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_taken_from_the_first_header_that_has_one() {
        let mut headers = HeaderMap::new();
        assert!(Id::of(&headers).is_none());
        assert_eq!(CLOUD_TRACE.as_str().len(), EXECUTION.as_str().len(), "two lengths tell all three");
        headers.insert("function-execution-id", HeaderValue::from_static("e1"));
        assert_eq!(Id::of(&headers).unwrap().to_string(), "e1");
        headers.insert("x-cloud-trace-context", HeaderValue::from_static("105445aa7843bc8bf206b120001000/1;o=1"));
        assert_eq!(Id::of(&headers).unwrap().to_string(), "105445aa7843bc8bf206b120001000");
        headers.insert("traceparent", HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert_eq!(Id::of(&headers).unwrap().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_ne!(fresh_id(), fresh_id());
        assert_eq!(fresh_id().len(), 32);
    }
}
