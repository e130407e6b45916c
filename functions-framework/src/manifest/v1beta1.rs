//! `FUNC_CONTEXT`, the function context as OpenFunction 0.6 and later wrote it.
//!
//! What only this one has: the topics of outputs, the names users gave to outputs, the port, the runtime, and what was
//! declared with annotations.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Mode,
    fields::Link,
    node::{Mistake, Node},
};

pub(super) const VARIABLE: &str = "FUNC_CONTEXT";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) runtime: String,
    pub(super) port: Option<u16>,
    /// One for each name: of two triggers without a name of their own, on one component, the later is here.
    pub(super) inputs: BTreeMap<String, Link>,
    pub(super) outputs: BTreeMap<String, Link>,
    pub(super) states: BTreeMap<String, Link>,
    pub(super) pre_plugins: Vec<String>,
    pub(super) post_plugins: Vec<String>,
    /// As it was written: when it is disabled it may be anything.
    pub(super) plugins_tracing: Value,
}

impl Context {
    pub(super) fn read(context: &Node<'_>) -> Result<Self, Mistake> {
        Ok(Self {
            name: context.field("name")?.text()?,
            version: context.field("version")?.text()?,
            runtime: context.field("runtime")?.text()?,
            port: context.field("port")?.port()?,
            inputs: context.field("inputs")?.map(Link::read)?,
            outputs: context.field("outputs")?.map(Link::read)?,
            states: context.field("states")?.map(Link::read)?,
            pre_plugins: context.field("prePlugins")?.texts()?,
            post_plugins: context.field("postPlugins")?.texts()?,
            plugins_tracing: context.field("pluginsTracing")?.value.clone(),
        })
    }

    /// What the platform calls the mode; none when it is a runtime of another time.
    pub(super) fn mode(&self) -> Option<Mode> {
        match self.runtime.to_ascii_lowercase().as_str() {
            "knative" => Some(Mode::Sync),
            "async" => Some(Mode::Async),
            _ => None,
        }
    }
}
