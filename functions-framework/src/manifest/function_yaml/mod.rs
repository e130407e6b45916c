//! A Function manifest, read as the platform would: it makes the two contexts of it, and they are merged as the platform's are.

mod annotations;
mod declared;
mod v1beta1;
mod v1beta2;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Manifest,
    component::{Component, Resources},
    file::File,
    merge,
    node::{Mistake, Node},
    yaml::Document,
};
use annotations::Annotations;

/// What a Function manifest says.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) manifest: Manifest,
    pub(super) components: Vec<Component>,
    /// Environment variables of the function.
    pub(super) params: BTreeMap<String, String>,
    /// What is odd about it, though the platform takes it.
    pub(super) remarks: Vec<String>,
}

/// Reads the one Function of a file; `existing` are components that are declared elsewhere, which it may refer to by name.
pub(super) fn read(file: &File, existing: &Resources) -> Result<Function, String> {
    let functions: Vec<_> = file.documents.iter().filter(|document| text(document, "/kind") == Some("Function")).collect();
    let [document] = functions[..] else { return Err(file.wrong(&not_one(&functions, &file.documents))) };
    function(document, existing).map_err(|mistake| file.explain(document, &mistake))
}

fn text<'a>(document: &'a Document, pointer: &str) -> Option<&'a str> {
    document.value.pointer(pointer).and_then(Value::as_str)
}

fn not_one(functions: &[&Document], all: &[Document]) -> String {
    let expected = "expected one document of `kind: Function`";
    if functions.is_empty() {
        let kinds: Vec<_> = all.iter().map(|document| text(document, "/kind").unwrap_or("none")).collect();
        let found = if kinds.is_empty() { "it is empty".to_owned() } else { format!("found kinds: {}", kinds.join(", ")) };
        return format!("{expected}; {found}");
    }
    let names: Vec<_> = functions.iter().map(|document| text(document, "/metadata/name").unwrap_or("without a name")).collect();
    format!("{expected}, found {}: {}", names.len(), names.join(", "))
}

fn function(document: &Document, existing: &Resources) -> Result<Function, Mistake> {
    let whole = Node::whole(&document.value);
    let metadata = whole.field("metadata")?;
    let named = metadata.field("name")?;
    let name = named.text()?;
    if name.is_empty() {
        return Err(named.mistake("expected the name of the function"));
    }
    let annotations = Annotations::read(&metadata.field("annotations")?)?;
    let api_version = whole.field("apiVersion")?;
    let spec = whole.field("spec")?;
    let mut declared = match api_version.text()?.as_str() {
        "core.openfunction.io/v1beta1" => v1beta1::read(&spec)?,
        "core.openfunction.io/v1beta2" => v1beta2::read(&spec)?,
        _ => return Err(api_version.expected("core.openfunction.io/v1beta1 or core.openfunction.io/v1beta2")),
    };
    declared.check_tracing(&annotations)?;
    let components = declared.components()?;
    let (v1, v2) = declared.contexts(name, annotations, existing)?;
    // What can be wrong with the contexts was looked for where it is written.
    let manifest = merge::merge(Some(v1), Some(v2)).map_err(|(_, mistake)| mistake)?;
    Ok(Function { manifest, components, params: declared.params, remarks: declared.remarks })
}
