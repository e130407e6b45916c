//! Calls of other apps.
//!
//! They go through the HTTP API: it passes status, headers and body on as they are, for apps that speak HTTP and for those that
//! speak gRPC. The call of the gRPC API that would do it keeps 64 bytes of the body of a failure, and is about to be removed.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header, uri::PathAndQuery};
use serde::Deserialize;

use super::{Dapr, body::Outgoing, call::Answered, status::too_large_to_send};
use crate::sidecar::{Scope, SidecarCode, SidecarError, escaped};

impl Dapr {
    /// The path and the query of the request are those of the app.
    pub(super) async fn call_app(
        &self,
        app: &str,
        request: Request<Bytes>,
        scope: &Scope,
    ) -> Result<Response<Bytes>, SidecarError> {
        let (head, body) = request.into_parts();
        if body.len() > self.largest {
            return Err(too_large_to_send(body.len(), self.largest));
        }
        let called = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let path = format!("/v1.0/invoke/{}/method/{}", escaped(app), called.trim_start_matches('/'));
        let path: PathAndQuery = path
            .parse()
            .map_err(|error| SidecarError::new(SidecarCode::InvalidArgument, format!("{path} is no path")).caused_by(error))?;
        let mut headers = head.headers;
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
            headers.remove(name);
        }
        // It would win over the app in the path.
        headers.remove("dapr-app-id");
        let answered = self
            .exchange(&self.http, head.method.is_idempotent(), scope, || {
                let mut request = self.request(&self.http, head.method.clone(), path.clone(), scope);
                let signed = std::mem::replace(request.headers_mut(), headers.clone());
                request.headers_mut().extend(signed);
                request.map(|()| Outgoing::Whole(Some(body.clone())))
            })
            .await?;
        let Answered { status, headers, body, .. } = answered;
        if let Some(error) = said_by_the_sidecar(status, &body) {
            return Err(error);
        }
        let mut response = Response::new(body);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}

/// What the sidecar answers itself when it does not reach the app.
fn said_by_the_sidecar(status: StatusCode, body: &[u8]) -> Option<SidecarError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Said {
        error_code: String,
        message: String,
    }
    if status == StatusCode::UNAUTHORIZED && body.trim_ascii() == b"invalid api token" {
        return Some(SidecarError::new(SidecarCode::Unauthenticated, "invalid api token (DAPR_API_TOKEN)"));
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let said: Said = serde_json::from_slice(body).ok()?;
    let code = match status {
        _ if said.error_code != "ERR_DIRECT_INVOKE" => return None,
        StatusCode::FORBIDDEN => SidecarCode::PermissionDenied,
        StatusCode::NOT_FOUND => SidecarCode::NotFound,
        _ => SidecarCode::Unavailable,
    };
    Some(SidecarError::new(code, said.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sidecar_is_told_from_the_app() {
        let said = |status: u16, body: &str| said_by_the_sidecar(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let error = said(500, r#"{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: x"}"#).unwrap();
        assert_eq!((error.code(), error.message()), (SidecarCode::Unavailable, "failed to invoke, id: x"));
        assert_eq!(said(401, "invalid api token\n").unwrap().code(), SidecarCode::Unauthenticated);
        for (status, body) in [(500, "oops"), (500, r#"{"errorCode":"MINE","message":""}"#), (401, "who?"), (200, "{}")] {
            assert!(said(status, body).is_none(), "{status} {body}");
        }
    }
}
