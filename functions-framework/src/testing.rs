//! Test a function as it is served, without a socket.
//!
//! [`http()`], [`cloud_event`] and [`open_function`] take what `#[function]` made of a function, written with braces:
//! `order {}` has the path, the methods and the `init` of `order`. A plain async function will do as well.
//!
//! ```
//! use functions_framework::{Event, Out, Context, Result, function, http::{Json, Path}, testing};
//!
//! #[function(main = false, path = "/hello/{name}")]
//! async fn hello(Path(name): Path<String>) -> String { format!("Hello, {name}!") }
//!
//! #[function(main = false)]
//! async fn relay(ctx: Context, Json(order): Json<serde_json::Value>) -> Result<Out> {
//!     ctx.send("orders", &order).await?;
//!     Ok(Out::ok())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let response = testing::http(hello {}).get("/hello/world").await;
//! assert_eq!((response.status().as_u16(), response.text()), (200, "Hello, world!"));
//!
//! let run = testing::open_function(relay {}).outputs(["orders"]).run(serde_json::json!({ "id": 7 })).await;
//! assert!(run.verdict().is_success());
//! assert_eq!(run.sent("orders")[0].json::<serde_json::Value>().unwrap()["id"], 7);
//! # }
//! ```

use std::{collections::BTreeMap, sync::Arc};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    context::{Context, Destination, Origin, OutputKind, Outputs},
    error::Error,
    event::{Envelope, Event, http::Received},
    function::{
        Function, Handler, Options,
        body::RequestBody,
        classify::Registration,
        cloud_event::{CloudEventFunction, Reply},
        init::States,
        open_function::{ContextIn, OpenFunction},
    },
    outcome::{Out, Verdict},
    settings::Settings,
    sidecar::{Message, recording::Recording},
    startup,
};

const NAME: &str = "function under test";

/// Marks what `#[function]` made.
#[derive(Debug)]
pub enum Registered {}

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

#[diagnostic::do_not_recommend]
impl<R: Registration> CloudEventFunction<Registered> for R {
    fn into_function(self, _: Options) -> Function {
        R::function()
    }
}

#[diagnostic::do_not_recommend]
impl<R: Registration> OpenFunction<Registered> for R {
    fn into_function(self, _: Options) -> Function {
        R::function()
    }
}

/// Tests an HTTP function. Event functions can be tested with it too: they then get requests, as from the network.
///
/// ```
/// use functions_framework::{http::Method, testing};
///
/// async fn shout(text: String) -> String { text.to_uppercase() }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let response = testing::http(shout).request(Method::PUT, "/").header("x-loud", "very").send("hello").await;
/// assert_eq!((response.status().as_u16(), response.text()), (200, "HELLO"));
/// assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
/// # }
/// ```
pub fn http<M>(function: impl HttpTest<M>) -> Http {
    Http { function: function.into_function(), settings: Settings::default() }
}

/// Tests a CloudEvent function with events, without HTTP between.
///
/// ```
/// use functions_framework::{Event, event::{AttributesReader as _, AttributesWriter as _}, testing};
///
/// async fn forward(mut event: Event) -> Event {
///     event.set_source("/forwarder");
///     event
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let replies = testing::cloud_event(forward).send(Event::default()).await.unwrap();
/// assert_eq!(replies[0].source(), "/forwarder");
/// # }
/// ```
pub fn cloud_event<M>(function: impl CloudEventFunction<M>) -> CloudEvents {
    CloudEvents(function.into_function(Options::new(NAME)))
}

/// Tests an OpenFunction function with payloads, and sees what it sends.
///
/// ```
/// use functions_framework::{Context, Result, testing};
///
/// async fn mail(ctx: Context, text: String) -> Result<()> {
///     let to = ctx.param("to").unwrap_or_default().to_owned();
///     ctx.output("mail")?.metadata("to", to).send(text).await?;
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let run = testing::open_function(mail).binding("mail", "create").param("to", "ada").run_bytes("hi").await;
/// assert!(run.verdict().is_success());
/// let sent = &run.sent("mail")[0];
/// assert_eq!((&sent.bytes()[..], sent.address(), sent.metadata("to")), (&b"hi"[..], "create", Some("ada")));
/// # }
/// ```
pub fn open_function<M>(function: impl OpenFunction<M>) -> OpenFunctionTest {
    OpenFunctionTest {
        function: function.into_function(Options::new(NAME)),
        destinations: BTreeMap::new(),
        params: BTreeMap::new(),
        event: None,
    }
}

/// Sends requests to a function; made by [`http()`].
#[derive(Debug)]
#[must_use = "nothing is called until a request is sent"]
pub struct Http {
    function: Function,
    settings: Settings,
}

impl Http {
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
    pub async fn get(self, path: &str) -> Response {
        self.request(Method::GET, path).send(Bytes::new()).await
    }

    /// Sends a POST with JSON.
    pub async fn post_json(self, path: &str, body: impl Serialize) -> Response {
        self.request(Method::POST, path).json(body).await
    }

    /// Prepares a request of any method.
    pub fn request(self, method: Method, path: &str) -> RequestTest {
        RequestTest { test: self, method, path: path.to_owned(), headers: HeaderMap::new() }
    }

