//! What all descriptions of a function share: components that are referred to, and tracing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    ComponentKind, Exporter, Provider, Tracing,
    node::{Mistake, Node},
};

/// Parses the JSON object that a variable holds.
pub(super) fn parse(json: &str) -> Result<Value, Mistake> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value: Value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        // A dot is the whole; a question mark is what came to no name.
        let path = error.path().to_string();
        Mistake::new(path.trim_end_matches(['.', '?']), format!("no JSON: {}", error.inner()))
    })?;
    deserializer.end().map_err(|error| Mistake::new("", format!("no JSON: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(Mistake::new("", "expected a JSON object")) }
}

/// A component that is referred to. As in the platform's own types, text that is empty is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) component_name: String,
    pub(super) component_type: String,
    /// Version 1 has the topic here, or else the name by which the manifest knows the component.
    pub(super) uri: String,
    pub(super) topic: String,
    pub(super) operation: String,
    pub(super) metadata: BTreeMap<String, String>,
}

impl Link {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Mistake> {
        Ok(Self {
            component_name: node.field("componentName")?.text()?,
            component_type: node.field("componentType")?.text()?,
            uri: node.field("uri")?.text()?,
            topic: node.field("topic")?.text()?,
            operation: node.field("operation")?.text()?,
            metadata: node.field("metadata")?.metadata()?,
        })
    }

    /// The topic, which only a pub/sub component has.
    pub(super) fn topic_of(&self, kind: ComponentKind) -> Option<String> {
        let topic = some(&self.uri).or_else(|| some(&self.topic));
        topic.filter(|_| kind == ComponentKind::PubSub)
    }
}

/// The text, unless it is empty.
pub(super) fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What is before the first dot of a type says what kind of component it is; nothing else can be an input or an output.
pub(super) fn kind(component_type: &str) -> Option<ComponentKind> {
    match component_type.split('.').next()? {
        "bindings" => Some(ComponentKind::Binding),
        "pubsub" => Some(ComponentKind::PubSub),
        _ => None,
    }
}

/// Says that a type is of no kind that can be an input or an output.
pub(super) fn unknown_kind(path: impl Into<String>, component_type: &str) -> Mistake {
    Mistake::new(path, format!("{component_type:?}: expected bindings.* or pubsub.*"))
}

/// Whether tracing is asked for. A description of tracing that is switched off may be anything else besides: the platform
/// passes on placeholders.
pub(super) fn is_enabled(tracing: &Node<'_>) -> Result<bool, Mistake> {
    tracing.field("enabled")?.is_true()
}

/// Reads tracing that is enabled. Of the provider only its own fields count: the platform fills in what is empty, whoever's
/// it is.
pub(super) fn read_tracing(tracing: &Node<'_>) -> Result<Tracing, Mistake> {
    let written = tracing.field("provider")?;
    let named = written.field("name")?;
    let name = named.text()?;
    let Some(provider) = Provider::ALL.into_iter().find(|provider| provider.name() == name) else {
        let found = if name.is_empty() { "tracing is enabled without it".to_owned() } else { format!("{name:?}") };
        return Err(named.mistake(format!("{found}: expected {}", Provider::ALL.map(Provider::name).join(" or "))));
    };
    let (mut oap_server, mut exporter) = (None, None);
    match provider {
        Provider::SkyWalking => oap_server = some(&written.field("oapServer")?.text()?),
        Provider::OpenTelemetry => exporter = read_exporter(&written.field("exporter")?)?,
    }
    let texts = |name: &str| tracing.field(name)?.metadata();
    Ok(Tracing { provider, oap_server, exporter, tags: texts("tags")?, baggage: texts("baggage")? })
}

fn read_exporter(exporter: &Node<'_>) -> Result<Option<Exporter>, Mistake> {
    let field = |name: &str| Ok(some(&exporter.field(name)?.written()?));
    let read = Exporter {
        name: field("name")?,
        endpoint: field("endpoint")?,
        headers: field("headers")?,
        compression: field("compression")?,
        timeout: field("timeout")?,
        protocol: field("protocol")?,
    };
    Ok(Some(read).filter(|_| !exporter.is_absent()))
}
