//! The forms in which functions come.

use crate::*;

const LIBRARY: &str = r#"
use functions_framework::function;

#[function(main = false)]
pub async fn hello() -> &'static str { "of a library" }
"#;

#[test]
fn a_library_gets_a_program() {
    let app = App::new().file("Cargo.toml", manifest("my-lib", "")).file("src/lib.rs", LIBRARY);
    let done = built("library", &Creation::of(&app).env("FUNC_NAME", "hello"));
    assert_eq!(answers(&done.image, "/"), "of a library");
}

#[test]
fn a_library_gets_a_program_where_cargo_does_not_look_for_one() {
    let app = App::new().file("Cargo.toml", manifest("my-lib", "autobins = false\n")).file("src/lib.rs", LIBRARY);
    let done = built("autobins", &Creation::of(&app));
    assert_eq!(answers(&done.image, "/"), "of a library");
}

#[test]
fn several_functions_are_in_one_image() {
    let main = r#"
use functions_framework::function;

#[function(main = false)]
async fn tea() -> &'static str { "tea" }

#[function(main = false, path = "/drinks/coffee", methods(GET))]
async fn coffee() -> &'static str { "coffee" }

functions_framework::main!(tea, coffee);
"#;
    let app = App::new().file("Cargo.toml", manifest("drinks", "")).file("src/main.rs", main);
    let done = built("several", &Creation::of(&app).env("FUNC_NAME", "tea,coffee"));
    let functions = done.image.json_label("io.openfunction.functions").unwrap();
    let coffee = serde_json::json!({ "name": "coffee", "kind": "http", "path": "/drinks/coffee", "methods": ["GET"] });
    assert!(functions.as_array().unwrap().contains(&coffee), "{functions}");
    assert_eq!(functions.as_array().unwrap().len(), 2, "{functions}");
    let started = started(&done.image);
    assert_eq!(["/tea", "/drinks/coffee"].map(|path| started.program().get(path).text().to_owned()), ["tea", "coffee"]);
}

#[test]
fn features_are_those_that_are_named() {
    let main = r#"
#[functions_framework::function]
async fn hello() -> &'static str { if cfg!(feature = "loud") { "HELLO" } else { "hello" } }
"#;
    let app = App::new().file("Cargo.toml", manifest("greeter", "") + "\n[features]\nloud = []\n").file("src/main.rs", main);
    let done = built("features", &Creation::of(&app).env("FUNC_CARGO_FEATURES", "loud"));
    assert_eq!(answers(&done.image, "/"), "HELLO");
}

/// A workspace of two programs and a library that both use, with no package at its root.
fn workspace() -> App {
    let member = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{more}")
    };
    let with_words = format!("{FRAMEWORK}words = {{ path = \"../words\" }}\n");
    let main = "#[functions_framework::function]\nasync fn hello() -> &'static str { words::word() }\n";
    App::new()
        .file("Cargo.toml", format!("[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\", \"words\"]\n{QUICKLY}"))
        .file("one/Cargo.toml", member("one", &with_words))
        .file("one/src/main.rs", main)
        .file("two/Cargo.toml", member("two", &with_words))
        .file("two/src/main.rs", main)
        .file("words/Cargo.toml", member("words", ""))
        .file("words/src/lib.rs", "pub fn word() -> &'static str { \"a word\" }\n")
}

#[test]
fn a_member_of_a_workspace_is_built_and_only_what_changed_is_built_again() {
    let app = workspace();
    let done = built("workspace", &Creation::of(&app).env("FUNC_BUILDABLE", "two"));
    assert_eq!(done.ended.compiled(), ["words", "two"], "{}", done.ended.log);
    assert_eq!(answers(&done.image, "/"), "a word");

    let main = "#[functions_framework::function]\nasync fn hello() -> String { words::word().to_uppercase() }\n";
    let app = app.file("two/src/main.rs", main);
    let done = again(done.environment, &Creation::of(&app).env("FUNC_BUILDABLE", "two"));
    assert_eq!(done.ended.compiled(), ["two"], "{}", done.ended.log);
    assert_eq!(answers(&done.image, "/"), "A WORD");

    let app = app.file("words/src/lib.rs", "pub fn word() -> &'static str { \"another\" }\n");
    let done = again(done.environment, &Creation::of(&app).env("FUNC_SRC", "two"));
    assert_eq!(done.ended.compiled(), ["words", "two"], "{}", done.ended.log);
    assert_eq!(answers(&done.image, "/"), "ANOTHER");
}

#[test]
fn a_workspace_of_several_functions_leaves_open_which_is_meant() {
    let ended = refused("open", &Creation::of(&workspace()));
    says(&ended, &["FUNC_BUILDABLE", "one", "two"]);
}
