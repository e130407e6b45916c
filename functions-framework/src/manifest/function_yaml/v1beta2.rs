//! The manifest's newer version.

use super::{
    super::{
        node::{Mistake, Node},
        resources::Written,
    },
    declared::{Declared, Hooks, Reference, Sections, params},
};

/// Reads what is under `spec`. Where all that may be in an object is known, a slip of the pen is a mistake, as to kubectl.
pub(super) fn read(spec: &Node<'_>) -> Result<Declared, Mistake> {
    let serving = spec.field("serving")?;
    let triggers = serving.field("triggers")?;
    // `inputs` deliver nothing: see the context of this version.
    triggers.only(&["http", "dapr", "inputs"])?;
    let hooks = serving.field("hooks")?;
    hooks.only(&["policy", "pre", "post"])?;
    Ok(Declared {
        version: spec.field("version")?.text()?,
        port: triggers.field("http")?.field("port")?.port()?,
        triggers: triggers.field("dapr")?.list(trigger)?,
        outputs: serving.field("outputs")?.list(output)?,
        sections: Sections {
            bindings: serving.field("bindings")?.map(Written::read)?,
            pubsub: serving.field("pubsub")?.map(Written::read)?,
            states: serving.field("states")?.map(state)?,
        },
        hooks: Hooks { pre: hooks.field("pre")?.texts()?, post: hooks.field("post")?.texts()? },
        tracing: serving.field("tracing")?.value.clone(),
        params: params(&serving)?,
        remarks: Vec::new(),
    })
}

fn trigger(trigger: &Node<'_>) -> Result<Reference, Mistake> {
    trigger.only(&["name", "type", "topic", "inputName"])?;
    Ok(Reference {
        path: trigger.path(),
        field: "name",
        component: trigger.field("name")?.text()?,
        component_type: trigger.field("type")?.text()?,
        topic: trigger.field("topic")?.text()?,
        name: trigger.field("inputName")?.text()?,
        ..Reference::default()
    })
}

fn output(output: &Node<'_>) -> Result<Reference, Mistake> {
    output.only(&["dapr"])?;
    let output = output.field("dapr")?;
    output.only(&["name", "type", "topic", "outputName", "operation", "metadata"])?;
    Ok(Reference {
        path: output.path(),
        field: "name",
        component: output.field("name")?.text()?,
        component_type: output.field("type")?.text()?,
        topic: output.field("topic")?.text()?,
        name: output.field("outputName")?.text()?,
        operation: output.field("operation")?.text()?,
        metadata: output.field("metadata")?.metadata()?,
    })
}

/// None is a store that is declared elsewhere.
fn state(state: &Node<'_>) -> Result<Option<Written>, Mistake> {
    state.only(&["spec"])?;
    let spec = state.field("spec")?;
    if spec.is_absent() { Ok(None) } else { Written::read(&spec).map(Some) }
}
