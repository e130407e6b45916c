//! What a program says of its functions where an image of it is built.

use std::fs;

use black_box_tests::{Folder, Start};
use serde_json::{Value, json};

use crate::fixture;

/// The line that `--list-functions` prints, as JSON; nothing else is said.
#[track_caller]
fn listed(start: Start) -> Value {
    let ended = start.arg("--list-functions").end().expect(0, &[]);
    assert_eq!(ended.errors, "");
    let line = ended.output.strip_suffix('\n').expect("a line ends");
    assert!(!line.contains('\n'), "one line: {line}");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn functions_are_listed_with_kind_path_and_methods() {
    let expected = json!({ "framework": env!("CARGO_PKG_VERSION"), "functions": [
        { "name": "hello", "kind": "http" },
        { "name": "read", "kind": "http", "path": "/orders/{id}", "methods": ["GET"] },
        { "name": "write", "kind": "http", "path": "/orders/{id}", "methods": ["PUT", "DELETE"] },
        { "name": "created", "kind": "cloudevent" },
    ] });
    assert_eq!(listed(Start::bare(env!("CARGO_BIN_EXE_fixture-several"))), expected);
    let in_code = listed(Start::bare(env!("CARGO_BIN_EXE_fixture-in-code")));
    assert_eq!(in_code["functions"], json!([{ "name": "boom", "kind": "http" }]));
}

#[test]
fn all_functions_are_listed_whatever_the_environment_says() {
    let all = listed(Start::bare(env!("CARGO_BIN_EXE_fixture")));
    let functions = all["functions"].as_array().expect("a list");
    for (name, kind) in [("echo", "http"), ("created", "cloudevent"), ("relay", "openfunction"), ("init_fails", "http")] {
        assert!(functions.iter().any(|function| function["name"] == name && function["kind"] == kind), "{name}: {all}");
    }
    for (variable, value) in [
        ("FUNCTION_TARGET", "echo"),
        ("FUNCTION_TARGET", "no-such-function"),
        ("PORT", "abc"),
        ("FUNC_CONTEXT", "{"),
        ("FUNC_CONTEXT_V1BETA2", "[]"),
        ("FUNCTION_MANIFEST", "/no/such/function.yaml"),
        ("RUST_LOG", "fixture=loud"),
        ("FUNCTION_SIGNATURE_TYPE", "grpc"),
    ] {
        assert_eq!(listed(fixture("echo").env(variable, value)), all, "{variable}={value}");
    }
}

#[test]
fn functions_are_listed_before_a_manifest_is_read() {
    let folder = Folder::new("listing");
    fs::write(folder.path().join("Cargo.toml"), "").expect("a file can be written");
    let start = || Start::bare(env!("CARGO_BIN_EXE_fixture-params")).directory(folder.path());
    let expected = json!([{ "name": "variable", "kind": "http", "path": "/{name}" }]);
    // One that is broken, and one whose `params` have a program start anew.
    let params = "apiVersion: core.openfunction.io/v1beta2\nkind: Function\nspec: {serving: {params: {PORT: abc}}}\n";
    for manifest in ["{", params] {
        fs::write(folder.path().join("function.yaml"), manifest).expect("a file can be written");
        assert_eq!(listed(start())["functions"], expected, "{manifest}");
        assert_eq!(listed(start().env("SERVE_ON", "mine"))["functions"], expected, "{manifest}");
    }
}

#[test]
fn two_functions_of_one_name_are_not_listed_as_they_are_not_served() {
    let start = || Start::bare(env!("CARGO_BIN_EXE_fixture-twice"));
    let why = ["two functions are named `hello`", "#[function(name"];
    start().arg("--port=0").end().expect(64, &why);
    let ended = start().arg("--list-functions").end().expect(64, &why);
    assert_eq!(ended.output, "");
}
