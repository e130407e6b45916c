//! The steps, in the order they run: what is quick to fail comes first.

use std::{
    io::{BufRead, BufReader, IsTerminal, Write},
    process::{Command, Stdio},
};

use ::tools::Tool;

use crate::{
    Result, architecture,
    bench::guard::{self, Guarded},
    toolchains, tools, workspace,
};

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) run: fn() -> Result<Outcome>,
}

/// How a step ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Tested(Tests),
    /// This machine lacks what the step needs.
    NotChecked(String),
}

/// How many tests ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tests {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) ignored: u32,
}

/// The library, whose features and targets are checked one by one.
const LIBRARY: &str = "functions-framework";
const WASM: &str = "wasm32-wasip2";

pub(super) const STEPS: [Step; 12] = [
    Step { name: "architecture", what: "which module may use which, file lengths, leftovers", run: architecture_holds },
    Step { name: "fmt", what: "cargo fmt --all --check", run: fmt },
    Step { name: "clippy", what: "lints of everything, with all features", run: clippy },
    Step { name: "doc", what: "documentation without a warning", run: doc },
    Step { name: "tools", what: "daprd, the brokers and the lifecycle are there: cargo xtask tools", run: bring_tools },
    Step { name: "test", what: "cargo test --workspace: unit, integration, doc, ui and snapshot tests", run: test },
    Step { name: "features", what: "each feature of the library alone, and none", run: features },
    Step { name: "wasm", what: "the model builds for wasm32-wasip2", run: wasm },
    Step { name: "msrv", what: "the workspace builds with the oldest Rust it promises", run: msrv },
    Step { name: "peers", what: "the peers of `cargo xtask bench` build", run: peers },
    Step { name: "guard", what: "no request costs more instructions than what is stored: cargo xtask bench guard", run: guard },
    Step { name: "fuzz", what: "the fuzz targets build", run: fuzz },
];

fn architecture_holds() -> Result<Outcome> {
    let findings = architecture::check()?;
    if findings.is_empty() { Ok(Outcome::Passed) } else { Err(findings.join("\n").into()) }
}

fn fmt() -> Result<Outcome> {
    cargo(["fmt", "--all", "--check"]).map_err(|error| format!("{error}\n`cargo fmt --all` formats"))?;
    Ok(Outcome::Passed)
}

fn clippy() -> Result<Outcome> {
    cargo(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
}

fn doc() -> Result<Outcome> {
    let mut command = workspace::cargo();
    command.args(["doc", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings");
    passes(&mut command)
}

fn bring_tools() -> Result<Outcome> {
    tools::bring(&Tool::OF_TESTS)?;
    toolchains::target(&toolchains::musl())?;
    Ok(Outcome::Passed)
}

/// Runs the tests and reads how many there were while showing what they print: a run of none must not look like success.
fn test() -> Result<Outcome> {
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).stdin(Stdio::null()).stdout(Stdio::piped());
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command.spawn()?;
    let mut count = Tests::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            std::io::stdout().write_all(&[&line[..], b"\n"].concat())?;
            count.add(&String::from_utf8_lossy(&line));
        }
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{} tests failed, {} passed ({})", count.failed, count.passed, said(&command)).into());
    }
    if count.passed == 0 { Err("no test ran".into()) } else { Ok(Outcome::Tested(count)) }
}

