//! Outputs: a name the function knows, and where it leads.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::{Bulk, IntoPayload, failed};
use crate::{
    error::Error,
    manifest::{self, ComponentKind},
    sidecar::{Batch, BatchEntry, Message, Reply, Scope, Sidecar, SidecarCode, SidecarError},
};

/// The attributes of an event that a sidecar lets the publisher decide.
const ATTRIBUTES: [&str; 7] = ["id", "source", "type", "subject", "traceid", "traceparent", "tracestate"];

/// What a payload is that is a whole event.
const STRUCTURED: &str = "application/cloudevents+json";

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
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until `send` is called and awaited"]
pub struct Output {
    declared: Arc<manifest::Output>,
    operation: Option<String>,
    metadata: BTreeMap<String, String>,
    attributes: BTreeMap<String, String>,
    raw: bool,
    content_type: Option<String>,
    sidecar: Arc<dyn Sidecar>,
    scope: Scope,
}

impl Output {
    pub(super) fn new(declared: Arc<manifest::Output>, sidecar: Arc<dyn Sidecar>, scope: Scope) -> Self {
        let (operation, metadata) = (declared.operation.clone(), declared.metadata.clone());
        let (attributes, raw, content_type) = (BTreeMap::new(), false, None);
        Self { declared, operation, metadata, attributes, raw, content_type, sidecar, scope }
    }

