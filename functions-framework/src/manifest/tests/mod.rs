//! What contexts and manifests come to.

mod captured;
mod conflicts;
mod function_files;
mod mistakes;
mod properties;
mod resource_files;
mod sources;
mod yaml_text;

use serde_json::{Value, json};

use super::{Manifest, Mode};

/// Merges two contexts, either of which may be null.
fn merged(v1: &Value, v2: &Value) -> Result<Manifest, String> {
    let text = |value: &Value| (!value.is_null()).then(|| value.to_string());
    Manifest::from_contexts(text(v1).as_deref(), text(v2).as_deref())
}

/// What `--print-manifest` prints, as a value.
fn printed(manifest: &Manifest) -> Value {
    serde_json::from_str(&manifest.to_json()).expect("it prints JSON")
}

/// The names of inputs or outputs with their topics.
fn names(manifest: &Manifest, of: &str) -> Value {
    let all = printed(manifest);
    let all = all[of].as_array().expect("it is a list").iter();
    all.map(|one| json!([one["name"], one["topic"]])).collect()
}
