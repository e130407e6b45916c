//! What a build leaves for the image, and how one ends that cannot.

use std::fs;

use crate::platform::Platform;

const MANIFEST: &str = "[package]\nname = \"shop\"\nversion = \"1.2.3\"\nedition = \"2024\"\ndescription = \"Sells.\"\nlicense = \
                        \"MIT\"\n[features]\nloud = []\n";

/// A program that answers as one of the framework does.
const MAIN: &str = r##"
fn main() {
    if std::env::args().nth(1).as_deref() == Some("--list-functions") {
        println!(r#"{{"framework":"0.1.0","functions":[{{"name":"hello","kind":"http"}},{{"name":"orders","kind":"cloudevent"}}]}}"#);
    } else {
        println!("{}", if cfg!(feature = "loud") { "HELLO" } else { "hello" });
    }
}
"##;

fn shop() -> Platform {
    Platform::new(&[("Cargo.toml", MANIFEST), ("src/main.rs", MAIN)])
}

#[test]
fn a_source_without_a_function_is_left_to_others() {
    let platform = shop();
    let phase = platform.detect();
    assert_eq!(phase.code, Some(100));
    phase.assert_says("neither FUNC_NAME nor a dependency on functions-framework");
    assert_eq!(platform.set("FUNC_NAME", "hello").detect().code, Some(0));
    assert_eq!(Platform::new(&[("package.json", "{}")]).set("FUNC_NAME", "hello").detect().code, Some(100));
}

#[test]
fn the_image_has_a_process_labels_variables_and_a_bill_of_materials() {
    let platform = shop();
    platform.set("FUNC_NAME", "hello").set("FUNC_TYPE", "http").set("FUNC_LABEL_TEAM", "a b").built();
    let launch = platform.layer("launch.toml");
    let command = format!("command = [\"{}\"]", platform.layers().join("bin/bin/shop").display());
    for text in [
        "type = \"web\"",
        "default = true",
        &command,
        "io.openfunction.functions",
        r#"[{"name":"hello","kind":"http"},{"name":"orders","kind":"cloudevent"}]"#,
        "key = \"org.opencontainers.image.version\"\nvalue = \"1.2.3\"",
        "key = \"google.team\"\nvalue = \"a b\"",
    ] {
        assert!(launch.contains(text), "`{text}` is not in\n{launch}");
    }
    for (name, value) in [("FUNC_NAME", "hello"), ("FUNCTION_TARGET", "hello"), ("FUNCTION_SIGNATURE_TYPE", "http")] {
        assert_eq!(platform.layer(&format!("bin/env.launch/{name}.default")), value);
    }
    assert!(platform.layer("bin.sbom.cdx.json").contains("pkg:cargo/shop@1.2.3"));
    for (layer, types) in
        [("bin", "launch = true\nbuild = false\ncache = false"), ("target", "cache = true"), ("cargo-home", "cache = true")]
    {
        assert!(platform.layer(&format!("{layer}.toml")).contains(types), "{layer}");
    }
}

#[test]
fn a_function_that_is_not_in_the_program_ends_the_build() {
    let platform = shop();
    let phase = platform.set("FUNC_NAME", "hello,order").build();
    assert_eq!(phase.code, Some(1));
    phase.assert_says("the program has no function `order`, did you mean `orders`?\n  functions: hello, orders");
}

#[test]
fn several_functions_are_no_target() {
    let platform = shop();
    platform.set("FUNC_NAME", "hello,orders").built();
    assert_eq!(platform.layer("bin/env.launch/FUNC_NAME.default"), "hello,orders");
    assert!(!platform.layers().join("bin/env.launch/FUNCTION_TARGET.default").exists());
}

#[test]
fn what_the_compiler_says_is_in_the_log() {
    let platform = shop();
    platform.write("src/main.rs", "fn main() { let x: u32 = \"text\"; }\n");
    let phase = platform.set("FUNC_NAME", "hello").build();
    assert_eq!(phase.code, Some(1));
    phase.assert_says("error[E0308]: mismatched types\n --> src/main.rs:1:");
    phase.assert_says("ERROR: `cargo build` failed");
}

#[test]
fn a_program_of_another_making_is_built_with_a_warning() {
    let platform = shop();
    platform.write("src/main.rs", "fn main() { eprintln!(\"what?\"); std::process::exit(2) }\n");
    let phase = platform.set("FUNC_NAME", "hello").built();
    phase.assert_says("WARNING: the program does not say which functions it has, it ended with exit status: 2: what?");
    assert!(!platform.layer("launch.toml").contains("io.openfunction.functions"));
}

#[test]
fn features_arguments_and_an_entry_point_are_taken() {
    let platform = shop();
    platform.write("src/bin/tool.rs", "fn main() { println!(\"tool\"); }\n");
    platform.set("FUNC_NAME", "hello").set("FUNC_CARGO_FEATURES", "loud").set("FUNC_BUILDABLE", "shop");
    platform.set("FUNC_ENTRYPOINT", "tool --with $HOME").built();
    assert_eq!((platform.program("shop").as_str(), platform.program("tool").as_str()), ("HELLO", "tool"));
    assert!(
        platform.layer("launch.toml").contains("/bin/tool\"]\nargs = [\"--with\", \"$HOME\"]"),
        "{}",
        platform.layer("launch.toml")
    );
}

#[test]
fn the_flags_of_the_user_are_kept_and_the_program_is_static_all_the_same() {
    for configuration in [
        "[build]\nrustflags = [\"--cfg\", \"mine\"]\n",
        "[build]\nrustflags = \"--cfg mine\"\n",
        "[target.'cfg(unix)']\nrustflags = [\"--cfg\", \"mine\"]\n",
        "[target.'cfg(windows)']\nrustflags = [\"--cfg\", \"other\"]\n[build]\nrustflags = [\"--cfg\", \"mine\"]\n",
    ] {
        let platform = shop();
        platform.write(".cargo/config.toml", configuration);
        let main = format!(
            "#[cfg(not(mine))]\ncompile_error!(\"the flag is lost\");\n#[cfg(not(target_feature = \"crt-static\"))]\n\
             compile_error!(\"not static\");\n{MAIN}"
        );
        platform.write("src/main.rs", &main);
        platform.set("FUNC_NAME", "hello").set("FUNC_CARGO_TARGET", "gnu-static").built();
        assert_eq!(platform.program("shop"), "hello", "{configuration}");
    }
    let platform = shop();
    platform.write("src/main.rs", &format!("#[cfg(not(mine))]\ncompile_error!(\"the flag is lost\");\n{MAIN}"));
    platform.set("FUNC_NAME", "hello").set("RUSTFLAGS", "--cfg mine").set("FUNC_CARGO_TARGET", "gnu-static").built();
}

#[test]
fn the_same_source_gives_the_same_program_without_a_trace_of_where_it_was_built() {
    let platform = shop();
    platform.set("FUNC_NAME", "hello").built();
    let read = || fs::read(platform.layers().join("bin/bin/shop")).unwrap();
    let (first, bom, launch) = (read(), platform.layer("bin.sbom.cdx.json"), platform.layer("launch.toml"));
    fs::remove_dir_all(platform.layers()).unwrap();
    fs::create_dir(platform.layers()).unwrap();
    platform.built();
    assert!(first == read(), "two builds of a source differ");
    assert_eq!((bom, launch), (platform.layer("bin.sbom.cdx.json"), platform.layer("launch.toml")));
    let folder = platform.layers();
    let folder = folder.to_string_lossy();
    assert!(!first.windows(folder.len()).any(|part| part == folder.as_bytes()), "the program names {folder}");
}

#[test]
fn a_missing_lock_is_written_with_a_warning_and_a_wrong_one_ends_the_build() {
    let platform = shop();
    platform
        .set("FUNC_NAME", "hello")
        .set("FUNC_FRAMEWORK_VERSION", "0.4")
        .built()
        .assert_says("WARNING: there is no Cargo.lock");
    let phase = platform.built();
    assert!(!phase.output.contains("no Cargo.lock"));
    phase.assert_says("WARNING: FUNC_FRAMEWORK_VERSION is 0.4, Cargo.lock has none");
    platform.write("other/Cargo.toml", "[package]\nname = \"other\"\nversion = \"1.0.0\"\n");
    platform.write("other/src/lib.rs", "");
    platform.write("Cargo.toml", &format!("{MANIFEST}[dependencies]\nother = {{ path = \"other\" }}\n"));
    let phase = platform.build();
    assert_eq!(phase.code, Some(1));
    phase.assert_says("--locked");
}

#[test]
fn a_cleared_source_leaves_what_programs_read() {
    let platform = shop();
    for file in ["static/a.css", "templates/x.html", "public/b.js", "notes.txt"] {
        platform.write(file, "");
    }
    platform.set("FUNC_NAME", "hello").set("FUNC_CLEAR_SOURCE", "true").set("FUNC_KEEP_SOURCE", "public/**").built();
    let mut left: Vec<_> = fs::read_dir(platform.app()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["public", "static", "templates"]);
    let phase = shop().set("FUNC_CLEAR_SOURCE", "yes").build();
    assert_eq!(phase.code, Some(1));
    phase.assert_says("ERROR: FUNC_CLEAR_SOURCE is `yes`: expected `true` or `false`");
}

#[test]
fn a_member_of_a_workspace_is_found_by_its_name_or_folder() {
    let platform = Platform::new(&[("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n")]);
    for name in ["a", "b"] {
        platform.write(&format!("crates/{name}/Cargo.toml"), &MANIFEST.replace("\"shop\"", &format!("\"{name}\"")));
        platform.write(&format!("crates/{name}/src/main.rs"), MAIN);
    }
    platform.set("FUNC_NAME", "hello");
    let phase = platform.build();
    assert_eq!(phase.code, Some(1));
    phase.assert_says("name one with FUNC_BUILDABLE\n  a\n  b");
    platform.set("FUNC_BUILDABLE", "b").built();
    assert_eq!(platform.program("b"), "hello");
    platform.unset("FUNC_BUILDABLE");
    platform.set("FUNC_SRC", "crates/a").built();
    assert_eq!(platform.layer("bin/env.launch/FUNCTION_SOURCE.default"), "crates/a");
    assert!(platform.layers().join("bin/bin/a").exists() && !platform.layers().join("bin/bin/b").exists());
}

#[test]
fn a_folder_of_vendored_crates_stands_for_the_registry() {
    let platform = shop();
    platform.write("Cargo.toml", &format!("{MANIFEST}[dependencies]\nvendored = \"1\"\n"));
    platform.write("src/main.rs", &format!("use vendored as _;\n{MAIN}"));
    platform.write("vendor/vendored/Cargo.toml", "[package]\nname = \"vendored\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
    platform.write("vendor/vendored/src/lib.rs", "");
    platform.write(
        "vendor/vendored/.cargo-checksum.json",
        "{\"files\":{},\"package\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
    );
    platform.set("FUNC_NAME", "hello").set("FUNC_CARGO_REGISTRY", "vendor").built();
    let bom = platform.layer("bin.sbom.cdx.json");
    assert!(bom.contains("\"content\":\"0000") && bom.contains("pkg:cargo/vendored@1.0.0"), "{bom}");
}