    /// Returns the topic that it publishes to; none when a binding is behind it.
    ///
    /// ```
    /// # use functions_framework::{Context, Event, Result};
    /// async fn pass_on(ctx: Context, event: Event) -> Result<()> {
    ///     let output = ctx.output("next")?;
    ///     if output.topic().is_some() {
    ///         output.send(event).await?; // with the attributes it has
    ///     } else {
    ///         output.send(event.data().cloned().unwrap_or_default()).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn topic(&self) -> Option<&str> {
        self.declared.topic.as_deref().filter(|_| self.declared.kind == ComponentKind::PubSub)
    }

    /// Chooses the operation of a binding, over the declared one; a topic has none and ignores it.
    ///
    /// Which there are is for the component to say: `create` of most, `get` and `delete` of stores, `post` of `bindings.http`.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn forget(ctx: Context, key: String) -> Result<()> {
    ///     ctx.output("pictures")?.operation("delete").metadata("key", key).send("").await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Adds metadata for this send, over what was declared: `partitionKey`, `ttlInSeconds`, or whatever the component knows.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn remind(ctx: Context, text: String) -> Result<()> {
    ///     ctx.output("reminders")?.metadata("ttlInSeconds", "3600").send(text).await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Says what the payload is; by default what its type suggests.
    ///
    /// A topic keeps it with the message. Give text or JSON its own type there, and anything else
    /// `application/octet-stream`: under other types a sidecar takes bytes for text.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn page(ctx: Context) -> Result<()> {
    ///     ctx.output("pages")?.content_type("text/html").send("<p>Hello</p>").await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn content_type(mut self, media_type: impl Into<String>) -> Self {
        self.content_type = Some(media_type.into());
        self
    }

    /// Sends the payload as it is, without an event around it; for receivers that know no CloudEvents. Only a topic has one, and
    /// a binding that leads to a queue while `SkyWalking` traces the function.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn line(ctx: Context) -> Result<()> {
    ///     ctx.output("lines")?.raw().send("temperature=21").await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// Sets an attribute of the event that a topic puts around the payload: `id`, `source`, `type`, `subject`, `traceparent`,
    /// `tracestate` or `traceid`.
    ///
    /// For others send an [`Event`](crate::Event).
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// # #[derive(serde::Serialize)] struct Order { id: u32 }
    /// async fn placed(ctx: Context) -> Result<()> {
    ///     ctx.output("orders")?.attribute("type", "order.placed").attribute("subject", "7").send(&Order { id: 7 }).await?;
    ///     Ok(())
    /// }
    /// ```
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Sends the payload and returns what a binding answered; a topic answers nothing.
    ///
    /// Text and bytes are sent as they are, a reference as JSON, an [`Event`](crate::Event) as the event it is.
    ///
    /// # Errors
    /// A payload that is no JSON, an attribute that cannot be set, or a sidecar that did not take it: then the
    /// [`cause`](Error::cause) is a [`SidecarError`].
    ///
    /// ```
    /// use functions_framework::{Context, Event, Result};
    ///
    /// async fn forward(ctx: Context, event: Event) -> Result<()> {
    ///     ctx.output("events")?.send(event).await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn send(mut self, payload: impl IntoPayload) -> Result<Reply, Error> {
        let (payload, content_type) = self.encode(payload)?;
        let address = self.address()?;
        self.settle(&content_type)?;
        let Self { declared, metadata, sidecar, raw, .. } = self;
        let scope = Scope { raw, ..self.scope };
        let message = Message { component: declared.component.clone(), address, payload, content_type, metadata };
        match declared.kind {
            ComponentKind::PubSub => sidecar.publish(message, scope).await.map(|()| Reply::default()),
            ComponentKind::Binding => sidecar.invoke_binding(message, scope).await,
        }
        .map_err(|error| failed(error, &format!("sending to {}", described(&declared))))
    }

    /// Publishes several payloads in one call, and returns which of them were not taken.
    ///
    /// They may arrive in any order. Together they must fit into one message of the sidecar.
    ///
    /// # Errors
    /// As [`send`](Self::send), for all of them; and an output that is a binding, which takes one payload at a time.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn split(ctx: Context, text: String) -> Result<()> {
    ///     ctx.output("lines")?.send_all(text.lines()).await?.complete()
    /// }
    /// ```
    pub async fn send_all<P: IntoPayload>(mut self, payloads: impl IntoIterator<Item = P>) -> Result<Bulk, Error> {
        if self.declared.kind == ComponentKind::Binding {
            let text = format!("{} takes one payload at a time: use `send`", described(&self.declared));
            return Err(SidecarError::new(SidecarCode::InvalidArgument, text).into());
        }
        if self.attributes.contains_key("id") {
            let text = format!("{}: several events cannot have one `id`", described(&self.declared));
            return Err(SidecarError::new(SidecarCode::InvalidArgument, text).into());
        }
        let topic = self.address()?;
        let payloads: Vec<_> = payloads.into_iter().map(|payload| self.encode(payload)).collect::<Result<_, _>>()?;
        for (_, content_type) in &payloads {
            self.settle(content_type)?;
        }
        let described = described(&self.declared);
        let mut bulk = Bulk::new(described.clone(), payloads.len());
        if payloads.is_empty() {
            return Ok(bulk);
        }
        let Self { declared, metadata, sidecar, raw, .. } = self;
        let scope = Scope { raw, ..self.scope };
        let entries = payloads.into_iter().enumerate().map(|(index, (payload, content_type))| BatchEntry {
            id: index.to_string(),
            payload,
            content_type,
            // A sidecar looks here for what belongs to the event, and below for what belongs to the call.
            metadata: metadata.clone(),
        });
        let (component, entries) = (declared.component.clone(), entries.collect());
        let batch = Batch { component, topic, entries, metadata: metadata.clone() };
        let rejected = sidecar.publish_bulk(batch, scope).await;
        bulk.rejected(rejected.map_err(|error| failed(error, &format!("sending to {described}")))?)?;
        Ok(bulk)
    }

    fn encode(&self, payload: impl IntoPayload) -> Result<(Bytes, String), Error> {
        let (payload, suggested) = payload
            .into_payload()
            .map_err(|error| error.context(format!("while encoding for {}", described(&self.declared))))?;
        Ok((payload, self.content_type.clone().unwrap_or_else(|| suggested.to_owned())))
    }

    /// The topic, or the operation.
    fn address(&self) -> Result<String, Error> {
        match (self.declared.kind, &self.declared.topic) {
            (ComponentKind::Binding, _) => Ok(self.operation.clone().unwrap_or_default()),
            (ComponentKind::PubSub, Some(topic)) => Ok(topic.clone()),
            (ComponentKind::PubSub, None) => {
                let text = format!(
                    "output `{}` leads to the pub/sub component `{}`, but nothing says to which topic: the platform tells it in FUNC_CONTEXT (`uri`), a function.yaml in `topic`",
                    self.declared.name, self.declared.component
                );
                Err(SidecarError::new(SidecarCode::FailedPrecondition, text).into())
            }
        }
    }

    /// Puts what was chosen into the metadata, where the sidecar looks for it.
    fn settle(&mut self, content_type: &str) -> Result<(), Error> {
        let wrong = |text: String| Err(SidecarError::new(SidecarCode::InvalidArgument, text).into());
        let is_binding = self.declared.kind == ComponentKind::Binding;
        for name in self.attributes.keys() {
            if !ATTRIBUTES.contains(&name.as_str()) {
                let known = ATTRIBUTES.join(", ");
                return wrong(format!("the attribute `{name}` cannot be set ({known} can): send an `Event` that has it"));
            }
            let why = if is_binding {
                "a binding puts no event around its payload"
            } else if self.raw {
                "a raw message has no event around it"
            } else if content_type.starts_with(STRUCTURED) {
                "the payload is an event and has its own"
            } else {
                continue;
            };
            return wrong(format!("the attribute `{name}` cannot be set for {}: {why}", described(&self.declared)));
        }
        for (name, value) in std::mem::take(&mut self.attributes) {
            self.metadata.insert(format!("cloudevent.{name}"), value);
        }
        if self.raw && !is_binding {
            self.metadata.insert("rawPayload".to_owned(), "true".to_owned());
        }
        // This one would else say JSON, whatever is sent.
        if let Some(content_type) = &self.content_type
            && self.declared.component_type == "bindings.http"
        {
            self.metadata.entry("Content-Type".to_owned()).or_insert_with(|| content_type.clone());
        }
        Ok(())
    }
}

/// Which output it is, and where it leads, for an error.
fn described(declared: &manifest::Output) -> String {
    let manifest::Output { name, kind, component, topic, .. } = declared;
    let what = if name.is_empty() { String::new() } else { format!("output `{name}`: ") };
    match (kind, topic) {
        (ComponentKind::PubSub, Some(topic)) => format!("{what}topic `{topic}` of component `{component}`"),
        _ => format!("{what}component `{component}`"),
    }
}
