//! Payloads to a function, and what it answers and sends.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use ::http::HeaderValue;
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::started;
use crate::{
    context::{Arrival, Context, DeclaredInput, Input, Origin, Outside},
    error::Error,
    event::Event,
    function::{
        Function, Handler,
        open_function::{ContextIn, content_type_of},
    },
    hooks::{
        OnError,
        choice::{self, Lists},
        register::{IntoHook, Registered},
    },
    manifest::{self, ComponentKind, Manifest},
    outcome::{Out, Verdict},
    server::hooked::{self, Time},
    sidecar::{Message, Reply, SidecarCode, recording::Recording},
};

/// Runs an OpenFunction function; made by [`open_function`](super::open_function).
#[derive(Debug)]
#[must_use = "nothing is called until it is run"]
pub struct OpenFunctionTest {
    function: Function,
    manifest: Manifest,
    sidecar: Recording,
    params: BTreeMap<String, String>,
    event: Option<Event>,
    input: Option<Input>,
    hooks: Vec<Registered>,
}

impl OpenFunctionTest {
    pub(super) fn new(function: Function) -> Self {
        let (manifest, sidecar, params) = (Manifest::default(), Recording::default(), BTreeMap::new());
        Self { function, manifest, sidecar, params, event: None, input: None, hooks: Vec::new() }
    }

    /// Runs a [hook](crate::hooks) before and after the function, inside of those that were added before it.
    ///
    /// It sees a delivery; [`http()`](super::http()) shows a request to it.
    ///
    /// ```
    /// use functions_framework::{Context, Result, hooks::{Hook, Invocation}, testing};
    ///
    /// #[derive(Clone)]
    /// struct Greeting(&'static str);
    ///
    /// impl Hook for Greeting {
    ///     fn name(&self) -> &str { "greeting" }
    ///     async fn before(&mut self, invocation: &mut Invocation) -> Result<()> {
    ///         let greeting = self.clone();
    ///         invocation.extensions_mut().insert(greeting);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// async fn greet(ctx: Context, name: String) -> String {
    ///     format!("{}, {name}", ctx.extension::<Greeting>().map_or("Hello", |greeting| greeting.0))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let run = testing::open_function(greet).hook(Greeting("Hi")).run_bytes("Ada").await;
    /// assert_eq!(run.result().unwrap().payload(), "Hi, Ada");
    /// # }
    /// ```
    pub fn hook<M>(mut self, hook: impl IntoHook<M>) -> Self {
        self.hooks.push(hook.into_hook());
        self
    }

