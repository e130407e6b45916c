//! Which of the places a manifest may be in is read.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::super::{
    Manifest,
    component::MetadataValue,
    source::{Declaration, Reader},
};

/// A new folder with files, gone at the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("manifest-{}-{number}", process::id()));
        fs::create_dir_all(&path).expect("a folder can be made");
        for (name, text) in files {
            fs::write(path.join(name), text).expect("a file can be written");
        }
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be taken away stays in the folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MINE: &str = "\
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: {name: mine}
spec:
  version: v1
  serving:
    bindings:
      cron: {type: bindings.cron, version: v1, metadata: [{name: schedule, value: '@every 2s'}]}
    triggers:
      dapr: [{name: cron, type: bindings.cron}]
    params: {GREETING: Hello, EMPTY: ''}
";

const CONTEXT: &str = r#"{"name": "platform", "port": "9"}"#;

fn read(file: Option<&Path>, resources: Option<&Path>, variables: &[(&str, &str)]) -> Result<Declaration, String> {
    Declaration::read(file, resources, set(variables), Ok(Reader::YAML))
}

fn set(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
    move |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
}

fn name(declaration: Result<Declaration, String>) -> String {
    declaration.map_or_else(|error| error, |declaration| declaration.manifest.name)
}

#[test]
fn a_function_yaml_beside_cargo_toml_is_found_at_a_desk_only() {
    let folder = Folder::of(&[("Cargo.toml", ""), ("function.yaml", MINE)]);
    let cargo = ("CARGO_MANIFEST_DIR", folder.path().to_str().expect("it is text"));
    let declaration = read(None, None, &[cargo]).unwrap();
    assert_eq!(declaration.file, Some(folder.path().join("function.yaml")));
    assert_eq!((declaration.manifest.name.as_str(), declaration.manifest.inputs.len()), ("mine", 1));
    assert_eq!(
        declaration.params.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        ["EMPTY=", "GREETING=Hello"]
    );
    assert!(declaration.remarks.is_empty());
    assert_eq!(name(read(None, None, &[cargo, ("FUNC_CONTEXT", CONTEXT)])), "platform");
    assert_eq!(name(read(None, None, &[cargo, ("FUNC_CONTEXT_V1BETA2", CONTEXT)])), "platform");
    assert_eq!(name(read(None, None, &[cargo, ("FUNC_CONTEXT", "")])), "mine");
    assert_eq!(name(read(None, None, &[cargo, ("KUBERNETES_SERVICE_HOST", "10.0.0.1")])), "");
    let bare = Folder::of(&[("Cargo.toml", "")]);
    assert_eq!(name(read(None, None, &[("CARGO_MANIFEST_DIR", bare.path().to_str().expect("it is text"))])), "");
}