    /// Sends a request as it is.
    ///
    /// # Panics
    /// When `init` fails or the function cannot be served: the test has found what it was for.
    pub async fn send(self, request: Request<Body>) -> Response {
        let limit = self.settings.max_body_size;
        let (server, _) = match startup::build(vec![self.function], &self.settings, Vec::new()).await {
            Ok(built) => built,
            Err(exit) => panic!("the function does not start: {exit}"),
        };
        let (response, _invocation) = server.call(request.map(|body| RequestBody::new(body, limit)), false).await;
        let (parts, body) = response.into_parts();
        match body.collect().await {
            Ok(body) => Response { status: parts.status, headers: parts.headers, body: body.to_bytes() },
            Err(error) => panic!("the body of the answer failed: {error}"),
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

async fn started(function: Function) -> Handler {
    match function.start(&mut States::new()).await {
        Ok(handler) => handler,
        Err(error) => panic!("`init` failed: {error:#}"),
    }
}

/// Sends events to a function; made by [`cloud_event`].
#[derive(Debug)]
#[must_use = "nothing is called until an event is sent"]
pub struct CloudEvents(Function);

impl CloudEvents {
    /// Sends one event and returns what was replied.
    ///
    /// # Errors
    /// What the function failed with, or why its parameter could not be made of the event.
    pub async fn send(self, event: Event) -> Result<Vec<Event>, Error> {
        self.deliver(Received::One(Envelope::from_event(event))).await
    }

    /// Sends a batch of events and returns what was replied.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_batch(self, events: impl IntoIterator<Item = Event>) -> Result<Vec<Event>, Error> {
        self.deliver(Received::Many(events.into_iter().map(Envelope::from_event).collect())).await
    }

    async fn deliver(self, received: Received) -> Result<Vec<Event>, Error> {
        let kind = self.0.kind();
        let Handler::CloudEvent(handler) = started(self.0).await else {
            panic!("the function is of kind {kind}, not cloudevent")
        };
        Ok(match (handler.deliver)(received).await? {
            Reply::None => Vec::new(),
            Reply::One(event) => vec![*event],
            Reply::Many(events) => events,
        })
    }
}

/// Runs an OpenFunction function; made by [`open_function`].
#[derive(Debug)]
#[must_use = "nothing is called until it is run"]
pub struct OpenFunctionTest {
    function: Function,
    destinations: BTreeMap<String, Destination>,
    params: BTreeMap<String, String>,
    event: Option<Event>,
}

impl OpenFunctionTest {
    /// Declares outputs; what is sent to them is kept for the test to see.
    pub fn outputs<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            let destination =
                Destination { component: name.to_owned(), kind: OutputKind::Topic(name.to_owned()), metadata: BTreeMap::new() };
            self.destinations.insert(name.to_owned(), destination);
        }
        self
    }

    /// Declares an output that is a binding, with its operation.
    pub fn binding(mut self, name: &str, operation: &str) -> Self {
        let kind = OutputKind::Binding { operation: operation.to_owned() };
        let destination = Destination { component: name.to_owned(), kind, metadata: BTreeMap::new() };
        self.destinations.insert(name.to_owned(), destination);
        self
    }

    /// Gives a path variable, as `{name}` in the path of the function would.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.params.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs the function with JSON as its payload.
    ///
    /// # Panics
    /// When the value does not serialize, when `init` fails, and when the function is of another kind.
    pub async fn run(self, payload: impl Serialize) -> Run {
        match serde_json::to_vec(&payload) {
            Ok(text) => self.call(text.into(), Some(HeaderValue::from_static("application/json"))).await,
            Err(error) => panic!("the payload does not serialize: {error}"),
        }
    }

    /// Runs the function with these bytes as its payload.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub async fn run_bytes(self, payload: impl Into<Bytes>) -> Run {
        self.call(payload.into(), None).await
    }

    /// Runs the function with an event, whose data is the payload.
    ///
    /// # Panics
    /// As [`run`](Self::run), and when the data of the event is broken JSON.
    pub async fn run_event(mut self, event: Event) -> Run {
        match Envelope::from_event(event).into_payload() {
            Ok((event, payload)) => {
                self.event = Some(event);
                self.call(payload, None).await
            }
            Err(error) => panic!("the event has no payload: {error:#}"),
        }
    }

    async fn call(self, payload: Bytes, content_type: Option<HeaderValue>) -> Run {
        let kind = self.function.kind();
        let recording = Arc::new(Recording::default());
        let origin = Origin {
            function: self.function.name().into(),
            has_path: self.function.path().is_some(),
            outputs: Outputs::new(self.destinations, Arc::clone(&recording) as _),
        };
        let Handler::OpenFunction(handler) = started(self.function).await else {
            panic!("the function is of kind {kind}, not openfunction")
        };
        let context = Context::new(origin, None, self.params, self.event);
        let result = (handler.deliver)(ContextIn::new(context, payload, content_type)).await;
        Run { result, sent: recording.messages() }
    }
}

/// What a run of an OpenFunction function left behind.
#[derive(Debug)]
pub struct Run {
    result: Result<Out, Error>,
    sent: Vec<Message>,
}

impl Run {
    /// What happens to the event.
    pub fn verdict(&self) -> Verdict {
        self.result.as_ref().map_or_else(Error::verdict, Out::verdict)
    }

    /// What the function answered or failed with.
    ///
    /// # Errors
    /// The error of the function.
    pub const fn result(&self) -> Result<&Out, &Error> {
        self.result.as_ref()
    }

    /// What was sent to an output, in order.
    pub fn sent(&self, output: &str) -> Vec<Sent> {
        self.sent.iter().filter(|message| message.component == output).cloned().map(Sent).collect()
    }
}

/// One thing that was sent to an output.
#[derive(Debug, Clone)]
pub struct Sent(Message);

impl Sent {
    /// The payload.
    pub const fn bytes(&self) -> &Bytes {
        &self.0.payload
    }

    /// The payload, decoded from JSON.
    ///
    /// # Errors
    /// When it is not JSON, or no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.0.payload)
    }

    /// What the payload was said to be.
    pub fn content_type(&self) -> &str {
        &self.0.content_type
    }

    /// The operation, when it went to a binding; the topic otherwise.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The metadata that went with it.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.0.metadata.get(name).map(String::as_str)
    }
}
