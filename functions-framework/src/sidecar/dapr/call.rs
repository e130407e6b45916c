//! One call of a sidecar: its headers, its deadline, and a second try where that can do no harm.

use std::{
    error::Error as StdError,
    time::{Duration, Instant},
};

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header::CONTENT_TYPE, uri::PathAndQuery};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use prost::Message;
use tokio::time::timeout_at;
use tonic::{Code, Status};

use super::{
    Dapr,
    body::{Framed, Outgoing},
    link::{Link, Sender},
    status,
};
use crate::{
    error::{BoxError, has_cause},
    sidecar::{Scope, SidecarCode, SidecarError, Trace},
};

/// A message may be as much larger than its payload: names, metadata, and what encodes them.
const ENVELOPE: usize = 64 << 10;

/// The length before a message, and a byte that says whether it is compressed.
const PREFIX: usize = 5;

/// A method of the gRPC API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rpc {
    path: &'static str,
    /// May be done twice: after a connection broke it is not known whether it was done.
    repeatable: bool,
}

impl Rpc {
    pub(super) const fn once(path: &'static str) -> Self {
        Self { path, repeatable: false }
    }

    pub(super) const fn repeatable(path: &'static str) -> Self {
        Self { path, repeatable: true }
    }
}

/// What came back, complete.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    trailers: Option<HeaderMap>,
}

/// Why nothing came back, or not all of it.
struct Broken {
    error: SidecarError,
    /// The other side has not begun with it.
    untouched: bool,
    /// Another connection may do better.
    connection: bool,
}

impl Dapr {
    /// Calls a method of the gRPC API. `payload` is the field of this number, which `message` leaves empty.
    pub(super) async fn rpc<A: Message + Default>(
        &self,
        rpc: Rpc,
        message: &impl Message,
        payload: Option<(u32, Bytes)>,
        scope: &Scope,
    ) -> Result<A, SidecarError> {
        let size = payload.as_ref().map_or_else(|| message.encoded_len(), |(_, bytes)| bytes.len());
        let too_large = || status::too_large_to_send(size, self.largest);
        // Without a payload of its own the message is envelope and contents.
        let limit = if payload.is_some() { self.largest } else { self.largest.saturating_add(ENVELOPE) };
        let framed = Framed::new(message, payload).filter(|_| size <= limit).ok_or_else(too_large)?;
        let answered = self
            .exchange(&self.grpc, rpc.repeatable, scope, || {
                let mut request = self.request(&self.grpc, Method::POST, PathAndQuery::from_static(rpc.path), scope);
                let headers = request.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
                headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
                if let Some(deadline) = scope.deadline {
                    headers.insert("grpc-timeout", grpc_timeout_until(deadline));
                }
                request.map(|()| Outgoing::Grpc(framed.clone()))
            })
            .await?;
        self.read(answered)
    }

