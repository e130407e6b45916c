//! What the platform's own controller made of 58 functions: the two contexts, and the manifest they were made of.
//!
//! `UPDATE_EXPECT=1 cargo test` writes the expected models anew; read the difference before you keep it.

use std::path::Path;

use expect_test::expect_file;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        component::{Component, Resources},
        file::File,
        function_yaml,
    },
    Manifest, printed,
};

#[derive(Deserialize)]
struct Captured {
    source: String,
    function: Value,
    env: std::collections::BTreeMap<String, String>,
    #[serde(default, rename = "existingComponents")]
    existing: std::collections::BTreeMap<String, String>,
}

fn all() -> Vec<Captured> {
    let captured = include_str!("contexts.ndjson").lines().map(|line| serde_json::from_str(line).expect("a vector is JSON"));
    let captured: Vec<Captured> = captured.collect();
    assert_eq!(captured.len(), 58);
    captured
}

fn merged(captured: &Captured) -> Manifest {
    let variable = |name: &str| captured.env.get(name).map(String::as_str);
    let merged = Manifest::from_contexts(variable("FUNC_CONTEXT"), variable("FUNC_CONTEXT_V1BETA2"));
    merged.unwrap_or_else(|error| panic!("{}: {error}", captured.source))
}

/// The model as text to compare: an input, an output or a state a line.
fn shown(source: &str, manifest: &Manifest) -> String {
    let mut lines = vec![format!("# {source}")];
    let model = printed(manifest);
    for (field, value) in model.as_object().expect("it prints an object") {
        match value {
            Value::Array(items) => lines.extend(items.iter().map(|item| format!("{field}: {item}"))),
            value => lines.push(format!("{field}: {value}")),
        }
    }
    lines.join("\n") + "\n\n"
}

#[test]
fn every_captured_context_is_read_as_expected() {
    let models: String = all().iter().map(|captured| shown(&captured.source, &merged(captured))).collect();
    expect_file!["contexts.models"].assert_eq(&models);
}

/// `serving-<random>-<kind>-<name>-<random>` is the name here.
fn without_generated_names(model: &mut Value) {
    for list in ["inputs", "outputs", "states"] {
        for one in model[list].as_array_mut().expect("it is a list") {
            let component = one["component"].as_str().expect("it is text");
            let parts: Vec<&str> = component.split('-').collect();
            if let ["serving", _, _, name @ .., _] = &parts[..] {
                one["component"] = json!(name.join("-"));
            }
        }
    }
}

#[test]
fn the_manifest_of_every_captured_context_reads_as_the_context_does() {
    for captured in all() {
        let existing = captured.existing.iter().map(|(name, component_type)| Component {
            name: name.clone(),
            component_type: component_type.clone(),
            version: "v1".to_owned(),
            metadata: Vec::new(),
            secret_store: None,
            scopes: Vec::new(),
        });
        let existing = Resources { components: existing.collect(), subscriptions: Vec::new() };
        // JSON is YAML.
        let file = File::parse(Path::new("function.yaml"), &captured.function.to_string()).expect("it is YAML");
        let function = function_yaml::read(&file, &existing).unwrap_or_else(|error| panic!("{}: {error}", captured.source));
        let (mut expected, mut local) = (printed(&merged(&captured)), printed(&function.manifest));
        without_generated_names(&mut expected);
        without_generated_names(&mut local);
        assert_eq!(local, expected, "{}", captured.source);

        // The platform gives params to the function as they are.
        for (name, value) in &function.params {
            assert_eq!(captured.env.get(name), Some(value), "{}: {name}", captured.source);
        }
        let declared = &captured.function["spec"]["serving"];
        assert_eq!(function.params.len(), declared["params"].as_object().map_or(0, serde_json::Map::len));
        let sections = ["bindings", "pubsub"].map(|section| declared[section].as_object().map_or(0, serde_json::Map::len));
        assert_eq!(function.components.len(), sections.iter().sum::<usize>(), "{}", captured.source);
    }
}
