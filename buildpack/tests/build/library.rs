//! Libraries of functions, for which the program is written. The framework is a stand-in that says what it was given.

use crate::platform::Platform;

const FUNCTIONS: &str =
    "use ff::function;\n#[function]\npub fn hello() {}\n#[function(name = \"orders\")]\npub fn created() {}\n";

fn library(manifest: &str) -> Platform {
    Platform::new(&[
        ("Cargo.toml", manifest),
        ("src/lib.rs", FUNCTIONS),
        (
            "framework/Cargo.toml",
            "[package]\nname = \"functions-framework\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nmacros = { path = \
             \"../macros\" }\n",
        ),
        (
            "framework/src/lib.rs",
            "pub use macros::function;\n#[macro_export]\nmacro_rules! main { ($($f:path),*) => { fn main() { $(let _ = $f;)* \
             println!(\"{}\", stringify!($($f),*)); } } }\n",
        ),
        (
            "macros/Cargo.toml",
            "[package]\nname = \"macros\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n",
        ),
        (
            "macros/src/lib.rs",
            "use proc_macro::TokenStream;\n#[proc_macro_attribute]\npub fn function(_: TokenStream, item: TokenStream) -> TokenStream { \
             item }\n",
        ),
    ])
}

fn manifest(package: &str) -> String {
    format!(
        "[package]\nname = \"my-shop\"\nversion = \"1.0.0\"\nedition = \"2024\"\n{package}[dependencies]\nff = {{ package = \
         \"functions-framework\", path = \"framework\" }}\n[workspace]\n"
    )
}

#[test]
fn a_program_is_written_for_the_functions_of_a_library() {
    let platform = library(&manifest(""));
    assert_eq!(platform.detect().code, Some(0));
    platform.built();
    assert_eq!(platform.program("openfunction-main"), "my_shop::hello, my_shop::created");
    assert!(platform.layer("launch.toml").contains("bin/bin/openfunction-main\"]"));
    platform.set("FUNC_NAME", "orders").built();
    assert_eq!(platform.program("openfunction-main"), "my_shop::created");
}

#[test]
fn it_is_written_where_cargo_does_not_look_for_programs_too() {
    let platform = library(&manifest("autobins = false\n"));
    platform.built();
    assert_eq!(platform.program("openfunction-main"), "my_shop::hello, my_shop::created");
}

#[test]
fn a_function_that_the_library_does_not_have_ends_the_build() {
    let platform = library(&manifest(""));
    let phase = platform.set("FUNC_NAME", "helo").build();
    assert_eq!(phase.code, Some(1));
    phase.assert_says("FUNC_NAME is `helo`: library `my_shop` has no such function, did you mean `hello`?");
    phase.assert_says("functions: hello, orders");
}
