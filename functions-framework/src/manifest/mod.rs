//! What the platform declared about the function: one model, whichever way it was written down.
//!
//! OpenFunction gives it in `FUNC_CONTEXT` and `FUNC_CONTEXT_V1BETA2`, which say different parts of it; a Function manifest
//! (`function.yaml`) says all of it, for a run at a desk.

pub(crate) mod component;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The merged model. Its JSON is what `--print-manifest` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) mode: Mode,
    pub(crate) port: Option<u16>,
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
pub(crate) struct Tracing {
    pub(crate) provider: String,
}

impl Manifest {
    /// Reads the two variables; `FUNC_CONTEXT` alone always carries the port (contract §1.4), so it goes first.
    pub(crate) fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut manifest = Self::default();
        for (variable, pointer) in [("FUNC_CONTEXT", "/port"), ("FUNC_CONTEXT_V1BETA2", "/triggers/http/port")] {
            let Some(text) = environment(variable).filter(|text| !text.is_empty()) else { continue };
            let context: Value = serde_json::from_str(&text).map_err(|error| format!("{variable}: no JSON: {error}"))?;
            if !context.is_object() {
                return Err(format!("{variable}: expected a JSON object"));
            }
            let port = match context.pointer(pointer) {
                None | Some(Value::Null) => continue,
                // Version 1 writes it as text, version 2 as a number; both are accepted in both.
                Some(Value::String(text)) => text.parse().ok(),
                Some(value) => value.as_u64().and_then(|number| u16::try_from(number).ok()),
            };
            let path = pointer.trim_start_matches('/').replace('/', ".");
            let port = port.ok_or_else(|| format!("{variable}: {path}: expected a number from 0 to 65535"))?;
            manifest.port.get_or_insert(port);
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(v1: Option<&str>, v2: Option<&str>) -> Result<Manifest, String> {
        Manifest::read(|name| if name == "FUNC_CONTEXT" { v1 } else { v2 }.map(str::to_owned))
    }

    #[test]
    fn the_port_is_text_or_a_number_in_either() {
        assert_eq!(read(None, None).unwrap().port, None);
        assert_eq!(read(Some(r#"{"port":"8081"}"#), Some(r#"{"triggers":{"http":{"port":9}}}"#)).unwrap().port, Some(8081));
        assert_eq!(read(None, Some(r#"{"triggers":{"http":{"port":9}}}"#)).unwrap().port, Some(9));
        assert_eq!(read(Some(r#"{"port":null}"#), None).unwrap().port, None);
    }

    #[test]
    fn a_mistake_is_named() {
        assert_eq!(read(Some(r#"{"port":"x"}"#), None).unwrap_err(), "FUNC_CONTEXT: port: expected a number from 0 to 65535");
        assert!(read(Some("{"), None).unwrap_err().starts_with("FUNC_CONTEXT: no JSON: "));
        assert!(read(Some("3"), None).unwrap_err().contains("object"));
    }
}
