//! `FUNC_CONTEXT_V1BETA2`, the function context as OpenFunction 1.1 and later write it beside the other.
//!
//! What only this one has: every trigger, and the hooks and the tracing of `spec.serving`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    fields::Link,
    node::{Mistake, Node},
};

pub(super) const VARIABLE: &str = "FUNC_CONTEXT_V1BETA2";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) port: Option<u16>,
    pub(super) triggers: Vec<Trigger>,
    /// Components that a function with an HTTP trigger may read from while it works (`triggers.inputs`). They are no inputs
    /// in the sense of the model: version 1 does not list them and does not call the function asynchronous for them, and no
    /// framework takes events from them. Who subscribed to them would take messages that nobody asked for.
    pub(super) inputs: BTreeMap<String, Link>,
    pub(super) outputs: BTreeMap<String, Link>,
    pub(super) states: BTreeMap<String, Link>,
    pub(super) pre_hooks: Vec<String>,
    pub(super) post_hooks: Vec<String>,
    /// As it was written: when it is disabled it may be anything.
    pub(super) tracing: Value,
}

/// What brings events to the function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trigger {
    /// The component's real name.
    pub(super) name: String,
    /// Empty when the user left it out.
    pub(super) component_type: String,
    pub(super) topic: String,
    pub(super) input_name: String,
    pub(super) metadata: BTreeMap<String, String>,
}

impl Context {
    pub(super) fn read(context: &Node<'_>) -> Result<Self, Mistake> {
        let triggers = context.field("triggers")?;
        Ok(Self {
            name: context.field("name")?.text()?,
            version: context.field("version")?.text()?,
            port: triggers.field("http")?.field("port")?.port()?,
            triggers: triggers.field("dapr")?.list(Trigger::read)?,
            inputs: context.field("inputs")?.map(Link::read)?,
            outputs: context.field("outputs")?.map(Link::read)?,
            states: context.field("states")?.map(Link::read)?,
            pre_hooks: context.field("preHooks")?.texts()?,
            post_hooks: context.field("postHooks")?.texts()?,
            tracing: context.field("tracing")?.value.clone(),
        })
    }
}

impl Trigger {
    fn read(trigger: &Node<'_>) -> Result<Self, Mistake> {
        Ok(Self {
            name: trigger.field("name")?.text()?,
            component_type: trigger.field("type")?.text()?,
            topic: trigger.field("topic")?.text()?,
            input_name: trigger.field("inputName")?.text()?,
            metadata: trigger.field("metadata")?.metadata()?,
        })
    }
}
