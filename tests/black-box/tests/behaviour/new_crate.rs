//! What the README promises: a new crate with one dependency and three lines of code is a server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use black_box_tests::Start;

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn one_dependency_and_three_lines_are_a_server() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace is above");
    let folder = Folder(std::env::temp_dir().join(format!("new-crate-{}", std::process::id())));
    let name = "black-box-new-crate";
    fs::create_dir_all(folder.0.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nfunctions-framework = {{ path = {:?} }}\n",
        root.join("functions-framework")
    );
    fs::write(folder.0.join("Cargo.toml"), manifest).unwrap();
    // The versions of the workspace, which are here already.
    fs::copy(root.join("Cargo.lock"), folder.0.join("Cargo.lock")).unwrap();
    let code = "use functions_framework::function;\n#[function]\nasync fn hello() -> &'static str { \"Hello!\\n\" }\n";
    fs::write(folder.0.join("src/main.rs"), code).unwrap();

    let programs = Path::new(env!("CARGO_BIN_EXE_fixture")).parent().expect("a program is in a folder");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--offline"]).current_dir(&folder.0);
    build.env("CARGO_TARGET_DIR", programs.parent().expect("a profile is in a folder"));
    let output = build.output().expect("cargo can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("warning"), "{said}");

    let built = programs.with_file_name("debug").join(name);
    let program = Start::new(&built).serve();
    assert_eq!(program.get("/").expect(200).text(), "Hello!\n");
    program.terminate().expect(0, &[]);
    let _ = fs::remove_file(built);
}
