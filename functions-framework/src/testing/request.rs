//! Requests to a function, and what it answers.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::OnceCell;

use super::{NAME, Registered};
use crate::{
    function::{self, Function, Options, body::RequestBody, classify::Registration},
    hooks::register::{IntoHook, Registered as RegisteredHook},
    manifest::source::Declaration,
    server::Server,
    settings::Settings,
    startup,
    telemetry::Traces,
};

/// An HTTP function that can be tested: what `#[function]` made, or an axum handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be tested as an HTTP function",
    label = "not an HTTP function",
    note = "pass what `#[function]` made, with braces: `testing::http(hello {{}})`, or an axum handler without `State`"
)]
pub trait HttpTest<M> {
    /// Describes the function.
    fn into_function(self) -> Function;
}

#[diagnostic::do_not_recommend]
impl<R: Registration> HttpTest<Registered> for R {
    fn into_function(self) -> Function {
        R::function()
    }
}

#[diagnostic::do_not_recommend]
impl<H: axum::handler::Handler<M, ()>, M: 'static> HttpTest<(M,)> for H {
    fn into_function(self) -> Function {
        crate::function::http::from_axum(Options::new(NAME), self)
    }
}

/// Sends requests to a function; made by [`http()`](super::http()). `init` runs at the first of them, and all see the same state.
#[derive(Clone)]
#[must_use = "nothing is called until a request is sent"]
pub struct Http {
    /// Taken at the first request.
    function: Arc<Mutex<Option<Function>>>,
    hooks: Arc<Mutex<Vec<RegisteredHook>>>,
    settings: Settings,
    server: Arc<OnceCell<Server>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("function", &self.function).finish_non_exhaustive()
    }
}

impl Http {
    pub(super) fn new(function: Function) -> Self {
        let (settings, hooks, server) = (Settings::default(), Arc::default(), Arc::default());
        Self { function: Arc::new(Mutex::new(Some(function))), hooks, settings, server }
    }

    /// Runs a [hook](crate::hooks) before and after every call, inside of those that were added before it.
    pub fn hook<M>(self, hook: impl IntoHook<M>) -> Self {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(hook.into_hook());
        self
    }

    /// Sets the largest request body in bytes, as `FUNCTION_MAX_BODY_SIZE` does.
    pub fn max_body_size(mut self, bytes: usize) -> Self {
        self.settings.max_body_size = bytes;
        self
    }

    /// Sets the longest time to an answer, as `FUNCTION_TIMEOUT` does.
    pub fn timeout(mut self, limit: std::time::Duration) -> Self {
        self.settings.timeout = Some(limit);
        self
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send(Bytes::new()).await
    }

    /// Sends a POST with JSON.
    pub async fn post_json(&self, path: &str, body: impl Serialize) -> Response {
        self.request(Method::POST, path).json(body).await
    }

    /// Prepares a request of any method.
    pub fn request(&self, method: Method, path: &str) -> RequestTest {
        RequestTest { test: self.clone(), method, path: path.to_owned(), headers: HeaderMap::new() }
    }

    /// Sends a request as it is.
    ///
    /// # Panics
    /// When `init` fails or the function cannot be served: the test has found what it was for.
    pub async fn send(&self, request: Request<Body>) -> Response {
        let server = self.server.get_or_init(|| self.start()).await;
        let limit = self.settings.max_body_size;
        let Ok(response) =
            server.call(function::body::Request::new(request, |body| RequestBody::new(body, limit)), false).await;
        let (parts, body) = response.into_parts();
        match body.collect().await {
            Ok(body) => Response { status: parts.status, headers: parts.headers, body: body.to_bytes() },
            Err(error) => panic!("the body of the answer failed: {error}"),
        }
    }

    async fn start(&self) -> Server {
        let function = self.function.lock().unwrap_or_else(PoisonError::into_inner).take();
        let registered = std::mem::take(&mut *self.hooks.lock().unwrap_or_else(PoisonError::into_inner));
        let (functions, declaration) = (function.into_iter().collect(), Declaration::default());
        let built = async {
            let hooks = startup::hooks(registered, &self.settings, &declaration)?;
            let traces = Traces::default();
            startup::build(functions, &self.settings, &declaration.manifest, None, Vec::new(), hooks, traces).await
        };
        match built.await {
            Ok((server, _)) => server,
            Err(exit) => panic!("the function does not start: {exit}"),
        }
    }
}

/// A request being put together.
#[derive(Debug)]
#[must_use = "nothing is called until the request is sent"]
pub struct RequestTest {
    test: Http,
    method: Method,
    path: String,
    headers: HeaderMap,
}

impl RequestTest {
    /// Adds a header.
    ///
    /// # Panics
    /// When HTTP does not allow the name or the value.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let header = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_ref()));
        let (Ok(name), Ok(value)) = header else { panic!("{name:?} is no header name, or its value is no header value") };
        self.headers.append(name, value);
        self
    }

    /// Sends it with a body.
    ///
    /// # Panics
    /// When the path is no URI, and as [`Http::send`] does.
    pub async fn send(self, body: impl Into<Bytes>) -> Response {
        let request = Request::builder().method(self.method).uri(&self.path).body(Body::from(body.into()));
        let Ok(mut request) = request else { panic!("{:?} is no path", self.path) };
        *request.headers_mut() = self.headers;
        self.test.send(request).await
    }

    /// Sends it with JSON.
    ///
    /// # Panics
    /// When the value does not serialize, and as [`Http::send`] does.
    pub async fn json(self, body: impl Serialize) -> Response {
        match serde_json::to_vec(&body) {
            Ok(text) => self.header("content-type", "application/json").send(text).await,
            Err(error) => panic!("the body does not serialize: {error}"),
        }
    }
}

/// What a function answered a request.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Response {
    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// All headers.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// One header, when it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    pub const fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the body is no text: {error}"),
        }
    }

    /// The body, decoded from JSON.
    ///
    /// # Errors
    /// When it is not JSON, or no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }
}