    /// Declares outputs; what is sent to them is kept for the test to see.
    pub fn outputs<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            self.declare(name, ComponentKind::PubSub, None);
        }
        self
    }

    /// Declares an output that is a binding, with its operation.
    pub fn binding(mut self, name: &str, operation: &str) -> Self {
        self.declare(name, ComponentKind::Binding, Some(operation.to_owned()));
        self
    }

    /// Declares an output whose component and topic are called like it.
    fn declare(&mut self, name: &str, kind: ComponentKind, operation: Option<String>) {
        self.manifest.outputs.push(manifest::Output {
            name: name.to_owned(),
            kind,
            component: name.to_owned(),
            component_type: String::new(),
            topic: (kind == ComponentKind::PubSub).then(|| name.to_owned()),
            operation,
            metadata: BTreeMap::new(),
        });
    }

    /// Lets a binding answer these bytes; without it a binding answers nothing.
    ///
    /// ```
    /// use functions_framework::{Context, Result, testing};
    ///
    /// async fn look_up(ctx: Context) -> Result<Vec<u8>> {
    ///     Ok(ctx.output("table")?.metadata("sql", "select 1").send("").await?.data.into())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let run = testing::open_function(look_up).binding("table", "query").reply("table", "[[1]]").run(()).await;
    /// assert_eq!(run.result().unwrap().payload(), "[[1]]");
    /// # }
    /// ```
    pub fn reply(mut self, binding: &str, data: impl Into<Bytes>) -> Self {
        let reply = Reply { data: data.into(), metadata: BTreeMap::new() };
        self.sidecar.replies.insert(binding.to_owned(), reply);
        self
    }

    /// Lets an output, a state, a secret store or an app fail, to see what the function makes of it.
    ///
    /// ```
    /// use functions_framework::{Context, Result, SidecarCode, Verdict, testing};
    ///
    /// async fn relay(ctx: Context, text: String) -> Result<()> {
    ///     ctx.send("orders", text).await?;
    ///     Ok(())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let test = testing::open_function(relay).outputs(["orders"]).fails("orders", SidecarCode::Unavailable);
    /// assert_eq!(test.run("hello").await.verdict(), Verdict::Retry);
    /// # }
    /// ```
    pub fn fails(mut self, name: &str, code: SidecarCode) -> Self {
        self.sidecar.failing.insert(name.to_owned(), code);
        self
    }

    /// Declares a state, which is kept in memory and has etags.
    ///
    /// ```
    /// use functions_framework::{Context, Result, testing};
    ///
    /// async fn count(ctx: Context) -> Result<()> {
    ///     let state = ctx.state("store")?;
    ///     let count: Option<u32> = state.get("count").await?;
    ///     state.save("count", &(count.unwrap_or(0) + 1)).await
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let run = testing::open_function(count).state("store").stored("store", "count", &7).run(()).await;
    /// assert_eq!(run.stored::<u32>("store", "count"), Some(8));
    /// # }
    /// ```
    pub fn state(mut self, name: &str) -> Self {
        let (name, component) = (name.to_owned(), name.to_owned());
        self.manifest.states.push(manifest::State { name, component, component_type: String::new() });
        self
    }

    /// Puts a value into a state before the function runs, as JSON.
    ///
    /// # Panics
    /// When the value does not serialize.
    pub fn stored<T: Serialize + ?Sized>(self, state: &str, key: &str, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => self.stored_bytes(state, key, text),
            Err(error) => panic!("the value of `{key}` does not serialize: {error}"),
        }
    }

    /// Puts bytes into a state before the function runs.
    pub fn stored_bytes(self, state: &str, key: &str, value: impl Into<Bytes>) -> Self {
        self.sidecar.store(state, key, value.into());
        self
    }

    /// Gives a secret of one value.
    ///
    /// ```
    /// use functions_framework::{Context, Result, testing};
    ///
    /// async fn show(ctx: Context) -> Result<String> {
    ///     Ok(ctx.secret("vault", "token").await?.value()?.to_owned())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let run = testing::open_function(show).secret("vault", "token", "s3cret").run(()).await;
    /// assert_eq!(run.result().unwrap().payload(), "s3cret");
    /// # }
    /// ```
    pub fn secret(mut self, store: &str, name: &str, value: &str) -> Self {
        let values = [(name.to_owned(), value.to_owned())].into();
        self.sidecar.secrets.insert((store.to_owned(), name.to_owned()), values);
        self
    }

    /// Plays another app, which the function calls.
    ///
    /// ```
    /// use functions_framework::{Context, Result, axum::http::Response, testing};
    ///
    /// async fn price(ctx: Context) -> Result<Vec<u8>> {
    ///     Ok(ctx.invoke("shop", "price").query("item", "7").call().await?.into_body().into())
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let test = testing::open_function(price).app("shop", |request| {
    ///     assert_eq!(request.uri(), "/price?item=7");
    ///     Response::new("12".into())
    /// });
    /// assert_eq!(test.run(()).await.result().unwrap().payload(), "12");
    /// # }
    /// ```
    pub fn app(
        mut self,
        id: &str,
        answer: impl Fn(::http::Request<Bytes>) -> ::http::Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.sidecar.apps.insert(id.to_owned(), Box::new(answer));
        self
    }

    /// Delivers the payload to an input of this name, which [`Context::input`] then tells, instead of calling over HTTP.
    ///
    /// ```
    /// use functions_framework::{Context, testing};
    ///
    /// async fn which(ctx: Context) -> String {
    ///     ctx.input().map_or("none", |input| input.name()).to_owned()
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let run = testing::open_function(which).input("cron").run(()).await;
    /// assert_eq!(run.result().unwrap().payload(), "cron");
    /// # }
    /// ```
    pub fn input(mut self, name: &str) -> Self {
        let declared = DeclaredInput {
            name: name.to_owned(),
            kind: ComponentKind::Binding,
            component: name.to_owned(),
            component_type: String::new(),
            topic: None,
        };
        self.input = Some(Input { declared: Arc::new(declared), route: None, metadata: BTreeMap::new(), attempt: None });
        self
    }

    /// Makes the input a subscription to this topic.
    ///
    /// # Panics
    /// Without an [`input`](Self::input) before it.
    pub fn topic(self, topic: &str) -> Self {
        self.with_input(|input| {
            let (name, component) = (input.declared.name.clone(), input.declared.component.clone());
            let (kind, topic, component_type) = (ComponentKind::PubSub, Some(topic.to_owned()), String::new());
            input.declared = Arc::new(DeclaredInput { name, kind, component, component_type, topic });
        })
    }

    /// Adds what the component says about the payload, such as a header of its broker.
    ///
    /// # Panics
    /// Without an [`input`](Self::input) before it.
    pub fn input_metadata(self, name: &str, value: &str) -> Self {
        self.with_input(|input| {
            input.metadata.insert(name.to_owned(), value.to_owned());
        })
    }

    /// Says which attempt at the event it is, from 1.
    ///
    /// # Panics
    /// Without an [`input`](Self::input) before it.
    pub fn attempt(self, number: u32) -> Self {
        self.with_input(|input| input.attempt = Some(number))
    }

    fn with_input(mut self, change: impl FnOnce(&mut Input)) -> Self {
        match &mut self.input {
            Some(input) => change(input),
            None => panic!("there is no input yet: call `.input(..)` first"),
        }
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
    /// As [`run`](Self::run).
    pub async fn run_event(mut self, event: Event) -> Run {
        let (payload, content_type) = (event.data().cloned().unwrap_or_default(), content_type_of(&event));
        self.event = Some(event);
        self.call(payload, content_type).await
    }

    async fn call(self, payload: Bytes, content_type: Option<HeaderValue>) -> Run {
        let kind = self.function.kind();
        let sidecar = Arc::new(self.sidecar);
        let origin = Arc::new(Origin {
            function: self.function.name().into(),
            has_path: self.function.path().is_some(),
            outside: Arc::new(Outside::new(&self.manifest, Arc::clone(&sidecar) as _)),
        });
        let Handler::OpenFunction(handler) = started(self.function).await else {
            panic!("the function is of kind {kind}, not openfunction")
        };
        let arrival = Arrival { params: self.params, event: self.event.into(), input: self.input, ..Arrival::default() };
        let context = Context::new(Arc::clone(&origin), arrival);
        let choice = match choice::choose(self.hooks, Lists::Unsaid, None, OnError::Fail) {
            Ok(choice) => choice,
            Err(why) => panic!("{why}"),
        };
        let call = |context, payload| (handler.deliver)(ContextIn::new(context, payload, content_type));
        let result = match choice.hooks {
            None => call(context, payload).await,
            Some(hooks) => {
                let time = Time { started: Instant::now(), limit: None };
                match hooked::deliver(&hooks, origin, (context, payload), time, call).await {
                    Ok(result) => result,
                    Err(crash) => panic!("{crash}"),
                }
            }
        };
        Run { result, sidecar }
    }
}

/// What a run of an OpenFunction function left behind.
#[derive(Debug)]
pub struct Run {
    result: Result<Out, Error>,
    sidecar: Arc<Recording>,
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

    /// What was sent to an output, or to a component that is not declared, in order.
    pub fn sent(&self, output: &str) -> Vec<Sent> {
        self.sidecar.messages().into_iter().filter(|message| message.component == output).map(Sent).collect()
    }

    /// What a state has now for a key, decoded from JSON.
    ///
    /// # Panics
    /// When the value is not JSON, or no `T`.
    pub fn stored<T: DeserializeOwned>(&self, state: &str, key: &str) -> Option<T> {
        let bytes = self.stored_bytes(state, key)?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Some(value),
            Err(error) => panic!("the value of `{key}` is not what is expected: {error}"),
        }
    }

    /// What a state has now for a key.
    pub fn stored_bytes(&self, state: &str, key: &str) -> Option<Bytes> {
        self.sidecar.stored(state, key)
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
