//! The manifest's older version, which the platform converts into the newer one.

use super::{
    super::{
        node::{Mistake, Node},
        resources::Written,
    },
    declared::{Declared, Reference, Sections, params},
};

/// Reads what is under `spec`. Hooks and tracing are in annotations, which count where the newer version says nothing of them.
pub(super) fn read(spec: &Node<'_>) -> Result<Declared, Mistake> {
    let serving = spec.field("serving")?;
    // A store of which nothing is said is declared elsewhere.
    let state = |state: &Node<'_>| if state.entries()?.is_empty() { Ok(None) } else { Written::read(state).map(Some) };
    let mut declared = Declared {
        version: spec.field("version")?.text()?,
        port: spec.field("port")?.port()?,
        sections: Sections {
            bindings: serving.field("bindings")?.map(Written::read)?,
            pubsub: serving.field("pubsub")?.map(Written::read)?,
            states: serving.field("states")?.map(state)?,
        },
        params: params(&serving)?,
        ..Declared::default()
    };
    let inputs = serving.field("inputs")?.list(reference)?;
    let runtime = serving.field("runtime")?;
    match runtime.text()?.to_ascii_lowercase().as_str() {
        "async" => declared.triggers = inputs,
        "" | "knative" if inputs.is_empty() => (),
        "" | "knative" => {
            declared.remarks.push("spec.serving.inputs: the runtime is knative, where no input delivers".to_owned());
        }
        _ => return Err(runtime.expected("knative or async")),
    }
    for output in serving.field("outputs")?.list(reference)? {
        if declared.sections.type_of(&output.component).is_some() {
            declared.outputs.push(output);
        } else {
            // The platform does so without a word.
            let Reference { path, name, component, .. } = output;
            declared.remarks.push(format!("{path}: output `{name}` is left out: spec.serving does not declare `{component}`"));
        }
    }
    Ok(declared)
}

fn reference(io: &Node<'_>) -> Result<Reference, Mistake> {
    io.only(&["name", "component", "type", "topic", "operation", "params"])?;
    Ok(Reference {
        path: io.path(),
        field: "component",
        component: io.field("component")?.text()?,
        component_type: io.field("type")?.text()?,
        topic: io.field("topic")?.text()?,
        name: io.field("name")?.text()?,
        operation: io.field("operation")?.text()?,
        metadata: io.field("params")?.metadata()?,
    })
}
