//! One line a request: always for a failure, for the others where somebody reads along.

use std::time::Instant;

use http::{Method, StatusCode, Uri, uri::PathAndQuery};

use crate::{
    current::{self, Current},
    telemetry::{ACCESS, says_invocation},
};

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
}

impl Head {
    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        Self { method: method.clone(), target: uri.path_and_query().cloned() }
    }

    /// Tells whether it is a HEAD, whose answer has no body.
    pub(crate) fn is_head(&self) -> bool {
        self.method == Method::HEAD
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
    /// Writes the line of an invocation.
    #[inline]
    pub(crate) fn write(self, current: &mut Option<Current>, entry: &Entry<'_>) {
        if self.concerns(entry) {
            current::during(current, || self.line(entry));
        }
    }

    fn concerns(self, entry: &Entry<'_>) -> bool {
        self.access || entry.gone || entry.status.is_server_error() || (entry.events && entry.status.is_client_error())
    }

    /// Writes a line within the invocation that runs here.
    #[cold]
    pub(crate) fn line(self, entry: &Entry<'_>) {
        if !self.concerns(entry) {
            return;
        }
        let failed = entry.status.is_server_error();
        let refused = entry.events && entry.status.is_client_error();
        if entry.gone {
            let error = entry.cause;
            tracing::debug!(target: ACCESS, function = entry.function, error, "the client went away before the request was complete");
            return;
        }
        let Head { method, target } = entry.head;
        let method = method.as_str();
        // Whole microseconds: more digits are noise.
        let duration_ms = (entry.started.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let path = target.as_ref().map_or("", PathAndQuery::path);
        let request_id = if says_invocation() { None } else { current::request_id() };
        let request_id = request_id.as_deref();
        let (status, function) = (entry.status.as_u16(), entry.function);
        let cause = entry.cause.map(tracing::field::display);
        macro_rules! line {
            // The message is a field by name: as a string it is written in a copy, as a format by a formatter.
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    target: ACCESS,
                    message = $message, method, path, status, duration_ms, function, request_id, error = cause
                )
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
