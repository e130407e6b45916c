//! Programs of other packages, built where those of the tests are.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Builds what the arguments of `cargo build` choose, and returns the folder that it is in: that of `beside`, a program of the test.
pub fn built<'a>(beside: &str, arguments: impl IntoIterator<Item = &'a str>) -> PathBuf {
    let folder = Path::new(beside).parent().expect("a program is in a folder").to_owned();
    let mut build = Command::new(env!("CARGO"));
    build.arg("build").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        build.arg("--release");
    }
    if let Some(target) = folder.parent() {
        build.env("CARGO_TARGET_DIR", target);
    }
    let output = build.output().expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}
