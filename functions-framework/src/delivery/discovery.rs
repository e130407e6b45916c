//! What a sidecar asks once, before any event: answered from what is known by then, for it never asks again (contract dapr.md §0.4).

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Inputs, Source};

/// Where the events of an input are delivered: below its name, so that two topics or a topic and a function never meet.
const BELOW: &str = "/dapr/inputs/";

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The path that stands for an input, or for a route of its subscription.
pub(super) fn path(source: &Source, route: Option<&str>) -> String {
    let route = route.unwrap_or_default();
    let slash = if route.is_empty() || route.starts_with('/') { "" } else { "/" };
    format!("{BELOW}{}{slash}{route}", utf8_percent_encode(&source.declared.name, SEGMENT))
}

/// The input, by name, and the route that a path stands for.
pub(super) fn parse(path: &str) -> Option<(Cow<'_, str>, Option<&str>)> {
    let rest = path.strip_prefix(BELOW)?;
    let (name, route) = rest.find('/').map_or((rest, None), |slash| (&rest[..slash], Some(&rest[slash..])));
    Some((percent_decode_str(name).decode_utf8().ok()?, route))
}

/// The answer to `GET /dapr/subscribe`.
pub(super) fn subscriptions(inputs: &Inputs) -> Value {
    let topics = inputs.all().iter().filter_map(|source| Some((source, source.declared.topic.as_deref()?)));
    let subscriptions = topics.map(|(source, topic)| {
        let terms = &source.subscription;
        let mut entry = json!({ "pubsubname": source.declared.component, "topic": topic });
        if terms.rules.is_empty() {
            entry["route"] = path(source, terms.default_path.as_deref()).into();
        } else {
            let rules = terms.rules.iter().map(|rule| json!({ "match": rule.matches, "path": path(source, Some(&rule.path)) }));
            // Without a default, what matches no rule would be acknowledged and gone.
            let default = path(source, terms.default_path.as_deref());
            entry["routes"] = json!({ "rules": rules.collect::<Vec<_>>(), "default": default });
        }
        if !terms.metadata.is_empty() {
            entry["metadata"] = json!(terms.metadata);
        }
        if let Some(topic) = &terms.dead_letter_topic {
            entry["deadLetterTopic"] = json!(topic);
        }
        if let Some(bulk) = terms.bulk {
            entry["bulkSubscribe"] = json!({ "enabled": true });
            if let Some(most) = bulk.max_messages {
                entry["bulkSubscribe"]["maxMessagesCount"] = most.into();
            }
            if let Some(longest) = bulk.max_await_ms {
                entry["bulkSubscribe"]["maxAwaitDurationMs"] = longest.into();
            }
        }
        entry
    });
    subscriptions.collect()
}
