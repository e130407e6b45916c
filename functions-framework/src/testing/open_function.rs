//! Payloads to a function, and what it answers and sends.

use std::{collections::BTreeMap, sync::Arc};

use ::http::HeaderValue;
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::started;
use crate::{
    context::{Arrival, Context, Origin, Outside},
    error::Error,
    event::Event,
    function::{
        Function, Handler,
        open_function::{ContextIn, content_type_of},
    },
    manifest::{self, ComponentKind, Manifest},
    outcome::{Out, Verdict},
    sidecar::{Message, recording::Recording},
};

/// Runs an OpenFunction function; made by [`open_function`](super::open_function).
#[derive(Debug)]
#[must_use = "nothing is called until it is run"]
pub struct OpenFunctionTest {
    function: Function,
    manifest: Manifest,
    params: BTreeMap<String, String>,
    event: Option<Event>,
}

impl OpenFunctionTest {
    pub(super) fn new(function: Function) -> Self {
        Self { function, manifest: Manifest::default(), params: BTreeMap::new(), event: None }
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
        let recording = Arc::new(Recording::default());
        let origin = Arc::new(Origin {
            function: self.function.name().into(),
            has_path: self.function.path().is_some(),
            outside: Arc::new(Outside::new(&self.manifest, Arc::clone(&recording) as _)),
        });
        let Handler::OpenFunction(handler) = started(self.function).await else {
            panic!("the function is of kind {kind}, not openfunction")
        };
        let context = Context::new(origin, Arrival { params: self.params, event: self.event, ..Arrival::default() });
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
