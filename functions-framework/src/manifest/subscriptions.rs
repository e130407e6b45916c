//! Subscriptions that were declared beside the components: they are inputs too.

use serde_json::json;

use super::{
    ComponentKind, Input,
    component::{Component, Subscription},
    fields, merge,
    source::Declaration,
};

/// Makes inputs of the subscriptions among the resources. Where the function has the same as an input already, that says what
/// the subscription says on top.
pub(super) fn join(declaration: &mut Declaration) -> Result<(), String> {
    let Declaration { manifest, resources, .. } = declaration;
    for subscription in &resources.subscriptions {
        // A sidecar knows an app by its name; one without a name has what is for all.
        if !(subscription.scopes.is_empty() || subscription.scopes.contains(&manifest.name)) {
            continue;
        }
        let input = subscription.input(&resources.components)?;
        let same = |known: &&mut Input| known.component == input.component && known.topic == input.topic;
        match manifest.inputs.iter_mut().find(same) {
            Some(known) => {
                for (name, value) in input.metadata {
                    known.metadata.entry(name).or_insert(value);
                }
            }
            None => merge::add(&mut manifest.inputs, input),
        }
    }
    Ok(())
}

impl Subscription {
    /// The same as an input: its metadata says the rest, in the words that inputs have for it.
    fn input(&self, components: &[Component]) -> Result<Input, String> {
        let component = components.iter().find(|component| component.name == self.component);
        let component_type = component.map_or("pubsub", |component| &component.component_type);
        if fields::kind(component_type) != Some(ComponentKind::PubSub) {
            let (name, component) = (&self.name, &self.component);
            return Err(format!(
                "the component `{component}` of subscription `{name}` is of type {component_type}: expected pubsub.*"
            ));
        }
        let mut metadata = self.metadata.clone();
        let mut say = |name: &str, value: String| drop(metadata.insert(name.to_owned(), value));
        if let Some(topic) = &self.dead_letter_topic {
            say("deadLetterTopic", topic.clone());
        }
        if !self.rules.is_empty() || self.default_path.is_some() {
            let rules: Vec<_> = self.rules.iter().map(|rule| json!({"match": rule.matches, "path": rule.path})).collect();
            say("routes", json!({"rules": rules, "default": self.default_path}).to_string());
        }
        if let Some(bulk) = self.bulk {
            say("bulkSubscribe", "true".to_owned());
            let limits = [("maxMessagesCount", bulk.max_messages), ("maxAwaitDurationMs", bulk.max_await_ms)];
            for (name, limit) in limits.into_iter().filter_map(|(name, limit)| Some((name, limit?))) {
                say(&format!("bulkSubscribe.{name}"), limit.to_string());
            }
        }
        Ok(Input {
            name: self.name.clone(),
            kind: ComponentKind::PubSub,
            component: self.component.clone(),
            component_type: component_type.to_owned(),
            topic: Some(self.topic.clone()),
            metadata,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::manifest::component::{Bulk, Resources, Rule};

    fn subscription(name: &str, topic: &str) -> Subscription {
        Subscription {
            name: name.to_owned(),
            component: "broker".to_owned(),
            topic: topic.to_owned(),
            rules: Vec::new(),
            default_path: None,
            dead_letter_topic: None,
            bulk: None,
            metadata: BTreeMap::new(),
            scopes: Vec::new(),
        }
    }

    fn joined(subscriptions: Vec<Subscription>, inputs: Vec<Input>, component_type: &str) -> Result<Vec<Input>, String> {
        let component = Component {
            name: "broker".to_owned(),
            component_type: component_type.to_owned(),
            version: "v1".to_owned(),
            metadata: Vec::new(),
            secret_store: None,
            scopes: Vec::new(),
        };
        let mut declaration = Declaration::default();
        declaration.manifest.name = "mine".to_owned();
        declaration.manifest.inputs = inputs;
        declaration.resources = Resources { components: vec![component], subscriptions };
        join(&mut declaration)?;
        Ok(declaration.manifest.inputs)
    }

    #[test]
    fn a_subscription_is_an_input_with_all_that_it_says() {
        let whole = Subscription {
            rules: vec![Rule { matches: "event.type == \"a\"".to_owned(), path: "/a".to_owned() }],
            default_path: Some("/b".to_owned()),
            dead_letter_topic: Some("dead".to_owned()),
            bulk: Some(Bulk { max_messages: Some(7), max_await_ms: None }),
            metadata: BTreeMap::from([("rawPayload".to_owned(), "true".to_owned())]),
            ..subscription("orders", "placed")
        };
        let inputs = joined(vec![whole], Vec::new(), "pubsub.redis").unwrap();
        let [input] = &inputs[..] else { panic!("{inputs:?}") };
        assert_eq!((&*input.name, &*input.component_type, input.topic.as_deref()), ("orders", "pubsub.redis", Some("placed")));
        let expected = [
            ("bulkSubscribe", "true"),
            ("bulkSubscribe.maxMessagesCount", "7"),
            ("deadLetterTopic", "dead"),
            ("rawPayload", "true"),
            ("routes", r#"{"default":"/b","rules":[{"match":"event.type == \"a\"","path":"/a"}]}"#),
        ];
        assert_eq!(input.metadata, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn what_is_an_input_already_stays_one_and_learns_the_rest() {
        let plain = || joined(vec![subscription("orders", "placed")], Vec::new(), "pubsub.redis").unwrap();
        let dead = Subscription { dead_letter_topic: Some("dead".to_owned()), ..subscription("other", "placed") };
        let inputs = joined(vec![dead], plain(), "pubsub.redis").unwrap();
        let [input] = &inputs[..] else { panic!("{inputs:?}") };
        assert_eq!((&*input.name, &*input.metadata["deadLetterTopic"]), ("orders", "dead"));
        let inputs = joined(vec![subscription("orders", "cancelled")], plain(), "pubsub.redis").unwrap();
        assert_eq!(inputs.iter().map(|input| &*input.name).collect::<Vec<_>>(), ["orders", "orders/cancelled"]);
    }

    #[test]
    fn a_subscription_of_another_app_is_not_ours() {
        let scoped = |scope: &str| Subscription { scopes: vec![scope.to_owned()], ..subscription("orders", "placed") };
        let inputs = joined(vec![scoped("theirs"), scoped("mine")], Vec::new(), "pubsub.redis").unwrap();
        assert_eq!(inputs.len(), 1);
        assert!(joined(vec![scoped("theirs")], Vec::new(), "pubsub.redis").unwrap().is_empty());
    }

    #[test]
    fn a_subscription_to_what_is_no_broker_is_refused() {
        let refused = joined(vec![subscription("orders", "placed")], Vec::new(), "bindings.cron").unwrap_err();
        assert_eq!(refused, "the component `broker` of subscription `orders` is of type bindings.cron: expected pubsub.*");
    }
}
