//! The routes that probes ask.

use axum::{body::Body, response::Response};
use http::{Method, StatusCode};

/// The paths that are answered, and the truth about them.
#[derive(Debug)]
pub(crate) struct Health {
    readiness: Vec<&'static str>,
    liveness: Vec<&'static str>,
}

const READINESS: [&str; 2] = ["/health/readiness", "/readyz"];
const LIVENESS: [&str; 2] = ["/health/liveness", "/healthz"];

impl Health {
    pub(crate) const fn off() -> Self {
        Self { readiness: Vec::new(), liveness: Vec::new() }
    }

    /// Answers all of the routes but those that a function has taken for itself.
    pub(crate) fn on(taken: &[&str]) -> Self {
        let free = |paths: [&'static str; 2]| paths.into_iter().filter(|path| !taken.contains(path)).collect();
        Self { readiness: free(READINESS), liveness: free(LIVENESS) }
    }

    /// Answers a probe; a process that drains is alive and not ready.
    pub(crate) fn answer(&self, method: &Method, path: &str, leaving: bool) -> Option<Response> {
        // Nearly every path is told apart here already.
        if !(path.starts_with("/health") || path == "/readyz") || !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let status = if self.liveness.contains(&path) || (self.readiness.contains(&path) && !leaving) {
            StatusCode::OK
        } else if self.readiness.contains(&path) {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            return None;
        };
        let mut response = Response::new(Body::from(if status == StatusCode::OK { "ok\n" } else { "draining\n" }));
        *response.status_mut() = status;
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(health: &Health, path: &str, leaving: bool) -> Option<u16> {
        health.answer(&Method::GET, path, leaving).map(|response| response.status().as_u16())
    }

    #[test]
    fn a_drain_is_alive_and_not_ready() {
        let health = Health::on(&["/healthz"]);
        assert_eq!(status(&health, "/readyz", false), Some(200));
        assert_eq!(status(&health, "/readyz", true), Some(503));
        assert_eq!(status(&health, "/health/readiness", true), Some(503));
        assert_eq!(status(&health, "/health/liveness", true), Some(200));
        assert_eq!(status(&health, "/healthz", false), None, "the function has it");
        assert_eq!(status(&health, "/health/other", false), None);
        assert_eq!(status(&Health::off(), "/readyz", false), None);
        assert!(health.answer(&Method::POST, "/readyz", false).is_none());
    }
}