    /// A request with what every call carries, and nothing else: a sidecar gives all of it to the component.
    pub(super) fn request(&self, link: &Link, method: Method, path: PathAndQuery, scope: &Scope) -> Request<()> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(link.scheme.clone());
        uri.authority = Some(link.authority.clone());
        uri.path_and_query = Some(path);
        let mut request = Request::new(());
        *request.method_mut() = method;
        // All three parts are there.
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        self.sign(request.headers_mut(), &scope.trace);
        request
    }

    /// Adds the token and the trace.
    pub(super) fn sign(&self, headers: &mut HeaderMap, trace: &Trace) {
        if let Some(token) = &self.token {
            headers.insert(HeaderName::from_static("dapr-api-token"), token.clone());
        }
        let Trace { traceparent, tracestate, baggage, others } = trace;
        let w3c = [("traceparent", traceparent), ("tracestate", tracestate), ("baggage", baggage)];
        let w3c = w3c.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        for (name, value) in w3c.chain(others.iter().map(|(name, value)| (*name, value))) {
            // A trace that no header can hold is no reason not to send what it belongs to.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }

    /// Sends a request and takes the whole answer. When the connection broke it does so once more, on a new one, if the other
    /// side has not begun or if doing it twice is no harm.
    pub(super) async fn exchange(
        &self,
        link: &Link,
        repeatable: bool,
        scope: &Scope,
        request: impl Fn() -> Request<Outgoing>,
    ) -> Result<Answered, SidecarError> {
        let mut tries = 2;
        loop {
            tries -= 1;
            if scope.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                let text = "the invocation has no time left (FUNCTION_TIMEOUT)";
                return Err(SidecarError::new(SidecarCode::DeadlineExceeded, text));
            }
            let sender = link.sender(scope.deadline).await?;
            let going = self.send(sender, request());
            let broken = match scope.deadline {
                None => going.await,
                Some(deadline) => timeout_at(deadline.into(), going).await.unwrap_or_else(|_| {
                    let text =
                        format!("no answer from the Dapr sidecar at {} before the invocation's time was up", link.endpoint);
                    let error = SidecarError::new(SidecarCode::DeadlineExceeded, text);
                    Err(Broken { error, untouched: false, connection: false })
                }),
            };
            let broken = match broken {
                Ok(answered) => return Ok(answered),
                Err(broken) => broken,
            };
            if tries == 0 || !broken.connection || !(repeatable || broken.untouched) {
                return Err(broken.error);
            }
            tracing::debug!(error = %broken.error, "a call of the Dapr sidecar is tried again");
        }
    }

    async fn send(&self, mut sender: Sender, request: Request<Outgoing>) -> Result<Answered, Broken> {
        let response = sender.try_send_request(request).await.map_err(|failed| {
            let unsent = failed.message().is_some();
            self.broken(Box::new(failed.into_error()), unsent)
        })?;
        let (head, body) = response.into_parts();
        let limit = self.largest.saturating_add(ENVELOPE);
        let body = Limited::new(body, limit).collect().await.map_err(|error| self.broken(error, false))?;
        let trailers = body.trailers().cloned();
        Ok(Answered { status: head.status, headers: head.headers, body: body.to_bytes(), trailers })
    }

    fn broken(&self, error: BoxError, unsent: bool) -> Broken {
        if has_cause::<LengthLimitError>(&*error) {
            return Broken { error: status::too_large_to_take(self.largest), untouched: false, connection: false };
        }
        let untouched = unsent || status::is_untouched(&*error as &(dyn StdError + 'static));
        let text = "the connection to the Dapr sidecar broke before the answer was there";
        let error = SidecarError::new(SidecarCode::Unavailable, text).caused_by(error);
        Broken { error, untouched, connection: true }
    }

    /// Reads the one message of an answer, or the status that stands for it.
    fn read<A: Message + Default>(&self, answered: Answered) -> Result<A, SidecarError> {
        let Answered { status, headers, mut body, trailers } = answered;
        // Nearly always it is this one, which need not be taken apart.
        if trailers.as_ref().and_then(|trailers| trailers.get(GRPC_STATUS)).is_none_or(|said| said != "0") {
            let said = trailers.as_ref().and_then(Status::from_header_map).or_else(|| Status::from_header_map(&headers));
            match said {
                Some(said) if said.code() == Code::Ok => {}
                Some(said) => return Err(status::refused(&said)),
                None => return Err(self.no_grpc(status, &headers)),
            }
        }
        let garbage = |what: &str| {
            let text = format!("the answer of the Dapr sidecar at {} is no message: {what}", self.grpc.endpoint);
            SidecarError::new(SidecarCode::Internal, text)
        };
        if body.len() < PREFIX {
            return Err(garbage("it is too short"));
        }
        let compressed = body.get_u8() != 0;
        if compressed {
            return Err(garbage("it is compressed, which was not asked for"));
        }
        if body.get_u32() as usize != body.len() {
            return Err(garbage("its length is not the one it says"));
        }
        A::decode(body).map_err(|error| garbage("it does not decode").caused_by(error))
    }

    /// Whatever answered, it was not the gRPC API.
    fn no_grpc(&self, status: StatusCode, headers: &HeaderMap) -> SidecarError {
        let code = match status.as_u16() {
            401 => SidecarCode::Unauthenticated,
            403 => SidecarCode::PermissionDenied,
            404 => SidecarCode::Unimplemented,
            429 | 502..=504 => SidecarCode::Unavailable,
            _ => SidecarCode::Unknown,
        };
        let content_type = headers.get(CONTENT_TYPE).map_or("no content type", |value| value.to_str().unwrap_or("?"));
        let endpoint = &self.grpc.endpoint;
        let text = if status == StatusCode::OK && content_type.starts_with("application/grpc") {
            format!("the answer of the Dapr sidecar at {endpoint} ended without a status")
        } else {
            format!("what answers at {endpoint} is not the gRPC API of a Dapr sidecar: {status}, {content_type}")
        };
        SidecarError::new(code, text)
    }
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// What is left of the invocation's time, as gRPC says it.
pub(super) fn grpc_timeout_until(deadline: Instant) -> HeaderValue {
    grpc_timeout(deadline.saturating_duration_since(Instant::now()))
}

/// At most eight digits and a unit.
fn grpc_timeout(left: Duration) -> HeaderValue {
    let millis = left.as_millis().max(1);
    let text = if millis < 100_000_000 { format!("{millis}m") } else { format!("{}S", left.as_secs().min(99_999_999)) };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("1S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_at_most_eight_digits() {
        let text = |left| grpc_timeout(left).to_str().unwrap().to_owned();
        assert_eq!(text(Duration::from_micros(1)), "1m");
        assert_eq!(text(Duration::from_secs(300)), "300000m");
        assert_eq!(text(Duration::from_secs(100_000)), "100000S");
        assert_eq!(text(Duration::from_secs(1 << 40)), "99999999S");
    }
}
