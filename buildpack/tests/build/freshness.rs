//! What is compiled when, after a platform that keeps no times: never a stale program, and no more than what changed.

use std::fs;

use crate::platform::Platform;

const MANIFEST: &str = "[workspace]\nmembers = [\"greeting\"]\n[package]\nname = \"shop\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\
                        [dependencies]\ngreeting = { path = \"greeting\" }\n[profile.other]\ninherits = \"release\"\n";

/// A program that prints a word of its own and one of another package of the workspace.
fn shop() -> Platform {
    let platform = Platform::new(&[
        ("Cargo.toml", MANIFEST),
        ("src/main.rs", "mod own;\nfn main() { println!(\"{} {}\", own::WORD, greeting::WORD); }\n"),
        ("greeting/Cargo.toml", "[package]\nname = \"greeting\"\nversion = \"1.0.0\"\nedition = \"2024\"\n"),
    ]);
    say(&platform, "src/own.rs", "one");
    say(&platform, "greeting/src/lib.rs", "hello");
    platform.set("FUNC_NAME", "shop");
    platform
}

fn say(platform: &Platform, file: &str, word: &str) {
    platform.write(file, &format!("pub const WORD: &str = \"{word}\";\n"));
}

/// Builds after the platform has forgotten the times; returns what was compiled and what the program says.
fn rebuilt(platform: &Platform) -> (String, String) {
    platform.forget_times();
    let phase = platform.built();
    (phase.compiled().join(" "), platform.program("shop"))
}

fn is(compiled: &str, says: &str) -> (String, String) {
    (compiled.to_owned(), says.to_owned())
}

#[test]
fn only_what_changed_is_compiled_whatever_the_times_say() {
    let platform = shop();
    assert_eq!(rebuilt(&platform), is("greeting shop", "one hello"));
    assert_eq!(rebuilt(&platform), is("", "one hello"));
    say(&platform, "src/own.rs", "two");
    assert_eq!(rebuilt(&platform), is("shop", "two hello"));
    say(&platform, "greeting/src/lib.rs", "bye");
    assert_eq!(rebuilt(&platform), is("greeting shop", "two bye"));
    assert_eq!(rebuilt(&platform), is("", "two bye"));
}

#[test]
fn what_another_profile_left_behind_is_not_taken_for_fresh() {
    let platform = shop();
    assert_eq!(rebuilt(&platform), is("greeting shop", "one hello"));
    platform.set("FUNC_CARGO_PROFILE", "other");
    say(&platform, "src/own.rs", "two");
    assert_eq!(rebuilt(&platform), is("greeting shop", "two hello"));
    // The source is that of the last build; the program of this profile is not.
    platform.unset("FUNC_CARGO_PROFILE");
    assert_eq!(rebuilt(&platform), is("shop", "two hello"));
    assert_eq!(rebuilt(&platform), is("", "two hello"));
}

#[test]
fn a_build_that_fails_leaves_nothing_that_is_taken_for_fresh() {
    let platform = shop();
    assert_eq!(rebuilt(&platform), is("greeting shop", "one hello"));
    say(&platform, "greeting/src/lib.rs", "bye");
    platform.write("src/own.rs", "this is no Rust");
    assert_eq!(platform.build().code, Some(1));
    // As it was when it was last built: what is compiled of `greeting` now is of another text.
    say(&platform, "greeting/src/lib.rs", "hello");
    say(&platform, "src/own.rs", "one");
    assert_eq!(rebuilt(&platform).1, "one hello");
}

#[test]
fn a_file_that_is_gone_is_noticed_by_the_build_script_that_looks_at_its_folder() {
    let platform = shop();
    platform.write(
        "build.rs",
        "fn main() {\n    println!(\"cargo:rerun-if-changed=data\");\n    println!(\"cargo:rustc-env=FILES={}\", \
         std::fs::read_dir(\"data\").unwrap().count());\n}\n",
    );
    platform.write("src/main.rs", "fn main() { println!(\"{}\", env!(\"FILES\")); }\n");
    platform.write("data/a", "");
    platform.write("data/b", "");
    assert_eq!(rebuilt(&platform).1, "2");
    assert_eq!(rebuilt(&platform), is("", "2"));
    fs::remove_file(platform.app().join("data/b")).unwrap();
    assert_eq!(rebuilt(&platform).1, "1");
    assert_eq!(rebuilt(&platform), is("", "1"));
    platform.write("data/sub/c", "");
    assert_eq!(rebuilt(&platform).1, "2");
}

#[test]
fn a_build_script_that_names_no_files_is_not_run_again_for_nothing() {
    let platform = shop();
    platform.write("build.rs", "fn main() {}\n");
    assert_eq!(rebuilt(&platform).1, "one hello");
    assert_eq!(rebuilt(&platform), is("", "one hello"));
    say(&platform, "src/own.rs", "two");
    assert_eq!(rebuilt(&platform), is("shop", "two hello"));
}

#[test]
fn a_source_that_was_moved_is_compiled_where_it_is() {
    let mut platform = shop();
    platform.write("src/main.rs", "fn main() { println!(\"{}\", env!(\"CARGO_MANIFEST_DIR\")); }\n");
    assert_eq!(rebuilt(&platform).1, platform.app().to_string_lossy());
    platform.move_app("elsewhere");
    assert_eq!(rebuilt(&platform).1, platform.app().to_string_lossy());
}

#[test]
fn a_link_that_leads_elsewhere_is_followed() {
    let platform = shop();
    let link = platform.app().join("src/own.rs");
    fs::remove_file(&link).unwrap();
    for word in ["one", "two"] {
        say(&platform, &format!("words/{word}.rs"), word);
        say(&platform, &format!("folders/{word}/own.rs"), word);
    }
    std::os::unix::fs::symlink("../words/one.rs", &link).unwrap();
    assert_eq!(rebuilt(&platform).1, "one hello");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("../words/two.rs", &link).unwrap();
    assert_eq!(rebuilt(&platform).1, "two hello");
    assert_eq!(rebuilt(&platform), is("", "two hello"));

    let folder = platform.app().join("src/words");
    platform.write("src/main.rs", "#[path = \"words/own.rs\"]\nmod own;\nfn main() { println!(\"{}\", own::WORD); }\n");
    std::os::unix::fs::symlink("../folders/one", &folder).unwrap();
    assert_eq!(rebuilt(&platform).1, "one");
    fs::remove_file(&folder).unwrap();
    std::os::unix::fs::symlink("../folders/two", &folder).unwrap();
    assert_eq!(rebuilt(&platform).1, "two");
}
