//! What either version of a manifest declares, and the contexts that the platform makes of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    super::{
        ComponentKind,
        component::{Component, Resources},
        fields::{self, Link, some, unknown_kind},
        node::{Mistake, Node},
        resources::Written,
        v1beta1,
        v1beta2::{self, Trigger},
    },
    annotations::Annotations,
};

/// A manifest in the words of the newer version.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) version: String,
    pub(super) port: Option<u16>,
    pub(super) triggers: Vec<Reference>,
    pub(super) outputs: Vec<Reference>,
    pub(super) sections: Sections,
    pub(super) hooks: Hooks,
    /// Null when the manifest does not speak of it.
    pub(super) tracing: Value,
    pub(super) params: BTreeMap<String, String>,
    pub(super) remarks: Vec<String>,
}

/// A component that a trigger or an output refers to.
#[derive(Default)]
pub(super) struct Reference {
    /// Where it is written.
    pub(super) path: String,
    /// The field there that names the component.
    pub(super) field: &'static str,
    pub(super) component: String,
    /// May be empty: then the component's own counts.
    pub(super) component_type: String,
    pub(super) topic: String,
    /// The user's name for the input or the output; may be empty.
    pub(super) name: String,
    pub(super) operation: String,
    pub(super) metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Hooks {
    pub(super) pre: Vec<String>,
    pub(super) post: Vec<String>,
}

/// The components that a manifest declares itself.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) bindings: BTreeMap<String, Written>,
    pub(super) pubsub: BTreeMap<String, Written>,
    /// None is a store that is declared elsewhere.
    pub(super) states: BTreeMap<String, Option<Written>>,
}

impl Sections {
    /// All of them: the prefix of their types, their name and what they are made of.
    fn all(&self) -> Vec<(&'static str, &str, &Written)> {
        let mut all = Vec::new();
        for (prefix, section) in [("bindings", &self.bindings), ("pubsub", &self.pubsub)] {
            for (name, written) in section {
                all.push((prefix, name.as_str(), written));
            }
        }
        for (name, written) in &self.states {
            if let Some(written) = written {
                all.push(("state", name.as_str(), written));
            }
        }
        all
    }

    pub(super) fn type_of(&self, component: &str) -> Option<String> {
        let all = self.all();
        let found = all.iter().find(|(_, name, written)| *name == component && !written.component_type.is_empty());
        found.map(|(_, _, written)| written.component_type.clone())
    }

    /// The name of a component here. The platform makes one that is unique in the cluster; a desk needs no more than one that
    /// is unique among the three sections.
    fn local_name(&self, prefix: &str, component: &str) -> String {
        let all = self.all();
        let is_declared = all.iter().any(|(section, name, _)| *section == prefix && *name == component);
        let is_unique = all.iter().filter(|(_, name, _)| *name == component).count() < 2;
        if is_unique || !is_declared { component.to_owned() } else { format!("{prefix}-{component}") }
    }
}

impl Declared {
    /// Looks at the tracing that will be used.
    pub(super) fn check_tracing(&self, annotations: &Annotations) -> Result<(), Mistake> {
        let tracing = if self.tracing.is_null() {
            Node::at(&annotations.tracing_path, &annotations.tracing)
        } else {
            Node::at("spec.serving.tracing", &self.tracing)
        };
        if fields::is_enabled(&tracing)? {
            fields::read_tracing(&tracing)?;
        }
        Ok(())
    }

    /// The components of the manifest. One whose type is not that of its section works here; the platform looks for it in vain.
    pub(super) fn components(&mut self) -> Result<Vec<Component>, Mistake> {
        let mut components = Vec::new();
        for (prefix, name, written) in self.sections.all() {
            let component = written.clone().component(self.sections.local_name(prefix, name))?;
            if component.component_type.split('.').next() != Some(prefix) {
                let (path, component_type) = (&written.path, &component.component_type);
                let odd =
                    format!("{path}: its type is {component_type}: OpenFunction finds it here only if that is {prefix}.*");
                self.remarks.push(odd);
            }
            components.push(component);
        }
        Ok(components)
    }

