//! `bindings.http`: calls of other servers.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{ACCEPT, CONTENT_TYPE},
};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};

use super::duration;
use crate::{
    error::{BoxError, has_cause},
    sidecar::{Metadata, Reply, SidecarCode, SidecarError, Trace},
};

#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;
#[cfg(feature = "tls")]
use super::dial::Connector;

/// What all bindings of this kind share: connections that are kept.
#[derive(Clone)]
pub(super) struct Client(Pool<Connector, Full<Bytes>>);

/// Where one binding leads.
#[derive(Debug, Clone)]
pub(super) struct Target {
    url: String,
    token: Option<(HeaderName, HeaderValue)>,
    timeout: Option<Duration>,
    error_if_not_2xx: bool,
    largest: usize,
}

/// What a call came to: an answer, which may be no success.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) reply: Reply,
    pub(super) failed: Option<SidecarError>,
}

/// The largest answer, unless the component says otherwise.
const LARGEST: usize = 100 << 20;

/// What is sent when the caller does not say otherwise, as by Dapr.
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

impl Target {
    /// Reads the metadata of a component.
    pub(super) fn parse(metadata: impl Fn(&str) -> Result<Option<String>, String>) -> Result<Self, String> {
        let url = metadata("url")?.ok_or("url is missing")?;
        check_url(&url).map_err(|error| format!("url: {}", error.message()))?;
        let token = match (metadata("securityToken")?, metadata("securityTokenHeader")?) {
            (Some(value), Some(name)) => {
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| format!("securityTokenHeader: {name:?} is no header name"))?;
                let mut value =
                    HeaderValue::from_str(&value).map_err(|_| "securityToken: a header cannot hold it".to_owned())?;
                value.set_sensitive(true);
                Some((name, value))
            }
            _ => None,
        };
        let timeout = metadata("responseTimeout")?.map(|text| duration::parse(&text)).transpose();
        let timeout = timeout.map_err(|why| format!("responseTimeout: {why}"))?;
        let largest = metadata("maxResponseBodySize")?.map(|text| bytes(&text).ok_or(text)).transpose();
        let largest =
            largest.map_err(|text| format!("maxResponseBodySize: {text:?}: expected bytes, or a number with Ki, Mi or Gi"))?;
        Ok(Self {
            url,
            token,
            timeout: timeout.filter(|timeout| !timeout.is_zero()),
            error_if_not_2xx: metadata("errorIfNot2XX")?.is_none_or(|text| is_true(&text)),
            largest: largest.unwrap_or(LARGEST),
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Client {
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(15)));
        connector.set_nodelay(true);
        #[cfg(feature = "tls")]
        let connector = Connector::new(connector);
        Self(Pool::builder(TokioExecutor::new()).build(connector))
    }

    /// Makes one call. It ends as an error when there is no answer; an answer that is no success is told apart.
    pub(super) async fn call(
        &self,
        target: &Target,
        operation: &str,
        data: Bytes,
        metadata: &Metadata,
        trace: &Trace,
    ) -> Result<Answered, SidecarError> {
        let request = request(target, operation, data, metadata, trace)?;
        let error_if_not_2xx = match metadata.get("errorIfNot2XX").filter(|text| !text.is_empty()) {
            Some(text) => is_true(text),
            None => target.error_if_not_2xx,
        };
        let call = async {
            let response = self.0.request(request).await.map_err(|error| unreachable(target, error.into()))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, target.largest).collect().await.map_err(|error| broken(target, error))?;
            Ok((head, body.to_bytes()))
        };
        let (head, data) = match target.timeout {
            None => call.await,
            Some(limit) => tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
                let text = format!("{} did not answer within {limit:?} (responseTimeout)", target.url);
                Err(SidecarError::new(SidecarCode::DeadlineExceeded, text))
            }),
        }?;
        let status = head.status;
        let failed = (error_if_not_2xx && !status.is_success())
            .then(|| SidecarError::new(SidecarCode::Internal, format!("{} answered {status}", target.url)));
        let mut metadata = told(&head.headers);
        metadata.insert("statusCode".to_owned(), status.as_u16().to_string());
        metadata.insert("status".to_owned(), status.to_string());
        Ok(Answered { reply: Reply { data, metadata }, failed })
    }
}

