//! What ends a build, and what does not.

use image_tests::{Network, User, oci::Arch};

use crate::*;

#[test]
fn a_function_that_is_not_there_ends_the_build_and_those_that_are_there_are_named() {
    let ended = refused("wrong-name", &Creation::of(&hello()).env("FUNC_NAME", "hallo"));
    says(&ended, &["FUNC_NAME is `hallo`", "functions: hello"]);
}

#[test]
fn a_source_that_has_nothing_to_do_with_the_framework_is_not_ours() {
    let manifest = "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let app = App::new().file("Cargo.toml", manifest).file("src/main.rs", "fn main() {}\n");
    let environment = BuildEnvironment::new(&WORKSHOP, "other").unwrap();
    let ended = environment.create(&Creation::of(&app)).unwrap();
    // No group of buildpacks passed, says the lifecycle; an error of one would be another code.
    assert_eq!(ended.code, Some(20), "{}", ended.log);
    says(&ended, &["fail: openfunction/rust@"]);

    let plan = "/tmp/plan.toml";
    let folder = environment.buildpack();
    let variables = [
        ("CNB_BUILD_PLAN_PATH", plan),
        ("CNB_PLATFORM_DIR", "/platform"),
        ("CNB_BUILDPACK_DIR", &folder),
        ("CNB_TARGET_OS", "linux"),
        ("CNB_TARGET_ARCH", Arch::here().unwrap().name()),
        // libcnb insists on both.
        ("CNB_TARGET_DISTRO_NAME", "debian"),
        ("CNB_TARGET_DISTRO_VERSION", "12"),
    ];
    let detect = format!("cd /workspace/source && exec {folder}/bin/detect /platform {plan}");
    let ended = environment.run(User::Cnb, Network::None, variables, &["sh", "-c", &detect]).unwrap();
    assert_eq!(ended.code, Some(100), "{}", ended.log);
}

#[test]
fn what_does_not_compile_ends_the_build_with_the_words_of_the_compiler() {
    let app = hello().append("src/main.rs", "fn broken() -> u32 { \"text\" }\n");
    let ended = refused("broken", &Creation::of(&app));
    assert_eq!(ended.code, Some(51), "the code of the lifecycle for a build that failed\n{}", ended.log);
    says(&ended, &["error[E0308]: mismatched types", "src/main.rs:", "fn broken() -> u32 { \"text\" }"]);
}

#[test]
fn a_source_without_a_lock_is_built_with_a_warning() {
    let app = hello().without_lock();
    let done = built("no-lock", &Creation::of(&app));
    says(&done.ended, &["there is no Cargo.lock"]);
    // The lock that was made has what the first build had.
    assert_eq!(done.ended.compiled(), [""; 0], "{}", done.ended.log);
}

#[test]
fn without_a_network_crates_come_from_the_folder_that_is_named_and_from_nowhere_else() {
    // The first build had no network either, and no cache.
    assert!(first().ended.compiled().contains(&"functions-framework"), "{}", first().ended.log);
    let environment = BuildEnvironment::new(&WORKSHOP, "no-registry").unwrap();
    let app = hello();
    let creation = Creation::of(&app).without("FUNC_CARGO_REGISTRY").env("CARGO_NET_RETRY", "0");
    let ended = environment.create(&creation).unwrap();
    assert_eq!(ended.code, Some(51), "{}", ended.log);
    says(&ended, &["crates.io"]);
}
