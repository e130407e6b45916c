//! Every example, started and called.

use std::{
    path::PathBuf,
    process::Command,
    sync::LazyLock,
};

use black_box_tests::{Request, Start};

/// The folder the test programs are in, where cargo puts those of the examples too.
static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut build = Command::new(env!("CARGO"));
    build.arg("build").current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, ..) in EXAMPLES {
        build.args(["--package", name]);
    }
    let folder = PathBuf::from(env!("CARGO_BIN_EXE_fixture")).parent().expect("a program is in a folder").to_owned();
    if folder.ends_with("release") {
        build.arg("--release");
    }
    if let Some(target) = folder.parent() {
        build.env("CARGO_TARGET_DIR", target);
    }
    let output = build.output().expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
});

/// One call: the package, what is set, the request, and what is answered.
type Call = (&'static str, &'static [(&'static str, &'static str)], fn() -> Request, u16, &'static str);

const EXAMPLES: &[Call] = &[("hello", &[], || Request::get("/any/path"), 200, "Hello, OpenFunction!\n")];

fn example(name: &str) -> Start {
    Start::new(BUILT.join(name))
}

#[test]
fn each_answers_as_it_says() {
    for (name, environment, request, status, body) in EXAMPLES {
        let start = environment.iter().fold(example(name), |start, (variable, value)| start.env(variable, value));
        let program = start.serve();
        let response = program.send(&request());
        assert_eq!(response.status, *status, "{name}: {response:?}");
        assert!(response.text().contains(body), "{name}: {response:?}");
        program.terminate().expect(0, &[]);
    }
}
