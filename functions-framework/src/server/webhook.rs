//! The abuse protection of CloudEvents webhooks: a sender asks with OPTIONS before it delivers.
//!
//! It is off unless origins are allowed by name, and the callback of the request is never called: that would let anyone
//! make this process send requests.

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, Method, header::ALLOW};

use crate::function::body::Request;

const REQUEST_ORIGIN: &str = "webhook-request-origin";
const REQUEST_RATE: &str = "webhook-request-rate";
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// Answers a handshake from an allowed origin; any other request is none of it.
pub(crate) fn handshake(request: &Request, allowed: &[String]) -> Option<Response> {
    if allowed.is_empty() || request.method() != Method::OPTIONS {
        return None;
    }
    let origin = request.headers().get(REQUEST_ORIGIN)?;
    let is_allowed = allowed.iter().any(|one| one == "*" || origin.as_bytes().eq_ignore_ascii_case(one.as_bytes()));
    if !is_allowed {
        return None;
    }
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static("POST"));
    headers.insert(ALLOWED_ORIGIN, origin.clone());
    if request.headers().contains_key(REQUEST_RATE) {
        headers.insert(ALLOWED_RATE, HeaderValue::from_static("*"));
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::body::RequestBody;

    fn ask(method: Method, origin: &'static str, allowed: &[&str]) -> Option<Response> {
        let request = http::Request::builder().method(method).header(REQUEST_ORIGIN, origin).header(REQUEST_RATE, "120");
        let request = Request::new(request.body(Body::empty()).unwrap(), |body| RequestBody::new(body, 0));
        handshake(&request, &allowed.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn only_an_allowed_origin_is_answered() {
        assert!(ask(Method::OPTIONS, "a.example", &[]).is_none());
        assert!(ask(Method::OPTIONS, "a.example", &["b.example"]).is_none());
        assert!(ask(Method::POST, "a.example", &["*"]).is_none());
        let response = ask(Method::OPTIONS, "A.example", &["a.example"]).unwrap();
        assert_eq!(response.headers()[ALLOWED_ORIGIN], "A.example");
        assert_eq!(response.headers()[ALLOWED_RATE], "*");
        assert_eq!(response.headers()[ALLOW], "POST");
    }
}
