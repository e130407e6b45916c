//! Beside a Dapr sidecar, or with one elsewhere.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::Backend;
use crate::{
    context::{DeclaredInput, InputKind, Outside},
    delivery::{Callbacks, Inputs, Mount, Rules},
    function::BoxFuture,
    manifest::Manifest,
    server::routes::Routes,
    settings::Settings,
    sidecar::{
        Scope,
        dapr::{Dapr, metadata::Installed},
    },
    startup::Exit,
    telemetry,
};

#[derive(Debug)]
pub(super) struct Beside {
    dapr: Arc<Dapr>,
    outside: Arc<Outside>,
    inputs: OnceLock<Arc<Inputs>>,
}

impl Beside {
    pub(super) fn new(settings: &Settings, manifest: &Manifest) -> Result<Self, Exit> {
        let dapr = Arc::new(Dapr::new(&settings.dapr, settings.max_body_size).map_err(Exit::configuration)?);
        let counted = telemetry::counted(Arc::clone(&dapr) as _, manifest);
        let outside = Arc::new(Outside::new(manifest, telemetry::traced(counted, manifest)));
        Ok(Self { dapr, outside, inputs: OnceLock::new() })
    }
}

impl Backend for Beside {
    fn outside(&self) -> Arc<Outside> {
        Arc::clone(&self.outside)
    }

    fn mount(&self, inputs: Arc<Inputs>, rules: Rules, routes: Arc<Routes>) -> Arc<dyn Mount> {
        let inputs = Arc::clone(self.inputs.get_or_init(|| inputs));
        Arc::new(Callbacks::new(inputs, rules, routes))
    }

    fn opened(&self) {
        if let Some(inputs) = self.inputs.get().filter(|inputs| !inputs.all().is_empty()) {
            tokio::spawn(check(Arc::clone(&self.dapr), Arc::clone(inputs)));
        }
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        // The sidecar ends by itself; what it still brings is waited for at the port.
        Box::pin(std::future::ready(()))
    }
}

/// How long a sidecar may take to have everything: it asks for subscriptions once the port is open.
const READY: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// Says which inputs will get no events, for nobody else does: a sidecar that lacks a component, or that asked for subscriptions
/// at the wrong moment, is silent about it and never asks again (contract dapr.md §0.4).
async fn check(dapr: Arc<Dapr>, inputs: Arc<Inputs>) {
    let mut found = Err("it was not asked".to_owned());
    for wait in READY {
        tokio::time::sleep(wait).await;
        let deadline = Some(std::time::Instant::now() + Duration::from_secs(5));
        found = dapr.metadata(&Scope { deadline, ..Scope::default() }).await.map_err(|error| error.to_string());
        if let Ok(installed) = &found
            && inputs.all().iter().all(|source| missing(&source.declared, installed).is_none())
        {
            let names: Vec<_> = inputs.all().iter().map(|source| &*source.declared.name).collect();
            tracing::info!(inputs = names.join(", "), dapr = installed.version, "the sidecar has all inputs");
            return;
        }
    }
    match found {
        Ok(installed) => {
            for source in inputs.all() {
                if let Some(why) = missing(&source.declared, &installed) {
                    tracing::warn!(input = source.declared.name, "no event will come: {why}");
                }
            }
        }
        Err(error) => tracing::warn!(error, "cannot ask the sidecar whether it has the inputs"),
    }
}

/// Why a sidecar brings no event of an input.
fn missing(input: &DeclaredInput, installed: &Installed) -> Option<String> {
    if !installed.components.iter().any(|component| component.name == input.component) {
        let names: BTreeSet<_> = installed.components.iter().map(|component| &*component.name).collect();
        let names: Vec<_> = names.into_iter().collect();
        return Some(format!("the sidecar has no component `{}` (it has: {})", input.component, names.join(", ")));
    }
    let topic = input.topic.as_deref().filter(|_| input.kind() == InputKind::PubSub)?;
    let mut subscriptions = installed.subscriptions.iter();
    if subscriptions.any(|subscription| subscription.pubsub == input.component && subscription.topic == topic) {
        return None;
    }
    Some(format!(
        "the sidecar has no subscription to topic `{topic}` of `{}`: it asks for them once, at its start",
        input.component
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        manifest::ComponentKind,
        sidecar::dapr::metadata::{Component, Subscription, SubscriptionOrigin},
    };

    fn input(component: &str, topic: Option<&str>) -> DeclaredInput {
        DeclaredInput {
            name: "orders".into(),
            kind: if topic.is_some() { ComponentKind::PubSub } else { ComponentKind::Binding },
            component: component.into(),
            component_type: String::new(),
            topic: topic.map(str::to_owned),
        }
    }

    #[test]
    fn an_input_needs_its_component_and_a_topic_its_subscription() {
        let component = |name: &str| Component { name: name.into(), kind: "pubsub.redis".into(), capabilities: Vec::new() };
        let installed = Installed {
            version: "1".into(),
            app_id: "a".into(),
            components: vec![component("bus"), component("tick")],
            subscriptions: vec![Subscription {
                pubsub: "bus".into(),
                topic: "orders".into(),
                dead_letter_topic: None,
                origin: SubscriptionOrigin::Programmatic,
            }],
        };
        assert_eq!(missing(&input("tick", None), &installed), None);
        assert_eq!(missing(&input("bus", Some("orders")), &installed), None);
        assert!(missing(&input("bus", Some("other")), &installed).unwrap().contains("no subscription to topic `other`"));
        assert!(missing(&input("none", None), &installed).unwrap().contains("it has: bus, tick"));
    }
}
