//! Calls of apps: the only one that is here is this process, under its own name and those of its functions.

use std::sync::Arc;

use ::http::{HeaderValue, Request, Response, header};
use bytes::Bytes;

use super::Local;
use crate::{
    error::BoxError,
    function::BoxFuture,
    sidecar::{Scope, SidecarCode, SidecarError},
};

/// Who answers calls, and how.
pub(crate) struct Apps {
    /// The names of the functions.
    pub(crate) functions: Vec<String>,
    pub(crate) serve: Serve,
}

/// Answers a request as the function's port would; an error is an answer that broke off.
pub(crate) type Serve = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, BoxError>> + Send + Sync>;

impl Local {
    /// Lets functions call each other as apps; the first that says who there is counts.
    pub(crate) fn serve_apps(&self, apps: impl FnOnce() -> Apps) {
        self.apps.get_or_init(apps);
    }

    pub(super) async fn call_app(
        &self,
        app: &str,
        mut request: Request<Bytes>,
        scope: &Scope,
    ) -> Result<Response<Bytes>, SidecarError> {
        let own = self.options.app.as_str();
        let apps = self.apps.get();
        let functions = apps.map_or(&[][..], |apps| &apps.functions);
        let Some(apps) = apps.filter(|_| app == own || functions.iter().any(|name| name == app)) else {
            let others = functions.iter().map(String::as_str).filter(|name| *name != own);
            let known = std::iter::once(own).chain(others).collect::<Vec<_>>().join(", ");
            let text = format!(
                "app {app:?} is not there: the local backend knows this program only ({known}). Run both beside Dapr sidecars"
            );
            // A sidecar says the same of an app that it does not find, which may come; here none will.
            return Err(SidecarError::new(SidecarCode::Unavailable, text).lasting());
        };
        let headers = request.headers_mut();
        for name in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
            headers.remove(name);
        }
        let trace = &scope.trace;
        for (name, value) in
            [("traceparent", &trace.traceparent), ("tracestate", &trace.tracestate), ("baggage", &trace.baggage)]
        {
            if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.entry(name).or_insert(value);
            }
        }
        let answer = (apps.serve)(request).await;
        answer.map_err(|error| {
            SidecarError::new(SidecarCode::Unavailable, format!("the answer of app {app:?} broke off")).caused_by(error)
        })
    }
}
