//! What the platform declared about the function: one model, whichever way it was written down.
//!
//! OpenFunction gives it in `FUNC_CONTEXT` and `FUNC_CONTEXT_V1BETA2`, which say different parts of it; a Function manifest
//! (`function.yaml`) says all of it, for a run at a desk.

#[cfg_attr(not(feature = "local"), allow(dead_code, reason = "without it nobody reads what a person declares"))]
pub(crate) mod component;
mod fields;
#[cfg(feature = "local")]
mod file;
#[cfg(feature = "local")]
mod function_yaml;
mod merge;
mod node;
#[cfg(feature = "local")]
mod resources;
#[cfg(feature = "server")]
pub(crate) mod source;
#[cfg(feature = "local")]
mod subscriptions;
mod v1beta1;
mod v1beta2;
#[cfg(feature = "local")]
mod yaml;

use std::collections::BTreeMap;

use serde::Serialize;

use node::{Mistake, Node};

/// The merged model. Its JSON is what `--print-manifest` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) mode: Mode,
    pub(crate) port: Option<u16>,
    /// Whether requests call it too, where events do.
    #[serde(skip)]
    pub(crate) http_trigger: bool,
    pub(crate) inputs: Vec<Input>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) states: Vec<State>,
    pub(crate) hooks: Hooks,
    pub(crate) tracing: Option<Tracing>,
}

/// Whether the function is called by requests, or by events that a sidecar brings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    #[default]
    Sync,
    Async,
}

/// What kind of component is behind an input or an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ComponentKind {
    Binding,
    PubSub,
}

/// Where events come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Input {
    /// What the function calls it.
    pub(crate) name: String,
    pub(crate) kind: ComponentKind,
    /// The component's real name, by which a sidecar knows it.
    pub(crate) component: String,
    /// Such as `bindings.cron` or `pubsub.kafka`.
    #[serde(rename = "type")]
    pub(crate) component_type: String,
    pub(crate) topic: Option<String>,
    /// Of a subscription: what is passed on to the sidecar, and what the framework takes from it (`rawPayload`,
    /// `deadLetterTopic`, `bulkSubscribe`, routes).
    #[serde(skip)]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Where a function sends to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) kind: ComponentKind,
    pub(crate) component: String,
    #[serde(rename = "type")]
    pub(crate) component_type: String,
    pub(crate) topic: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Where a function keeps state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) component: String,
    #[serde(rename = "type")]
    pub(crate) component_type: String,
}

/// Names of the hooks to run, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Hooks {
    pub(crate) pre: Vec<String>,
    pub(crate) post: Vec<String>,
}

/// How invocations are traced; absent when tracing is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tracing {
    pub(crate) provider: Provider,
    /// Where SkyWalking's collector is.
    pub(crate) oap_server: Option<String>,
    /// How OpenTelemetry exports.
    pub(crate) exporter: Option<Exporter>,
    /// Put on every span.
    pub(crate) tags: BTreeMap<String, String>,
    /// Passed on to whoever is called; the platform's own is a header's name and value, as `key` and `value`.
    pub(crate) baggage: BTreeMap<String, String>,
}

/// Who collects the spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Provider {
    SkyWalking,
    OpenTelemetry,
}

impl Provider {
    const ALL: [Self; 2] = [Self::SkyWalking, Self::OpenTelemetry];

    /// As it is written in a manifest, and in a list of hooks where tracing has its place.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SkyWalking => "skywalking",
            Self::OpenTelemetry => "opentelemetry",
        }
    }
}

/// An exporter of OpenTelemetry; what is absent is for the exporter to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Exporter {
    pub(crate) name: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// As `k=v,k=v`.
    pub(crate) headers: Option<String>,
    pub(crate) compression: Option<String>,
    pub(crate) timeout: Option<String>,
    pub(crate) protocol: Option<String>,
}

impl Manifest {
    /// Merges the texts of `FUNC_CONTEXT` and `FUNC_CONTEXT_V1BETA2`.
    pub(crate) fn from_contexts(v1: Option<&str>, v2: Option<&str>) -> Result<Self, String> {
        let in_v1 = |mistake| format!("{}: {mistake}", v1beta1::VARIABLE);
        let in_v2 = |mistake| format!("{}: {mistake}", v1beta2::VARIABLE);
        let v1 = context(v1, v1beta1::Context::read).map_err(in_v1)?;
        let v2 = context(v2, v1beta2::Context::read).map_err(in_v2)?;
        merge::merge(v1, v2).map_err(|(variable, mistake)| format!("{variable}: {mistake}"))
    }

    /// The JSON of `--print-manifest`.
    pub(crate) fn to_json(&self) -> String {
        // Texts and lists of texts: there is nothing in it that JSON cannot say.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Reads one context; a variable without text counts as not set.
fn context<T>(json: Option<&str>, read: impl Fn(&Node<'_>) -> Result<T, Mistake>) -> Result<Option<T>, Mistake> {
    let Some(json) = json.filter(|json| !json.trim().is_empty()) else { return Ok(None) };
    read(&Node::whole(&fields::parse(json)?)).map(Some)
}

#[cfg(all(test, feature = "local"))]
mod tests;
