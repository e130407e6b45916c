//! Declared outputs: a name the function knows, and where it leads.

use std::{collections::BTreeMap, sync::Arc};

use super::IntoPayload;
use crate::{
    error::Error,
    manifest::{self, ComponentKind},
    sidecar::{Message, Reply, Scope, Sidecar},
};

/// Sends to one declared output; made by [`Context::output`](super::Context::output).
///
/// ```
/// # use functions_framework::{Context, Result};
/// async fn mail(ctx: Context, text: String) -> Result<()> {
///     let reply = ctx.output("mail")?.operation("create").metadata("emailTo", "a@example.com").send(text).await?;
///     println!("{} bytes came back", reply.data.len());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent until `send` is called and awaited"]
pub struct Output {
    declared: Arc<manifest::Output>,
    operation: Option<String>,
    metadata: BTreeMap<String, String>,
    content_type: Option<String>,
    sidecar: Arc<dyn Sidecar>,
    scope: Scope,
}

impl Output {
    pub(super) fn new(declared: Arc<manifest::Output>, sidecar: Arc<dyn Sidecar>, scope: Scope) -> Self {
        let (operation, metadata) = (declared.operation.clone(), declared.metadata.clone());
        Self { declared, operation, metadata, content_type: None, sidecar, scope }
    }

    /// Chooses the operation of a binding; a topic has none and ignores it.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Adds metadata for this send, over what was declared.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Says what the payload is; by default what its type suggests.
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.content_type = Some(media_type.into());
        self
    }

    /// Sends the payload and returns what a binding answered; a topic answers nothing.
    ///
    /// # Errors
    /// A payload that is no JSON, or a sidecar that did not take it.
    pub async fn send(self, payload: impl IntoPayload) -> Result<Reply, Error> {
        let Self { declared, operation, metadata, content_type, sidecar, scope } = self;
        let manifest::Output { name, kind, component, topic, .. } = &*declared;
        let (payload, suggested) =
            payload.into_payload().map_err(|error| error.context(format!("while encoding for output `{name}`")))?;
        let content_type = content_type.unwrap_or_else(|| suggested.to_owned());
        let message = |address| Message { component: component.clone(), address, payload, content_type, metadata };
        match (kind, topic) {
            (ComponentKind::PubSub, Some(topic)) => {
                sidecar.publish(message(topic.clone()), scope).await.map(|()| Reply::default())
            }
            (ComponentKind::PubSub, None) => return Err(Error::new(format!("output `{name}` has no topic"))),
            (ComponentKind::Binding, _) => sidecar.invoke_binding(message(operation.unwrap_or_default()), scope).await,
        }
        .map_err(|error| Error::from(error).context(format!("while sending to output `{name}`")))
    }
}
