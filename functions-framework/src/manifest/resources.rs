//! The resource files of Dapr: components and subscriptions, as a sidecar reads them from a folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    component::{Bulk, Component, MetadataValue, Resources, Rule, Subscription},
    fields::some,
    file::File,
    node::{Mistake, Node},
    yaml::Document,
};

/// Reads every YAML file of a folder, in the order of their names.
pub(super) fn read(folder: &Path) -> Result<Resources, String> {
    let unreadable = |error| format!("{}: cannot read the folder of resources: {error}", folder.display());
    let mut paths = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.insert(entry.file_name(), path);
        }
    }
    let mut resources = Resources::default();
    let mut origins: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in paths.into_values() {
        let file = File::read(&path)?;
        for document in &file.documents {
            let known = resources.components.len();
            take(&mut resources, document).map_err(|mistake| file.explain(document, &mistake))?;
            for component in &resources.components[known..] {
                if let Some(other) = origins.insert(component.name.clone(), path.clone()) {
                    let what = format!("{:?} is the name of a component in {} too", component.name, other.display());
                    return Err(file.explain(document, &Mistake::new("metadata.name", what)));
                }
            }
        }
    }
    Ok(resources)
}

/// Adds what a document declares; other kinds of resources are not ours.
pub(super) fn take(resources: &mut Resources, document: &Document) -> Result<(), Mistake> {
    let whole = Node::whole(&document.value);
    let api_version = whole.field("apiVersion")?;
    let Some(version) = api_version.value.as_str().and_then(|version| version.strip_prefix("dapr.io/")) else { return Ok(()) };
    let name = |kind: &str| needed(&whole.field("metadata")?.field("name")?, &format!("the name of the {kind}"));
    let scopes = || whole.field("scopes")?.texts();
    match whole.field("kind")?.text()?.as_str() {
        "Component" => {
            let mut component = Written::read(&whole.field("spec")?)?.component(name("component")?)?;
            component.secret_store = some(&whole.field("auth")?.field("secretStore")?.text()?);
            component.scopes = scopes()?;
            resources.components.push(component);
        }
        "Subscription" => {
            let name = name("subscription")?;
            let spec = whole.field("spec")?;
            let (rules, default) = match version {
                "v1alpha1" => (Vec::new(), spec.field("route")?.text()?),
                "v2alpha1" => {
                    let routes = spec.field("routes")?;
                    (routes.field("rules")?.list(rule)?, routes.field("default")?.text()?)
                }
                _ => return Err(api_version.expected("dapr.io/v1alpha1 or dapr.io/v2alpha1")),
            };
            resources.subscriptions.push(Subscription {
                name,
                component: needed(&spec.field("pubsubname")?, "the name of a pub/sub component")?,
                topic: needed(&spec.field("topic")?, "the topic to subscribe to")?,
                rules,
                default_path: some(&default),
                dead_letter_topic: some(&spec.field("deadLetterTopic")?.text()?),
                bulk: bulk(&spec.field("bulkSubscribe")?)?,
                metadata: spec.field("metadata")?.metadata()?,
                scopes: scopes()?,
            });
        }
        _ => (),
    }
    Ok(())
}

fn needed(node: &Node<'_>, expected: &str) -> Result<String, Mistake> {
    some(&node.text()?).ok_or_else(|| node.mistake(format!("expected {expected}")))
}

fn rule(rule: &Node<'_>) -> Result<Rule, Mistake> {
    Ok(Rule { matches: rule.field("match")?.text()?, path: rule.field("path")?.text()? })
}

fn bulk(bulk: &Node<'_>) -> Result<Option<Bulk>, Mistake> {
    let read = Bulk {
        max_messages: bulk.field("maxMessagesCount")?.count()?,
        max_await_ms: bulk.field("maxAwaitDurationMs")?.count()?,
    };
    Ok(if bulk.field("enabled")?.is_true()? { Some(read) } else { None })
}

/// What a component is made of, in a file of Dapr and in a Function manifest.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Where it is written.
    pub(super) path: String,
    pub(super) component_type: String,
    version: String,
    metadata: Vec<(String, MetadataValue)>,
}

impl Written {
    pub(super) fn read(spec: &Node<'_>) -> Result<Self, Mistake> {
        spec.only(&["type", "version", "metadata", "ignoreErrors", "initTimeout"])?;
        Ok(Self {
            path: spec.path(),
            component_type: spec.field("type")?.text()?,
            version: spec.field("version")?.text()?,
            metadata: spec.field("metadata")?.list(item)?,
        })
    }

    pub(super) fn component(self, name: String) -> Result<Component, Mistake> {
        if self.component_type.is_empty() {
            return Err(Mistake::new(format!("{}.type", self.path), "expected a type such as `pubsub.redis`"));
        }
        let version = some(&self.version).unwrap_or_else(|| "v1".to_owned());
        let (secret_store, scopes) = (None, Vec::new());
        Ok(Component { name, component_type: self.component_type, version, metadata: self.metadata, secret_store, scopes })
    }
}

/// As in Dapr a reference is for where no value is written.
fn item(item: &Node<'_>) -> Result<(String, MetadataValue), Mistake> {
    item.only(&["name", "value", "secretKeyRef", "envRef"])?;
    let name = needed(&item.field("name")?, "a name")?;
    let secret = item.field("secretKeyRef")?;
    secret.only(&["name", "key"])?;
    let (secret, key) = (secret.field("name")?.text()?, secret.field("key")?.text()?);
    let variable = item.field("envRef")?.text()?;
    let value = match item.field("value")?.value {
        Value::String(text) if !text.is_empty() => MetadataValue::Plain(text.clone()),
        Value::Null | Value::String(_) if !secret.is_empty() => {
            let key = some(&key).unwrap_or_else(|| secret.clone());
            MetadataValue::Secret { name: secret, key }
        }
        Value::Null | Value::String(_) if !variable.is_empty() => MetadataValue::Environment(variable),
        Value::Null | Value::String(_) => MetadataValue::Plain(String::new()),
        // Numbers, booleans, and what a component takes as JSON.
        other => MetadataValue::Plain(other.to_string()),
    };
    Ok((name, value))
}