/// Makes the request of a call: the operation is its method, `path` comes after the URL, names that begin with a capital
/// are its headers.
fn request(
    target: &Target,
    operation: &str,
    data: Bytes,
    metadata: &Metadata,
    trace: &Trace,
) -> Result<Request<Full<Bytes>>, SidecarError> {
    let invalid = |text: String| SidecarError::new(SidecarCode::InvalidArgument, text);
    let (method, has_body) = match operation.to_ascii_uppercase().as_str() {
        "CREATE" | "POST" => (Method::POST, true),
        "PUT" => (Method::PUT, true),
        "PATCH" => (Method::PATCH, true),
        "GET" => (Method::GET, false),
        "HEAD" => (Method::HEAD, false),
        "DELETE" => (Method::DELETE, false),
        "OPTIONS" => (Method::OPTIONS, false),
        "TRACE" => (Method::TRACE, false),
        _ => {
            let known = "create, get, head, post, put, patch, delete, options and trace";
            return Err(invalid(format!("bindings.http knows {known}, not {operation:?}")));
        }
    };
    let uri = match metadata.get("path").filter(|path| !path.is_empty()) {
        None => check_url(&target.url)?,
        Some(path) => check_url(&format!("{}/{}", target.url.trim_end_matches('/'), path.trim_start_matches('/')))?,
    };
    let mut headers = HeaderMap::new();
    if has_body {
        headers.insert(CONTENT_TYPE, JSON);
    }
    headers.insert(ACCEPT, JSON);
    if let Some((name, value)) = &target.token {
        headers.insert(name.clone(), value.clone());
    }
    for (name, value) in metadata.iter().filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_uppercase())) {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        let (name, value) = parsed.ok_or_else(|| invalid(format!("metadata {name}: a header cannot hold it")))?;
        headers.insert(name, value);
    }
    for (name, value) in [("traceparent", &trace.traceparent), ("tracestate", &trace.tracestate), ("baggage", &trace.baggage)] {
        let given = metadata.get(name).map(String::as_str).or(value.as_deref()).filter(|value| !value.is_empty());
        if let Some(value) = given.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    let mut request = Request::new(Full::new(if has_body { data } else { Bytes::new() }));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

fn check_url(url: &str) -> Result<Uri, SidecarError> {
    let wrong = |code, why: &str| SidecarError::new(code, format!("{url:?}: {why}"));
    let uri: Uri =
        url.parse().map_err(|error: http::uri::InvalidUri| wrong(SidecarCode::InvalidArgument, &error.to_string()))?;
    match uri.scheme_str() {
        Some("https") if cfg!(not(feature = "tls")) => Err(wrong(
            SidecarCode::FailedPrecondition,
            "https needs the feature `tls` of functions-framework, which this program was built without",
        )),
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(wrong(SidecarCode::InvalidArgument, "expected a URL such as http://localhost:8080/path")),
    }
}

/// The headers of an answer, with their names in Dapr's spelling.
fn told(headers: &HeaderMap) -> Metadata {
    let mut metadata = Metadata::new();
    for name in headers.keys() {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        metadata.insert(capitalized(name.as_str()), values.join(", "));
    }
    metadata
}

/// `Content-Type` for `content-type`.
fn capitalized(name: &str) -> String {
    let part = |part: &str| part.get(..1).map(|first| first.to_ascii_uppercase() + &part[1..]).unwrap_or_default();
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

fn unreachable(target: &Target, error: BoxError) -> SidecarError {
    SidecarError::new(SidecarCode::Unavailable, format!("{} cannot be called", target.url)).caused_by(error)
}

fn broken(target: &Target, error: BoxError) -> SidecarError {
    if has_cause::<LengthLimitError>(&*error) {
        let text = format!("the answer of {} has more than {} bytes (maxResponseBodySize)", target.url, target.largest);
        return SidecarError::new(SidecarCode::ResourceExhausted, text);
    }
    SidecarError::new(SidecarCode::Unavailable, format!("the answer of {} broke off", target.url)).caused_by(error)
}

/// What a component takes for a yes.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "y" | "yes" | "true" | "t" | "on" | "1")
}

/// A number of bytes as Kubernetes writes it; nothing or less is no limit.
fn bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let number: i64 = text[..digits].parse().ok()?;
    let unit: i64 = match &text[digits..] {
        "" => 1,
        "k" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    let bytes = number.checked_mul(unit)?;
    Some(if bytes <= 0 { usize::MAX } else { usize::try_from(bytes).ok()? })
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::Body,
        extract::Request as Incoming,
        response::{AppendHeaders, IntoResponse as _},
        routing::any,
    };

    use super::*;

    fn target(metadata: &[(&str, &str)]) -> Result<Target, String> {
        Target::parse(|name| Ok(metadata.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())))
    }

    /// Serves an echo of the request: method, path, headers and body, as text.
    async fn server() -> String {
        let echo = |request: Incoming| async {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            if head.uri.path() == "/never" {
                std::future::pending::<()>().await;
            }
            let status = if head.uri.path() == "/missing" { 404 } else { 200 };
            let text = format!("{} {}\n{:?}\n{}", head.method, head.uri, head.headers, String::from_utf8_lossy(&body));
            let status = http::StatusCode::from_u16(status).unwrap();
            (status, AppendHeaders([("x-two-words", "a"), ("x-two-words", "b")]), Body::from(text)).into_response()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(echo))).await });
        url
    }

    async fn call(target: &Target, operation: &str, metadata: &[(&str, &str)]) -> Result<Answered, SidecarError> {
        let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let trace = Trace { traceparent: Some("00-1-2-01".into()), ..Trace::default() };
        Client::new().call(target, operation, Bytes::from("hello"), &metadata, &trace).await
    }

    fn text(answered: &Answered) -> String {
        String::from_utf8_lossy(&answered.reply.data).into_owned()
    }

    #[tokio::test]
    async fn operations_are_methods_and_metadata_is_path_and_headers() {
        let target = target(&[
            ("url", &format!("{}/base/", server().await)),
            ("securityToken", "t"),
            ("securityTokenHeader", "X-Token"),
        ]);
        let target = target.unwrap();
        let posted = call(&target, "create", &[("path", "/a?b=1"), ("X-Own", "mine"), ("lower", "no"), ("Accept", "x/y")])
            .await
            .unwrap();
        let echo = text(&posted);
        assert!(echo.starts_with("POST /base/a?b=1\n") && echo.ends_with("\nhello"), "{echo}");
        for header in [
            "\"x-own\": \"mine\"",
            "\"content-type\": \"application/json; charset=utf-8\"",
            "\"accept\": \"x/y\"",
            "\"traceparent\": \"00-1-2-01\"",
        ] {
            assert!(echo.contains(header), "{header}: {echo}");
        }
        assert!(echo.contains("x-token") && !echo.contains("lower"), "{echo}");
        let got = call(&target, "get", &[]).await.unwrap();
        assert!(text(&got).starts_with("GET /base/\n") && text(&got).ends_with('\n'), "{}", text(&got));
        let metadata = &got.reply.metadata;
        assert_eq!((metadata["statusCode"].as_str(), metadata["status"].as_str()), ("200", "200 OK"));
        assert_eq!(metadata["X-Two-Words"], "a, b");
        let wrong = call(&target, "list", &[]).await.unwrap_err();
        assert_eq!(wrong.code(), SidecarCode::InvalidArgument);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_success_is_an_error_unless_that_is_wanted() {
        let url = server().await;
        let strict = target(&[("url", &url)]).unwrap();
        let missing = call(&strict, "get", &[("path", "missing")]).await.unwrap();
        assert!(missing.failed.unwrap().message().contains("answered 404 Not Found"));
        assert_eq!(missing.reply.metadata["statusCode"], "404");
        assert!(call(&strict, "get", &[("path", "missing"), ("errorIfNot2XX", "false")]).await.unwrap().failed.is_none());
        let lenient = target(&[("url", &url), ("errorIfNot2XX", "false")]).unwrap();
        assert!(call(&lenient, "get", &[("path", "missing")]).await.unwrap().failed.is_none());
        assert!(call(&lenient, "get", &[("path", "missing"), ("errorIfNot2XX", "true")]).await.unwrap().failed.is_some());
    }

    #[tokio::test]
    async fn limits_of_time_and_size_hold() {
        let url = server().await;
        let short = target(&[("url", &url), ("responseTimeout", "50ms"), ("maxResponseBodySize", "10")]).unwrap();
        assert_eq!(call(&short, "get", &[("path", "never")]).await.unwrap_err().code(), SidecarCode::DeadlineExceeded);
        let large = call(&target(&[("url", &url), ("maxResponseBodySize", "10")]).unwrap(), "get", &[]).await.unwrap_err();
        assert!(large.code() == SidecarCode::ResourceExhausted && large.message().contains("more than 10 bytes"), "{large}");
        let nobody = target(&[("url", "http://127.0.0.1:1")]).unwrap();
        assert_eq!(call(&nobody, "get", &[]).await.unwrap_err().code(), SidecarCode::Unavailable);
    }

    #[test]
    fn a_component_that_is_wrong_is_told() {
        for (metadata, expected) in [
            (&[][..], "url is missing"),
            #[cfg(not(feature = "tls"))]
            (&[("url", "https://example.com")], "needs the feature `tls`"),
            (&[("url", "ftp://example.com")], "expected a URL"),
            (&[("url", "/path")], "expected a URL"),
            (&[("url", "http://h"), ("responseTimeout", "x")], "responseTimeout"),
            (&[("url", "http://h"), ("maxResponseBodySize", "1 KiB")], "maxResponseBodySize"),
            (&[("url", "http://h"), ("securityToken", "t"), ("securityTokenHeader", "a b")], "securityTokenHeader"),
        ] {
            let error = target(metadata).unwrap_err();
            assert!(error.contains(expected), "{metadata:?}: {error}");
        }
        assert_eq!(
            [bytes("5"), bytes("2Ki"), bytes("0"), bytes("-1"), bytes("x")],
            [Some(5), Some(2048), Some(usize::MAX), Some(usize::MAX), None]
        );
    }
}
