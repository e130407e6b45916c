//! Components and subscriptions as a person declares them: in a Function manifest, or in the resource files of Dapr.
//!
//! On the platform a sidecar has them. At a desk whatever stands in for the sidecar reads them here.

use std::collections::BTreeMap;

/// All that was declared, in the order it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    pub(crate) components: Vec<Component>,
    pub(crate) subscriptions: Vec<Subscription>,
}

/// A binding, a pub/sub broker, a state store or any other component, with what configures it.
#[expect(clippy::struct_field_names, reason = "`type` is the field's own word, and Rust's")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    /// The name by which inputs, outputs and states know it: their `component`.
    pub(crate) name: String,
    /// Such as `bindings.cron`, `pubsub.redis` or `state.redis`.
    pub(crate) component_type: String,
    /// Such as `v1`.
    pub(crate) version: String,
    /// In the order it was written; a name may come more than once, the last counts.
    pub(crate) metadata: Vec<(String, MetadataValue)>,
    /// The secret store that `MetadataValue::Secret` refers to; none is the default of whoever reads it.
    pub(crate) secret_store: Option<String>,
    /// The apps that may use it; empty: all.
    pub(crate) scopes: Vec<String>,
}

/// A value of a component's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MetadataValue {
    /// Numbers and booleans are written as text.
    Plain(String),
    /// A value `key` of the secret `name`.
    Secret { name: String, key: String },
    /// An environment variable.
    Environment(String),
}

/// A subscription that a person declared beside the components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) name: String,
    /// The pub/sub component.
    pub(crate) component: String,
    pub(crate) topic: String,
    /// Tried in order; the first that matches says the path.
    pub(crate) rules: Vec<Rule>,
    /// The path when no rule matches.
    pub(crate) default_path: Option<String>,
    pub(crate) dead_letter_topic: Option<String>,
    pub(crate) bulk: Option<Bulk>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// The apps that have it; empty: all.
    pub(crate) scopes: Vec<String>,
}

/// A condition on an event, and where it goes when that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// An expression of CEL over `event`; empty matches always.
    pub(crate) matches: String,
    pub(crate) path: String,
}

/// Several messages in one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bulk {
    pub(crate) max_messages: Option<u32>,
    pub(crate) max_await_ms: Option<u32>,
}