    /// Makes what the platform would put into `FUNC_CONTEXT` and `FUNC_CONTEXT_V1BETA2`.
    pub(super) fn contexts(
        &self,
        name: String,
        annotations: Annotations,
        existing: &Resources,
    ) -> Result<(v1beta1::Context, v1beta2::Context), Mistake> {
        let version = some(&self.version).unwrap_or_else(|| "latest".to_owned());
        let port = self.port.or(Some(8080));
        let runtime = if self.triggers.is_empty() { "Knative" } else { "Async" }.to_owned();
        let mut v1 = v1beta1::Context { name: name.clone(), version: version.clone(), runtime, port, ..Default::default() };
        // Without a dapr trigger there is one of http, which the platform writes down where nobody has.
        let http = if self.triggers.is_empty() { port } else { self.port };
        let mut v2 = v1beta2::Context { name, version, port: http, ..Default::default() };
        for trigger in &self.triggers {
            let (kind, link) = self.link(trigger, existing)?;
            if kind == ComponentKind::PubSub && trigger.topic.is_empty() {
                return Err(Mistake::new(format!("{}.topic", trigger.path), "expected the topic to subscribe to"));
            }
            v2.triggers.push(Trigger {
                name: link.component_name.clone(),
                component_type: trigger.component_type.clone(),
                topic: trigger.topic.clone(),
                input_name: trigger.name.clone(),
                metadata: BTreeMap::new(),
            });
            v1.inputs.insert(trigger.name(), link);
        }
        for output in &self.outputs {
            let (_, link) = self.link(output, existing)?;
            v2.outputs.insert(output.component.clone(), Link { uri: String::new(), ..link.clone() });
            v1.outputs.insert(output.name(), link);
        }
        for (name, written) in &self.sections.states {
            let own = written.as_ref().map(|written| written.component_type.clone());
            let Some(component_type) = own.or_else(|| elsewhere(name, existing)) else {
                return Err(undeclared(format!("spec.serving.states.{name}"), name));
            };
            let component_name = self.sections.local_name("state", name);
            let link = Link { component_name, component_type, ..Link::default() };
            v1.states.insert(name.clone(), link.clone());
            v2.states.insert(name.clone(), link);
        }
        let Hooks { pre, post } = annotations.hooks.unwrap_or_default();
        (v1.pre_plugins, v1.post_plugins) = (pre, post);
        (v2.pre_hooks, v2.post_hooks) = (self.hooks.pre.clone(), self.hooks.post.clone());
        v2.tracing = if self.tracing.is_null() {
            // As on a platform where nobody has changed the defaults: it is off, and an annotation switches it on.
            Value::Object(serde_json::Map::new())
        } else if fields::is_enabled(&Node::at("spec.serving.tracing", &self.tracing))? {
            self.tracing.clone()
        } else {
            Value::Null
        };
        v1.plugins_tracing = annotations.tracing;
        Ok((v1, v2))
    }

    fn link(&self, reference: &Reference, existing: &Resources) -> Result<(ComponentKind, Link), Mistake> {
        let Reference { path, field, component, .. } = reference;
        let named_at = format!("{path}.{field}");
        if component.is_empty() {
            return Err(Mistake::new(named_at, "expected the name of a component"));
        }
        let own = some(&reference.component_type).map(|own| (format!("{path}.type"), own));
        let found = || self.sections.type_of(component).or_else(|| elsewhere(component, existing));
        let Some((typed_at, component_type)) = own.or_else(|| Some((named_at.clone(), found()?))) else {
            return Err(undeclared(named_at, component));
        };
        let kind = fields::kind(&component_type).ok_or_else(|| unknown_kind(typed_at, &component_type))?;
        let prefix = component_type.split_once('.').map_or("", |(prefix, _)| prefix);
        let link = Link {
            component_name: self.sections.local_name(prefix, component),
            uri: if kind == ComponentKind::Binding { component.clone() } else { reference.topic.clone() },
            topic: String::new(),
            operation: reference.operation.clone(),
            metadata: reference.metadata.clone(),
            component_type,
        };
        Ok((kind, link))
    }
}

impl Reference {
    /// What users call it.
    fn name(&self) -> String {
        some(&self.name).unwrap_or_else(|| self.component.clone())
    }
}

/// The type of a component that is not the manifest's own.
fn elsewhere(component: &str, existing: &Resources) -> Option<String> {
    let found = existing.components.iter().find(|known| known.name == component);
    found.map(|component| component.component_type.clone())
}

fn undeclared(path: String, component: &str) -> Mistake {
    let where_to = "under spec.serving as one of bindings, pubsub and states, or as a Component in the folder of --resources";
    Mistake::new(path, format!("nothing declares the component {component:?}: expected it {where_to}"))
}

/// The variables that a manifest gives to its function.
pub(super) fn params(serving: &Node<'_>) -> Result<BTreeMap<String, String>, Mistake> {
    let params = serving.field("params")?;
    for (name, value) in params.entries()? {
        if name.is_empty() || name.contains(['=', '\0']) || value.text()?.contains('\0') {
            return Err(value.mistake("it cannot be an environment variable: expected a name without `=` and text without NUL"));
        }
    }
    params.map(Node::text)
}
