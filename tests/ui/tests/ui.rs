//! Compiles `pass/*.rs` and runs them; compiles `fail/*.rs` and compares what rustc says with the `.stderr` beside each.
//!
//! What rustc says changes with rustc. The `.stderr` files are those of [`RUSTC`], and another one compiles `pass` only.
//! To write them anew: `TRYBUILD=overwrite cargo test --package ui-tests`. Then read each as its user would: one mistake, one
//! error, at what is wrong, in our words.

use std::{io::Write as _, process::Command};

/// The rustc that wrote the `.stderr` files, without the last part of its version.
const RUSTC: &str = "1.95";

#[test]
fn ui() {
    let tests = trybuild::TestCases::new();
    tests.pass("pass/*.rs");
    let found = rustc();
    if found.starts_with(&format!("{RUSTC}.")) {
        tests.compile_fail("fail/*.rs");
    } else {
        // Not `eprintln!`, which nobody sees of a test that succeeds.
        let notice = format!("skipped: fail/*.rs compares the messages of rustc {RUSTC}, and this is rustc {found}\n");
        std::io::stderr().write_all(notice.as_bytes()).expect("a test can write to its standard error");
    }
}

/// The version of the rustc that cargo runs here.
fn rustc() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("whoever compiled this test has a rustc");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).unwrap_or_default().to_owned()
}
