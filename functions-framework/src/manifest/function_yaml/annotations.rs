//! What older manifests say in annotations: YAML within YAML.

use serde_json::Value;

use super::{
    super::{
        node::{Mistake, Node},
        yaml,
    },
    declared::Hooks,
};

pub(super) struct Annotations {
    /// None when they are not there.
    pub(super) hooks: Option<Hooks>,
    /// Where that of tracing is.
    pub(super) tracing_path: String,
    /// Null when it is not there.
    pub(super) tracing: Value,
}

impl Annotations {
    pub(super) fn read(annotations: &Node<'_>) -> Result<Self, Mistake> {
        let plugins = annotations.field("plugins")?;
        let written = within(&plugins)?;
        let path = plugins.path();
        let plugins = Node::at(&path, &written);
        let names = |field: &str| {
            let names = plugins.field(field)?;
            let listed = names.texts()?;
            Ok(Some(listed).filter(|_| !names.is_absent()))
        };
        // Before the function in this order, after it in the reverse.
        let order = names("order")?.unwrap_or_default();
        let reverse = order.iter().rev().cloned().collect();
        let hooks = Hooks { pre: names("pre")?.unwrap_or(order), post: names("post")?.unwrap_or(reverse) };
        let tracing = annotations.field("plugins.tracing")?;
        let hooks = Some(hooks).filter(|_| !plugins.is_absent());
        Ok(Self { hooks, tracing: within(&tracing)?, tracing_path: tracing.path() })
    }
}

/// The value that the text of an annotation is.
fn within(annotation: &Node<'_>) -> Result<Value, Mistake> {
    let mut documents = yaml::documents(&annotation.text()?).map_err(|broken| {
        let (place, mistake) = (broken.place, broken.mistake);
        annotation.mistake(format!("in its line {}, column {}: {mistake}", place.line, place.column))
    })?;
    Ok(if documents.is_empty() { Value::Null } else { documents.swap_remove(0).value })
}