#[test]
fn a_file_that_is_named_wins_and_says_so() {
    let folder = Folder::of(&[("mine.yaml", MINE)]);
    let file = folder.path().join("mine.yaml");
    let declaration = read(Some(&file), None, &[("FUNC_CONTEXT", CONTEXT), ("FUNC_CONTEXT_V1BETA2", "{}")]).unwrap();
    assert_eq!(declaration.manifest.name, "mine");
    let remark = "FUNC_CONTEXT and FUNC_CONTEXT_V1BETA2: not read, because --manifest or FUNCTION_MANIFEST names a file";
    assert_eq!(declaration.remarks, [remark]);
    let missing = read(Some(&folder.path().join("none.yaml")), None, &[]).expect_err("it is not there");
    assert!(missing.contains("none.yaml: cannot read it: No such file"), "{missing}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;

    let no_text = |name: &str| (name == "FUNC_CONTEXT").then(|| OsString::from_vec(vec![b'{', 0xff]));
    let read = Declaration::read(None, None, no_text, Ok(Reader::YAML));
    assert_eq!(read.expect_err("it is refused"), "FUNC_CONTEXT: no UTF-8: expected a JSON object");
}

#[test]
fn without_a_reader_a_file_that_is_named_is_refused_and_one_that_is_found_is_told_of() {
    let folder = Folder::of(&[("Cargo.toml", ""), ("function.yaml", MINE)]);
    let cargo = [("CARGO_MANIFEST_DIR", folder.path().to_str().expect("it is text"))];
    let read = |file, resources, variables| Declaration::read(file, resources, set(variables), Err("no YAML here"));
    let path = folder.path().join("function.yaml");
    let not_read = format!("{}: not read: no YAML here", path.display());
    let found = read(None, None, &cargo).unwrap();
    assert_eq!((&found.remarks, found.manifest, found.file), (&vec![not_read.clone()], Manifest::default(), None));
    assert_eq!(name(read(Some(&path), None, &cargo)), not_read);
    assert!(name(read(None, Some(folder.path()), &[])).ends_with(": not read: no YAML here"));
    let platform = read(None, None, &[("FUNC_CONTEXT", CONTEXT)]).unwrap();
    assert_eq!((platform.manifest.name.as_str(), platform.remarks.len()), ("platform", 0));
}

#[test]
fn resources_are_read_with_any_source() {
    let broker =
        "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: broker}\nspec: {type: pubsub.redis, version: v1}\n";
    let folder = Folder::of(&[("broker.yaml", broker)]);
    let declaration = read(None, Some(folder.path()), &[("FUNC_CONTEXT", CONTEXT)]).unwrap();
    assert_eq!((declaration.manifest.name.as_str(), declaration.resources.components.len()), ("platform", 1));
}

#[test]
fn a_manifest_refers_to_components_of_the_resources_and_of_its_own_file() {
    let component = |name: &str, component_type: &str| {
        format!("apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{type: {component_type}}}\n")
    };
    let function = "apiVersion: core.openfunction.io/v1beta2\nkind: Function\nmetadata: {name: f}\nspec: {serving: {\
         triggers: {dapr: [{name: broker, topic: t}, {name: tick}]}, states: {store: }}}\n";
    let beside = format!("{function}---\n{}---\n{}", component("tick", "bindings.cron"), component("store", "state.redis"));
    let folder = Folder::of(&[("function.yml", &beside)]);
    let resources = Folder::of(&[("broker.yaml", &component("broker", "pubsub.redis"))]);
    let file = folder.path().join("function.yml");
    let declaration = read(Some(&file), Some(resources.path()), &[]).unwrap();
    let types: Vec<_> = declaration.manifest.inputs.iter().map(|input| input.component_type.as_str()).collect();
    assert_eq!(types, ["pubsub.redis", "bindings.cron"]);
    assert_eq!(declaration.manifest.states[0].component_type, "state.redis");
    let names: Vec<_> = declaration.resources.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(names, ["broker", "tick", "store"]);
    let error = read(Some(&file), None, &[]).expect_err("nothing declares the broker");
    assert!(error.contains(":4:43: spec.serving.triggers.dapr[0].name: nothing declares the component \"broker\""), "{error}");
}

#[test]
fn a_component_of_the_resources_stands_in_for_the_manifests_own() {
    let folder = Folder::of(&[("function.yaml", MINE)]);
    let file = folder.path().join("function.yaml");
    let component = |component_type: &str| {
        let text = format!(
            "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{name: cron}}\nspec:\n  type: {component_type}\n  \
             metadata: [{{name: schedule, value: '@hourly'}}]\n"
        );
        Folder::of(&[("cron.yaml", &text)])
    };
    let schedule = |value: &str| [("schedule".to_owned(), MetadataValue::Plain(value.to_owned()))];
    let own = read(Some(&file), None, &[]).unwrap();
    assert_eq!(own.resources.components[0].metadata, schedule("@every 2s"));
    let other = component("bindings.cron");
    let declaration = read(Some(&file), Some(other.path()), &[]).unwrap();
    let [cron] = &declaration.resources.components[..] else { panic!("{declaration:?}") };
    assert_eq!(cron.metadata, schedule("@hourly"));
    assert_eq!(declaration.remarks, ["the component `cron` of the resources is used, not that of the Function manifest"]);
    let broker = component("pubsub.redis");
    let error = read(Some(&file), Some(broker.path()), &[]).expect_err("they are not alike");
    assert!(
        error.contains("`cron` is of type bindings.cron, one of the resources with this name is of type pubsub.redis"),
        "{error}"
    );
}
