//! Where an event came from.

use std::{collections::BTreeMap, sync::Arc};

use crate::manifest::ComponentKind;

/// Says where the event of an invocation came from; [`Context::input`](super::Context::input) gives it.
///
/// ```
/// use functions_framework::{Context, Result};
///
/// async fn seen(ctx: Context, payload: String) -> Result<()> {
///     if let Some(input) = ctx.input() {
///         println!("{} bytes of {} ({:?})", payload.len(), input.name(), input.topic());
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Input {
    pub(crate) declared: Arc<Declared>,
    pub(crate) route: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) attempt: Option<u32>,
}

/// What all events of an input share.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) kind: ComponentKind,
    pub(crate) component: String,
    pub(crate) component_type: String,
    pub(crate) topic: Option<String>,
}

/// Names the two kinds of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputKind {
    /// A binding: a schedule, a queue, a device.
    Binding,
    /// A subscription to a topic.
    PubSub,
}

impl Declared {
    pub(crate) const fn kind(&self) -> InputKind {
        match self.kind {
            ComponentKind::Binding => InputKind::Binding,
            ComponentKind::PubSub => InputKind::PubSub,
        }
    }

    /// The input in words, for whoever looks for one.
    #[cfg(feature = "server")]
    pub(crate) fn describe(&self) -> String {
        let Self { name, component, topic, .. } = self;
        match topic {
            Some(topic) => format!("`{name}` (topic `{topic}` of `{component}`)"),
            None if name == component => format!("`{name}`"),
            None => format!("`{name}` (binding `{component}`)"),
        }
    }
}

impl Input {
    /// Returns the name it was declared with.
    pub fn name(&self) -> &str {
        &self.declared.name
    }

    /// Returns whether it is a binding or a subscription.
    pub fn kind(&self) -> InputKind {
        self.declared.kind()
    }

    /// Returns the name of the component behind it.
    pub fn component(&self) -> &str {
        &self.declared.component
    }

    /// Returns the type of the component, such as `bindings.cron`; empty when nothing declared it.
    pub fn component_type(&self) -> &str {
        &self.declared.component_type
    }

    /// Returns the topic of a subscription.
    pub fn topic(&self) -> Option<&str> {
        self.declared.topic.as_deref()
    }

    /// Returns the path of the rule that the event matched, where the subscription has routes.
    pub fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    /// Returns what the component said about the event, such as the offset or a header of its broker.
    pub const fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Returns one value of the metadata, whose name has no case: what comes over HTTP has lost it.
    ///
    /// ```
    /// # use functions_framework::Context;
    /// async fn tick(ctx: Context) {
    ///     println!("{:?}", ctx.input().and_then(|input| input.value("readTimeUTC")));
    /// }
    /// ```
    pub fn value(&self, name: &str) -> Option<&str> {
        self.metadata.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns which attempt at this event it is, from 1, where that is known: a Dapr sidecar does not tell.
    pub const fn attempt(&self) -> Option<u32> {
        self.attempt
    }
}
