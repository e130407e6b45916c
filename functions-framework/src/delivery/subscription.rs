//! What a subscription asks of the broker, as the metadata of its input says it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::manifest::{
    Input,
    component::{Bulk, Rule},
};

/// The terms of a subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// Passed on as it is: `rawPayload` and what the component knows.
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) dead_letter_topic: Option<String>,
    pub(crate) bulk: Option<Bulk>,
    /// Tried in order; the first that matches says the path.
    pub(crate) rules: Vec<Rule>,
    /// The path of events that no rule matches.
    pub(crate) default_path: Option<String>,
}

impl Subscription {
    /// Takes what is the framework's out of the metadata of an input: `deadLetterTopic`, `routes`, and `bulkSubscribe` with its
    /// settings.
    ///
    /// # Errors
    /// A value that cannot be read, by input and key, for whoever wrote the manifest.
    pub(crate) fn of(input: &Input) -> Result<Self, String> {
        let mut subscription = Self { metadata: input.metadata.clone(), ..Self::default() };
        let wrong = |key: &str, value: &str, expected: &str| {
            format!("input `{}`: metadata.{key}: {value:?}: expected {expected}", input.name)
        };
        subscription.dead_letter_topic = subscription.take("deadLetterTopic");
        if let Some(text) = subscription.take("routes") {
            let expected = r#"JSON such as {"rules":[{"match":"event.type == \"a\"","path":"/a"}],"default":"/b"}"#;
            let routes: Routes = serde_json::from_str(&text).map_err(|_| wrong("routes", &text, expected))?;
            subscription.rules = routes.rules.into_iter().map(|rule| Rule { matches: rule.matches, path: rule.path }).collect();
            subscription.default_path = routes.default.filter(|path| !path.is_empty());
        }
        let mut number = |key: &str| match subscription.take(key) {
            Some(text) => text.parse().map(Some).map_err(|_| wrong(key, &text, "a number")),
            None => Ok(None),
        };
        let max_messages = number("bulkSubscribe.maxMessagesCount")?;
        let max_await_ms = number("bulkSubscribe.maxAwaitDurationMs")?;
        let enabled = subscription.take("bulkSubscribe").or_else(|| subscription.take("bulkSubscribe.enabled"));
        subscription.bulk = match enabled.as_deref() {
            Some("true") => Some(Bulk { max_messages, max_await_ms }),
            None | Some("false") => None,
            Some(text) => return Err(wrong("bulkSubscribe", text, "true or false")),
        };
        Ok(subscription)
    }

    /// Names differ in case by taste only, as for Dapr.
    fn take(&mut self, key: &str) -> Option<String> {
        let found = self.metadata.keys().find(|known| known.eq_ignore_ascii_case(key))?.clone();
        self.metadata.remove(&found)
    }
}

#[derive(Deserialize)]
struct Routes {
    #[serde(default)]
    rules: Vec<RouteRule>,
    default: Option<String>,
}

#[derive(Deserialize)]
struct RouteRule {
    #[serde(default, rename = "match")]
    matches: String,
    path: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ComponentKind;

    fn of(metadata: &[(&str, &str)]) -> Result<Subscription, String> {
        Subscription::of(&Input {
            name: "orders".into(),
            kind: ComponentKind::PubSub,
            component: "bus".into(),
            component_type: "pubsub.kafka".into(),
            topic: Some("orders".into()),
            metadata: metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        })
    }

    #[test]
    fn the_frameworks_own_is_taken_out_and_the_rest_passed_on() {
        let subscription = of(&[
            ("rawPayload", "true"),
            ("deadlettertopic", "dead"),
            ("bulkSubscribe", "true"),
            ("bulkSubscribe.maxMessagesCount", "10"),
            ("routes", r#"{"rules":[{"match":"event.type == \"a\"","path":"/a"},{"path":"/b"}],"default":"/c"}"#),
        ])
        .unwrap();
        assert_eq!(subscription.metadata, BTreeMap::from([("rawPayload".to_owned(), "true".to_owned())]));
        assert_eq!(subscription.dead_letter_topic.as_deref(), Some("dead"));
        assert_eq!(subscription.bulk, Some(Bulk { max_messages: Some(10), max_await_ms: None }));
        assert_eq!(subscription.rules.len(), 2);
        assert_eq!((&*subscription.rules[1].matches, &*subscription.rules[1].path), ("", "/b"));
        assert_eq!(subscription.default_path.as_deref(), Some("/c"));
        assert_eq!(of(&[]).unwrap(), Subscription::default());
        assert_eq!(of(&[("bulkSubscribe", "false")]).unwrap().bulk, None);
    }

    #[test]
    fn a_mistake_names_the_input_and_the_key() {
        for (key, value) in [("routes", "/a"), ("bulkSubscribe", "yes"), ("bulkSubscribe.maxMessagesCount", "many")] {
            let wrong = of(&[(key, value)]).unwrap_err();
            assert!(wrong.starts_with(&format!("input `orders`: metadata.{key}: {value:?}: expected ")), "{wrong}");
        }
    }
}
