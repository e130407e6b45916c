//! Calls of other apps.

use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header::CONTENT_TYPE};
use bytes::Bytes;

use super::{IntoPayload, failed, outside::no_sidecar};
use crate::{
    error::Error,
    sidecar::{Scope, Sidecar, SidecarCode, SidecarError, escaped},
};

/// Calls a method of another app; made by [`Context::invoke`](super::Context::invoke).
///
/// ```
/// # use functions_framework::{Context, Error, Result, http::Method};
/// async fn ship(ctx: Context, order: String) -> Result<()> {
///     let answer = ctx.invoke("shipping", "orders/7").verb(Method::PUT).query("express", "true").send(order).await?;
///     if answer.status() == 409 {
///         return Err(Error::new("already shipped").drop_event());
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is called until `send` or `call` is called and awaited"]
pub struct AppCall {
    app: String,
    /// With its query.
    path: String,
    verb: Option<Method>,
    headers: HeaderMap,
    /// What was given that cannot be sent.
    invalid: Option<String>,
    /// None where there is no sidecar.
    sidecar: Option<Arc<dyn Sidecar>>,
    scope: Scope,
}

impl AppCall {
    pub(super) fn new(app: &str, method: &str, sidecar: Option<Arc<dyn Sidecar>>, scope: Scope) -> Self {
        let path = format!("/{}", method.trim_start_matches('/'));
        Self { app: app.to_owned(), path, verb: None, headers: HeaderMap::new(), invalid: None, sidecar, scope }
    }

    /// Chooses the verb; by default POST with a payload, and GET without.
    pub fn verb(mut self, verb: Method) -> Self {
        self.verb = Some(verb);
        self
    }

    /// Adds a parameter to the query; characters that a query cannot hold are encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path += &escaped(name);
        self.path.push('=');
        self.path += &escaped(value);
        self
    }

    /// Adds a header.
    ///
    /// A name or value that HTTP does not allow fails the call with an error that names it.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_ref())) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            (Err(_), _) => self.invalid = Some(format!("{name:?} is no header name")),
            (_, Err(_)) => self.invalid = Some(format!("the value of header {name:?} has bytes a header cannot hold")),
        }
        self
    }

    /// Calls it with a payload, and returns the answer whatever its status is.
    ///
    /// Text and bytes are sent as they are, a reference as JSON; a header `content-type` says otherwise.
    ///
    /// # Errors
    /// A payload that is no JSON, a method that is no path, an app that cannot be reached. What the app answers is no error.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// #[derive(serde::Serialize)]
    /// struct Order { id: u32 }
    ///
    /// async fn ship(ctx: Context) -> Result<bool> {
    ///     Ok(ctx.invoke("shipping", "orders").send(&Order { id: 7 }).await?.status().is_success())
    /// }
    /// ```
    pub async fn send(mut self, payload: impl IntoPayload) -> Result<Response<Bytes>, Error> {
        let what = self.described();
        let (payload, content_type) = payload.into_payload().map_err(|error| error.context(format!("while {what}")))?;
        let content_type = HeaderValue::from_str(content_type).ok();
        if let (Some(content_type), false) = (content_type, self.headers.contains_key(CONTENT_TYPE)) {
            self.headers.insert(CONTENT_TYPE, content_type);
        }
        self.answer(Method::POST, payload).await
    }

    /// Calls it without a payload, and returns the answer whatever its status is.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn price(ctx: Context) -> Result<u32> {
    ///     let answer = ctx.invoke("shop", "price").query("item", "7").call().await?;
    ///     Ok(serde_json::from_slice(answer.body())?)
    /// }
    /// ```
    pub async fn call(self) -> Result<Response<Bytes>, Error> {
        self.answer(Method::GET, Bytes::new()).await
    }

    async fn answer(self, verb: Method, payload: Bytes) -> Result<Response<Bytes>, Error> {
        let what = self.described();
        let Self { app, path, verb: chosen, headers, invalid, sidecar, scope } = self;
        let request = match invalid {
            Some(text) => Err(text),
            None => Request::builder()
                .method(chosen.unwrap_or(verb))
                .uri(path.as_str())
                .body(payload)
                .map_err(|error| format!("`{path}` is no path of a request: {error}")),
        };
        let mut request = request.map_err(|text| failed(SidecarError::new(SidecarCode::InvalidArgument, text), &what))?;
        *request.headers_mut() = headers;
        sidecar.ok_or_else(no_sidecar)?.invoke(&app, request, scope).await.map_err(|error| failed(error, &what))
    }

    fn described(&self) -> String {
        format!("calling `{}` of app `{}`", self.path.split('?').next().unwrap_or_default(), self.app)
    }
}