impl Tests {
    /// Adds what a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; ..` says.
    fn add(&mut self, line: &str) {
        let Some((_, figures)) = line.split_once("test result: ") else { return };
        // With colours the word before the first figure ends in an escape sequence; words are looked at one by one.
        let words: Vec<&str> = figures.split([' ', ';']).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u32>() else { continue };
            match pair[1] {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Checks rather than lints: what a missing feature leaves without a use is no mistake.
fn features() -> Result<Outcome> {
    let manifest = workspace::read(format!("{LIBRARY}/Cargo.toml"))?;
    let mut sets = workspace::features(&manifest);
    sets.insert(0, "");
    for features in sets {
        let features = format!("--features={features}");
        cargo(["check", "--package", LIBRARY, "--no-default-features", &features])?;
    }
    Ok(Outcome::Passed)
}

fn wasm() -> Result<Outcome> {
    toolchains::target(WASM)?;
    cargo(["check", "--package", LIBRARY, "--no-default-features", "--target", WASM])
}

/// Checks without tests, examples and benches of a package: what a user builds is promised, not what tests need.
fn msrv() -> Result<Outcome> {
    let toolchain = workspace::oldest_toolchain(&workspace::read("Cargo.toml")?)?;
    if !toolchains::toolchain(&toolchain)? {
        return Ok(Outcome::NotChecked(format!("Rust {toolchain} is needed, and rustup to get it")));
    }
    let mut command = toolchains::program("cargo", &toolchain);
    // Each toolchain has a folder: together they would take turns in throwing the other's work away.
    command.args(["check", "--workspace"]).env("CARGO_TARGET_DIR", workspace::target_dir().join("msrv"));
    passes(&mut command)
}

/// The peers are a workspace of their own, so no step above has seen them.
fn peers() -> Result<Outcome> {
    const MANIFEST: &str = "benches/peers/Cargo.toml";
    cargo(["fmt", "--manifest-path", MANIFEST, "--all", "--check"])?;
    let mut command = workspace::cargo();
    command.args(["clippy", "--locked", "--manifest-path", MANIFEST, "--workspace", "--", "-D", "warnings"]);
    passes(command.env("CARGO_TARGET_DIR", workspace::target_dir().join("peers")))
}

/// Counts, which is the same on a busy machine; nothing here is timed.
fn guard() -> Result<Outcome> {
    Ok(match guard::check()? {
        Guarded::Held => Outcome::Passed,
        Guarded::NotChecked(why) => Outcome::NotChecked(why),
    })
}

/// Checks the fuzz targets as cargo-fuzz would build them, which takes neither nightly Rust nor a C++ compiler: the
/// library that drives them is told that it is built already, and a check does not link it.
fn fuzz() -> Result<Outcome> {
    const MANIFEST: &str = "fuzz/Cargo.toml";
    if !workspace::root().join(MANIFEST).exists() {
        return Ok(Outcome::NotChecked("there is no fuzz crate".to_owned()));
    }
    let folder = workspace::target_dir().join("fuzz");
    let mut command = workspace::cargo();
    command.args(["check", "--manifest-path", MANIFEST]);
    command.env("RUSTFLAGS", "--cfg fuzzing").env("CUSTOM_LIBFUZZER_PATH", folder.join("libfuzzer.a"));
    passes(command.env("CARGO_TARGET_DIR", folder))
}

fn cargo<const N: usize>(arguments: [&str; N]) -> Result<Outcome> {
    passes(workspace::cargo().args(arguments))
}

/// Shows the command, runs it without input, and fails if it does.
fn passes(command: &mut Command) -> Result<Outcome> {
    eprintln!("$ {}", said(command));
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("cannot run `{}`: {error}", said(command)))?;
    if status.success() { Ok(Outcome::Passed) } else { Err(format!("`{}` failed", said(command)).into()) }
}

/// The command as one would type it.
fn said(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_stem().unwrap_or_default();
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .filter(|(name, _)| name.to_string_lossy().ends_with("FLAGS"))
        .map(|(name, value)| format!("{}={:?}", name.display(), value.display().to_string()))
        .collect();
    words.push(program.display().to_string());
    words.extend(command.get_args().map(|argument| argument.display().to_string()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_test_programs_are_added_up() {
        let mut count = Tests::default();
        count.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s");
        count.add("test result: \u{1b}[31mFAILED\u{1b}[0m. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        count.add("test tests::it_passed ... ok");
        assert_eq!(count, Tests { passed: 15, failed: 2, ignored: 1 });
    }

    #[test]
    fn a_command_is_shown_as_one_types_it() {
        let mut command = Command::new("cargo");
        command.args(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").env("CARGO_TARGET_DIR", "x");
        assert_eq!(said(&command), r#"RUSTDOCFLAGS="-D warnings" cargo doc --no-deps"#);
    }
}
