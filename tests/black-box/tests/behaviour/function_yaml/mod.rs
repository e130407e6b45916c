//! The Function manifests that are in this repository: whether a cluster would take them, and what they build is there.

mod facts;
mod yaml;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use black_box_tests::Start;
use serde_json::Value;

use super::examples::BUILT;

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the folders in `examples`.
pub(crate) fn examples() -> BTreeSet<String> {
    let folders = fs::read_dir(repository().join("examples")).expect("there are examples");
    let folders = folders.map(|entry| entry.expect("it can be read")).filter(|entry| entry.path().join("Cargo.toml").exists());
    folders.map(|entry| entry.file_name().into_string().expect("a name is text")).collect()
}

/// All Functions of a text; where each is wrong.
#[track_caller]
fn functions(name: &str, text: &str) -> (Vec<Value>, Vec<String>) {
    let documents = yaml::documents(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let functions: Vec<_> = documents.into_iter().filter(|document| document["kind"] == "Function").collect();
    let findings = functions.iter().flat_map(facts::check).map(|finding| format!("{name}: {finding}")).collect();
    (functions, findings)
}

#[test]
fn the_manifest_of_every_example_is_what_the_platform_takes() {
    let mut findings = Vec::new();
    for example in examples() {
        let name = format!("examples/{example}/function.yaml");
        let (found, wrong) = functions(&name, &read(&repository().join(&name)));
        findings.extend(wrong);
        let [function] = &found[..] else { panic!("{name}: expected one Function, found {}", found.len()) };
        assert_eq!(function["metadata"]["name"], *example, "{name}: metadata.name");
        for part in ["build", "serving"] {
            assert!(function["spec"][part].is_object(), "{name}: spec.{part} is missing");
        }
    }
    assert_eq!(findings, [""; 0], "{}", findings.join("\n"));
}

#[test]
fn the_manifest_of_every_example_builds_functions_that_are_there() {
    for example in examples() {
        let path = repository().join("examples").join(&example).join("function.yaml");
        let (functions, _) = functions(&example, &read(&path));
        let build = &functions[0]["spec"]["build"];
        assert_eq!(build["builder"], "openfunction/builder-rust:latest", "{example}");
        // The whole repository is the source: a member is not complete without the workspace.
        assert_eq!(build["env"]["FUNC_BUILDABLE"], *example, "{example}: the package that is built");
        assert_eq!(build["srcRepo"]["sourceSubPath"], ".", "{example}");
        let listed = Start::bare(BUILT.join(&example)).arg("--list-functions").end().expect(0, &[]);
        let listed: Value = serde_json::from_str(&listed.output).expect("it is JSON");
        let names: Vec<_> = listed["functions"].as_array().into_iter().flatten().map(|function| &function["name"]).collect();
        let wanted = build["env"]["FUNC_NAME"].as_str().unwrap_or_default();
        for name in wanted.split(',') {
            assert!(names.iter().any(|known| *known == name), "{example}: FUNC_NAME: no function `{name}` in {names:?}");
        }
    }
}

#[test]
fn the_manifests_of_the_events_handlers_are_what_the_platform_takes() {
    for handler in ["eventsource-handler", "trigger-handler"] {
        let name = format!("events/manifests/{handler}.yaml");
        let (found, wrong) = functions(&name, &read(&repository().join(&name)));
        assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
        let [function] = &found[..] else { panic!("{name}: expected one Function, found {}", found.len()) };
        let env = &function["spec"]["build"]["env"];
        assert_eq!((&function["metadata"]["name"], &env["FUNC_NAME"]), (&handler.into(), &handler.into()), "{name}");
        assert_eq!(env["FUNC_BUILDABLE"], format!("openfunction-events/{handler}"), "{name}");
    }
}

#[test]
fn the_manifests_of_the_documentation_are_what_the_platform_takes() {
    let mut findings = Vec::new();
    for (name, least) in [("README.md", 1), ("docs/deploy.md", 3)] {
        let text = read(&repository().join(name));
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
        let mut count = 0;
        for block in blocks {
            let (found, wrong) = functions(name, block);
            count += found.len();
            findings.extend(wrong);
        }
        assert!(count >= least, "{name}: expected {least} Functions, found {count}");
    }
    assert_eq!(findings, [""; 0], "{}", findings.join("\n"));
}

const SOUND: &str = "\
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: {name: sound}
spec:
  image: example/sound:latest
  build:
    builder: openfunction/builder-rust:latest
    env: {FUNC_NAME: sound}
    srcRepo: {url: https://example.org/sound.git}
  serving:
    triggers:
      http: {port: 8080}
    bindings:
      folder: {type: bindings.localstorage, version: v1, metadata: []}
";

#[test]
fn a_manifest_that_the_platform_refuses_is_found_and_the_place_is_named() {
    assert_eq!(functions("sound", SOUND).1, [""; 0]);
    for (good, bad, expected) in [
        ("v1beta2", "v1beta3", "apiVersion: \"core.openfunction.io/v1beta3\": expected core.openfunction.io/v1beta2"),
        ("{name: sound}", "{}", "metadata.name: it is missing"),
        ("  image: example/sound:latest\n", "", "spec.image: it is missing"),
        ("example/sound:latest", "''", "spec.image: expected the name of an image"),
        ("    builder:", "    bulider:", "spec.build.bulider: no such field; there are builder, "),
        ("    builder: openfunction/builder-rust:latest\n", "", "spec.build: expected builder or dockerfile"),
        ("    srcRepo: {url: https://example.org/sound.git}\n", "", "spec.build.srcRepo: it is missing"),
        ("{url: https://example.org/sound.git}", "{revision: main}", "spec.build.srcRepo: expected url or bundleContainer"),
        ("FUNC_NAME: sound", "FUNC_NAME: 7", "spec.build.env.FUNC_NAME: 7: expected text"),
        (
            "FUNC_NAME: sound",
            "FUNC_BUILD_ARGS: --features a",
            "spec.build.env.FUNC_BUILD_ARGS: \"--features a\": expected one token",
        ),
        ("FUNC_NAME: sound", "RUSTFLAGS: a=b", "spec.build.env.RUSTFLAGS: \"a=b\": expected one token"),
        ("port: 8080", "port: '8080'", "spec.serving.triggers.http.port: \"8080\": expected a number"),
        ("port: 8080", "port: 8080, host: a", "spec.serving.triggers.http.host: no such field"),
        (", metadata: []", "", "spec.serving.bindings.folder.metadata: it is missing"),
        ("metadata: []", "metadata: [{value: x}]", "spec.serving.bindings.folder.metadata[0].name: it is missing"),
        ("http: {port: 8080}", "dapr: {name: a}", "spec.serving.triggers.dapr: {\"name\":\"a\"}: expected a list"),
        (
            "    triggers:",
            "    scaleOptions: {minReplicas: 11}\n    triggers:",
            "spec.serving.scaleOptions.minReplicas: expected no more",
        ),
    ] {
        let text = SOUND.replacen(good, bad, 1);
        assert_ne!(text, SOUND, "{good} is not in it");
        let findings = functions("broken", &text).1.join("\n");
        assert!(findings.contains(&format!("broken: {expected}")), "{bad}: expected {expected:?}, found {findings:?}");
    }
}
