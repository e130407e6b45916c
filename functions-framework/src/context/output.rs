//! Declared outputs: a name the function knows, and where it leads.

use std::{collections::BTreeMap, sync::Arc};

use super::IntoPayload;
use crate::{
    error::Error,
    sidecar::{Message, Reply, Scope, Sidecar},
};

/// The outputs of a process and the sidecar behind them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outputs(Option<Arc<Declared>>);

#[derive(Debug)]
struct Declared {
    destinations: BTreeMap<String, Destination>,
    sidecar: Arc<dyn Sidecar>,
}

/// Where an output leads.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) component: String,
    pub(crate) kind: OutputKind,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// How an output is reached.
#[derive(Debug, Clone)]
pub(crate) enum OutputKind {
    Topic(String),
    Binding { operation: String },
}

impl Outputs {
    pub(crate) fn new(destinations: BTreeMap<String, Destination>, sidecar: Arc<dyn Sidecar>) -> Self {
        Self(Some(Arc::new(Declared { destinations, sidecar })))
    }

    pub(crate) fn get(&self, name: &str) -> Result<Output, Error> {
        let declared = self.0.as_ref();
        let found = declared.and_then(|declared| Some((declared, declared.destinations.get(name)?)));
        let Some((declared, destination)) = found else {
            let names: Vec<_> = declared.iter().flat_map(|declared| declared.destinations.keys()).cloned().collect();
            let known = if names.is_empty() { "none is".to_owned() } else { format!("declared: {}", names.join(", ")) };
            return Err(Error::new(format!("no output named `{name}` is declared ({known})")));
        };
        Ok(Output {
            name: name.to_owned(),
            destination: destination.clone(),
            content_type: None,
            sidecar: Arc::clone(&declared.sidecar),
        })
    }
}

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
    name: String,
    destination: Destination,
    content_type: Option<String>,
    sidecar: Arc<dyn Sidecar>,
}

impl Output {
    /// Chooses the operation of a binding; a topic has none and ignores it.
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        if let OutputKind::Binding { operation } = &mut self.destination.kind {
            *operation = name.into();
        }
        self
    }

    /// Adds metadata for this send, over what was declared.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.destination.metadata.insert(name.into(), value.into());
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
        let (payload, suggested) =
            payload.into_payload().map_err(|error| error.context(format!("while encoding for output `{}`", self.name)))?;
        let Destination { component, kind, metadata } = self.destination;
        let content_type = self.content_type.unwrap_or_else(|| suggested.to_owned());
        let message = |address| Message { component, address, payload, content_type, metadata };
        match kind {
            OutputKind::Topic(topic) => self.sidecar.publish(message(topic), Scope::default()).await.map(|()| Reply::default()),
            OutputKind::Binding { operation } => self.sidecar.invoke_binding(message(operation), Scope::default()).await,
        }
        .map_err(|error| Error::from(error).context(format!("while sending to output `{}`", self.name)))
    }
}
