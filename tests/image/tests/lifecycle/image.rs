//! What is in an image, and how it runs.

use image_tests::Folder;

use crate::*;

#[test]
fn web_is_the_entry_point_and_needs_no_word() {
    let config = first().image.config();
    assert_eq!(config.entrypoint, ["/cnb/process/web"]);
    assert_eq!(config.cmd.clone().unwrap_or_default(), [""; 0]);
    assert_eq!(config.user, "1000:1000");
}

#[test]
fn it_runs_as_its_user_on_a_root_that_is_read_only() {
    let started = started(&first().image);
    let program = started.program();
    let response = program.get("/");
    assert_eq!(response.status, 200);
    assert_eq!(response.text(), "one hello, error when writing: read-only filesystem or storage medium");
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    for line in ["Uid:\t1000\t1000\t1000\t1000", "Gid:\t1000\t1000\t1000\t1000", "Groups:\t \n"] {
        assert!(status.contains(line), "{line:?} is not in:\n{status}");
    }
    // The launcher has become the function: signals reach it.
    let runs = std::fs::read_link(format!("/proc/{}/exe", program.id())).unwrap();
    assert!(runs.ends_with("layers/openfunction_rust/bin/bin/hello"), "{}", runs.display());
}

#[test]
fn sigterm_ends_it_with_success() {
    let ended = started(&first().image).terminate();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
}

#[test]
fn labels_say_what_it_is_and_which_functions_it_has() {
    let image = &first().image;
    assert_eq!(
        image.json_label("io.openfunction.functions").unwrap(),
        serde_json::json!([{ "name": "hello", "kind": "http" }])
    );
    let labels = &image.config().labels;
    for (name, value) in [
        ("org.opencontainers.image.title", "hello"),
        ("org.opencontainers.image.version", "0.1.0"),
        ("org.opencontainers.image.description", "Greets."),
        ("org.opencontainers.image.licenses", "Apache-2.0"),
        ("google.team-name", "blue"),
    ] {
        assert_eq!(labels.get(name).map(String::as_str), Some(value), "{name} in {labels:#?}");
    }
}

#[test]
fn nothing_of_a_source_that_is_cleared_is_in_it() {
    let root = Folder::new(&WORKSHOP.passing(), "cleared").unwrap();
    first().image.unpack(root.path()).unwrap();
    let source = std::fs::read_dir(root.path().join("workspace/source"));
    let left: Vec<_> = source.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
    let program = root.path().join("layers/openfunction_rust/bin/bin/hello");
    assert!(program.is_file(), "there is no {}", program.display());
    assert!(!root.path().join("layers/openfunction_rust/target").exists());
}

#[test]
fn a_source_that_is_not_cleared_is_in_it() {
    let done = built("kept", &Creation::of(&hello()));
    let root = Folder::new(&WORKSHOP.passing(), "kept").unwrap();
    done.image.unpack(root.path()).unwrap();
    assert_eq!(std::fs::read_to_string(root.path().join("workspace/source/src/main.rs")).unwrap(), HELLO);
}

#[test]
fn another_entry_point_runs_with_its_words() {
    let done = built("entrypoint", &Creation::of(&hello()).env("FUNC_ENTRYPOINT", "hello --help"));
    assert_eq!(done.image.config().entrypoint, ["/cnb/process/web"]);
    let ended = image_tests::end(&done.image, &WORKSHOP.passing(), &[]).unwrap();
    assert_eq!(ended.code, Some(0), "{}", ended.errors);
    assert!(ended.output.contains("--target"), "{}", ended.output);
}
