//! Payloads to what is not declared.

use std::{collections::BTreeMap, sync::Arc};

use super::{IntoPayload, Output, outside::no_sidecar};
use crate::{
    error::Error,
    manifest::{self, ComponentKind},
    sidecar::{Reply, Scope, Sidecar},
};

/// Sends a payload to a component that is not declared as an output; made by [`Context::publish`](super::Context::publish) and
/// [`Context::invoke_binding`](super::Context::invoke_binding).
///
/// ```
/// # use functions_framework::{Context, Result};
/// async fn route(ctx: Context, text: String) -> Result<()> {
///     let topic = if text.is_empty() { "empty" } else { "full" };
///     ctx.publish("kafka", topic, text).metadata("partitionKey", "7").send().await?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `send` is called and awaited"]
pub struct Outgoing<P> {
    /// None where there is no sidecar.
    output: Option<Output>,
    payload: P,
}

impl<P: IntoPayload> Outgoing<P> {
    pub(super) fn to_topic(sidecar: Option<Arc<dyn Sidecar>>, scope: Scope, component: &str, topic: &str, payload: P) -> Self {
        let topic = Some(topic.to_owned());
        Self::new(sidecar, scope, undeclared(ComponentKind::PubSub, component, topic, None), payload)
    }

    pub(super) fn to_binding(
        sidecar: Option<Arc<dyn Sidecar>>,
        scope: Scope,
        component: &str,
        operation: &str,
        payload: P,
    ) -> Self {
        let operation = Some(operation.to_owned());
        Self::new(sidecar, scope, undeclared(ComponentKind::Binding, component, None, operation), payload)
    }

    fn new(sidecar: Option<Arc<dyn Sidecar>>, scope: Scope, to: manifest::Output, payload: P) -> Self {
        Self { output: sidecar.map(|sidecar| Output::new(Arc::new(to), sidecar, scope)), payload }
    }

    fn with(mut self, change: impl FnOnce(Output) -> Output) -> Self {
        self.output = self.output.map(change);
        self
    }

    /// Adds metadata, as [`Output::metadata`] does.
    pub fn metadata(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|output| output.metadata(name, value))
    }

    /// Says what the payload is, as [`Output::content_type`] does.
    pub fn content_type(self, media_type: impl Into<String>) -> Self {
        self.with(|output| output.content_type(media_type))
    }

    /// Publishes without an event around the payload, as [`Output::raw`] does.
    pub fn raw(self) -> Self {
        self.with(Output::raw)
    }

    /// Sets an attribute of the event around the payload, as [`Output::attribute`] does.
    pub fn attribute(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|output| output.attribute(name, value))
    }

    /// Sends it, and returns what a binding answered.
    ///
    /// # Errors
    /// As [`Output::send`].
    pub async fn send(self) -> Result<Reply, Error> {
        self.output.ok_or_else(no_sidecar)?.send(self.payload).await
    }
}

fn undeclared(kind: ComponentKind, component: &str, topic: Option<String>, operation: Option<String>) -> manifest::Output {
    manifest::Output {
        name: String::new(),
        kind,
        component: component.to_owned(),
        component_type: String::new(),
        topic,
        operation,
        metadata: BTreeMap::new(),
    }
}
