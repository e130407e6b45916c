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

mod events;
mod open_function;
mod request;

pub use events::CloudEvents;
pub use open_function::{OpenFunctionTest, Run, Sent};
pub use request::{Http, HttpTest, RequestTest, Response};

use crate::function::{
    Function, Handler, Options, classify::Registration, cloud_event::CloudEventFunction, init::States,
    open_function::OpenFunction,
};

const NAME: &str = "function under test";

/// Marks what `#[function]` made.
#[derive(Debug)]
pub enum Registered {}

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
    Http::new(function.into_function())
}

/// Tests a CloudEvent function with events, without HTTP between.
///
/// ```
/// use functions_framework::{Event, Result, testing};
///
/// async fn forward(event: Event) -> Result<Event> {
///     event.into_builder().source("/forwarder").build()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let event = Event::builder().id("1").source("/shop").ty("order.placed").build().unwrap();
/// let replies = testing::cloud_event(forward).send(event).await.unwrap();
/// assert_eq!(replies[0].source(), "/forwarder");
/// # }
/// ```
pub fn cloud_event<M>(function: impl CloudEventFunction<M>) -> CloudEvents {
    CloudEvents::new(function.into_function(Options::new(NAME)))
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
    OpenFunctionTest::new(function.into_function(Options::new(NAME)))
}

async fn started(function: Function) -> Handler {
    match function.start(&mut States::new()).await {
        Ok(handler) => handler,
        Err(error) => panic!("`init` failed: {error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    };

    use super::*;
    use crate::http::State;

    #[crate::function(main = false, init = zero)]
    async fn count(State(count): State<Arc<AtomicU32>>) -> String {
        count.fetch_add(1, Relaxed).to_string()
    }

    async fn zero() -> crate::Result<Arc<AtomicU32>> {
        Ok(Arc::default())
    }

    #[tokio::test]
    async fn requests_share_what_init_made() {
        let test = http(count {});
        assert_eq!(test.get("/").await.text(), "0");
        assert_eq!(test.get("/").await.text(), "1");
    }

    #[test]
    fn handles_may_go_where_they_are_needed() {
        fn anywhere<T: Send + Sync + 'static>() {}
        fn shared<T: Clone + Send + Sync + 'static>() {}
        anywhere::<Http>();
        anywhere::<crate::Error>();
        anywhere::<crate::Output>();
        shared::<crate::Context>();
        shared::<crate::CloudEvent<String>>();
        shared::<crate::Event>();
        shared::<Sent>();
    }
}
