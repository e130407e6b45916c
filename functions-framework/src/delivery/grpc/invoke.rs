//! A call of another app, which over gRPC is a request in a message.

use ::http::{HeaderMap, Method, header::CONTENT_TYPE};
use axum::body::Body;
use bytes::Bytes;
use dapr::dapr::proto::common::v1::{InvokeRequest, InvokeResponse, http_extension::Verb};
use http_body_util::BodyExt as _;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use prost_types::Any;
use tonic::{Code, Status};

use crate::{
    function::body::{Request, RequestBody},
    server::routes::Routes,
};

/// What a path cannot hold as it is (RFC 3986 §3.3); a method may bring its own query.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'^')
    .add(b'|')
    .add(b'\\');

/// Calls the function whose route the method is, and answers what it answers.
pub(super) async fn invoke(
    routes: &Routes,
    headers: HeaderMap,
    message: InvokeRequest,
    max_body_size: usize,
) -> Result<InvokeResponse, Status> {
    let request = request(headers, message, max_body_size)?;
    let Ok(response) = routes.call(request, false).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| Status::internal(format!("the answer broke off: {error}")))?.to_bytes();
    if !parts.status.is_success() {
        return Err(Status::new(code(parts.status.as_u16()), String::from_utf8_lossy(&body)));
    }
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let data = Some(Any { type_url: String::new(), value: body.into() });
    Ok(InvokeResponse { data, content_type: content_type.to_owned() })
}

fn request(headers: HeaderMap, message: InvokeRequest, max_body_size: usize) -> Result<Request, Status> {
    let InvokeRequest { method, data, content_type, http_extension } = message;
    let (verb, query) = http_extension.map(|http| (http.verb(), http.querystring)).unwrap_or_default();
    let query = if query.is_empty() { query } else { format!("?{query}") };
    // daprd has undone the escapes of a URL.
    let path = utf8_percent_encode(method.trim_start_matches('/'), PATH);
    let uri = format!("/{path}{query}");
    let body = data.map(|data| Bytes::from(data.value)).unwrap_or_default();
    let mut request = ::http::Request::builder().method(verb_of(verb)).uri(&uri);
    if let Some(kept) = request.headers_mut() {
        kept.extend(headers);
        kept.remove(CONTENT_TYPE);
    }
    if !content_type.is_empty() {
        request = request.header(CONTENT_TYPE, content_type);
    }
    match request.body(Body::from(body)) {
        Ok(request) => Ok(Request::new(request, |body| RequestBody::new(body, max_body_size))),
        Err(error) => Err(Status::invalid_argument(format!("the method {uri:?} is no path: {error}"))),
    }
}

/// A call that says none is a POST, as for every gRPC call.
const fn verb_of(verb: Verb) -> Method {
    match verb {
        Verb::None | Verb::Post => Method::POST,
        Verb::Get => Method::GET,
        Verb::Head => Method::HEAD,
        Verb::Put => Method::PUT,
        Verb::Delete => Method::DELETE,
        Verb::Connect => Method::CONNECT,
        Verb::Options => Method::OPTIONS,
        Verb::Trace => Method::TRACE,
        Verb::Patch => Method::PATCH,
    }
}

/// The code that daprd turns into the same HTTP status again, as far as there is one.
const fn code(status: u16) -> Code {
    match status {
        400 | 415 | 422 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        409 => Code::AlreadyExists,
        413 | 429 => Code::ResourceExhausted,
        503 => Code::Unavailable,
        504 => Code::DeadlineExceeded,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use dapr::dapr::proto::common::v1::HttpExtension;

    use super::*;

    #[test]
    fn a_method_is_a_path_whatever_daprd_made_of_it() {
        let uri = |method: &str, query: &str| {
            let http_extension = Some(HttpExtension { verb: Verb::Get.into(), querystring: query.to_owned() });
            let message = InvokeRequest { method: method.to_owned(), http_extension, ..InvokeRequest::default() };
            request(HeaderMap::new(), message, 1).unwrap().uri().to_string()
        };
        assert_eq!(uri("echo/a b/é", "x=1&y=%20"), "/echo/a%20b/%C3%A9?x=1&y=%20");
        assert_eq!(uri("/100%", ""), "/100%25");
    }
}
