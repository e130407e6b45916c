//! `cargo xtask bench guard`: whether a request costs more than it did, by counts that are stored in the repository.
//!
//! A count must be the same on every machine, and change by what is changed here alone. So the programs are built with the
//! oldest Rust the workspace promises to build with, which stays when a newer stable comes out; and they are static, as each
//! system's C library takes its own number of instructions to allocate and copy, and chooses how by the processor. They are
//! not optimised across crates, which takes minutes: these counts are for comparing with each other, and with no others.

mod counts;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use tools::Tool;

use self::counts::{Change, Counts, Verdict};
use super::{
    rows::{ROWS, Row},
    side::Side,
    sidecar,
    valgrind::{self, INSTRUCTIONS, Requests},
};
use crate::{Result, toolchains, tools as tool, workspace};

const USAGE: &str = "\
cargo xtask bench guard [options]

Counts the instructions of a request in five rows and compares them with those that are stored in benches/guard.toml. One that
has grown by more than 3 % is a failure. The step `guard` of `cargo xtask test` does the same.

  --accept   store what is counted now; the message of the change says why";

/// Where the counts are stored.
const STORED: &str = "benches/guard.toml";

/// The profile of the programs: see `Cargo.toml`.
const PROFILE: &str = "guard";

/// The rows: what every request passes, events in both modes and back again, and the way of OpenFunction. Streams are not
/// among them, as their counts follow how the system cuts a body up.
const GUARDED: [&str; 5] = ["hello", "event-binary-1k", "event-structured-1k", "reply-binary-1k", "relay"];

/// Fewer than for the tables, which is enough to see a change of 3 %.
const REQUESTS: Requests = Requests { few: 400, many: 1400 };

/// How a comparison ended in which no count has grown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guarded {
    Held,
    /// Why this machine cannot count what was stored.
    NotChecked(String),
}

/// Runs the command; what is left of the command line are its options.
pub(super) fn run(mut arguments: lexopt::Parser) -> Result {
    use lexopt::Arg::{Long, Short};

    let mut accept = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("accept") => accept = true,
            Long("help") | Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if accept {
        return store();
    }
    match check()? {
        Guarded::Held => Ok(()),
        Guarded::NotChecked(why) => Err(format!("nothing was compared: {why}").into()),
    }
}

/// Counts, and compares with what is stored.
///
/// # Errors
/// A count that has grown, in words for who has changed it; and whatever keeps from counting.
pub(crate) fn check() -> Result<Guarded> {
    let stored = Counts::parse(&workspace::read(STORED)?).map_err(|error| format!("{STORED}: {error}"))?;
    if stored.target != toolchains::musl() || !cfg!(target_os = "linux") {
        return Ok(Guarded::NotChecked(format!("the counts are those of {}", stored.target)));
    }
    let Some(toolchain) = Toolchain::oldest()? else {
        return Ok(Guarded::NotChecked(format!("{} is needed, and rustup to get it", stored.rustc)));
    };
    if toolchain.rustc != stored.rustc {
        return Err(format!(
            "the counts are those of {}, and the oldest Rust of Cargo.toml is {} now: `cargo xtask bench guard --accept` stores its own",
            stored.rustc, toolchain.rustc
        )
        .into());
    }
    let now = count(toolchain, |row, count| stored.change(row, count).verdict() == Verdict::Grown)?;
    judge(&stored.compare(&now))?;
    Ok(Guarded::Held)
}

/// Counts, and stores that.
fn store() -> Result {
    let toolchain = Toolchain::oldest()?.ok_or("rustup is needed, to get the oldest Rust of Cargo.toml")?;
    let now = count(toolchain, |_, _| true)?;
    if let Ok(stored) = workspace::read(STORED).and_then(|text| Counts::parse(&text)) {
        println!("{}", lines(&stored.compare(&now)));
    }
    fs::write(workspace::root().join(STORED), now.to_toml()).map_err(|error| format!("cannot write {STORED}: {error}"))?;
    println!("stored in {STORED}");
    Ok(())
}

/// Tells all, and fails when a row has grown.
fn judge(changes: &[Change]) -> Result {
    let of = |wanted| changes.iter().filter(|change| change.verdict() == wanted).cloned().collect::<Vec<_>>();
    println!("{}", lines(changes));
    let (grown, fallen, new) = (of(Verdict::Grown), of(Verdict::Fallen), of(Verdict::New));
    if let Some(first) = grown.first() {
        return Err(format!(
            "a request costs more instructions than {STORED} says, by more than 3 %:\n{}\n\
             what they are spent on: callgrind_annotate {}\n\
             when it is meant: cargo xtask bench guard --accept, and say why in the message of the change",
            lines(&grown),
            relative(&profile(&first.row)).display(),
        )
        .into());
    }
    if !new.is_empty() {
        return Err(format!("{STORED} does not know\n{}\nstore it: cargo xtask bench guard --accept", lines(&new)).into());
    }
    if !fallen.is_empty() {
        eprintln!(
            "a request costs less than {STORED} says:\n{}\nkeep it that way: cargo xtask bench guard --accept",
            lines(&fallen)
        );
    }
    Ok(())
}

fn lines(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("  {}", change.line())).collect::<Vec<_>>().join("\n")
}

/// Builds and counts. How memory is handed out differs a little from run to run, so a row is counted `again` up to three times,
/// and the least is what it costs.
fn count(toolchain: Toolchain, again: impl Fn(&str, u64) -> bool) -> Result<Counts> {
    tool::bring(&[Tool::Valgrind])?;
    let valgrind = valgrind::version()?;
    toolchain.build()?;
    let sidecar = sidecar::start()?;
    fs::create_dir_all(profiles())?;
    let mut instructions = Vec::new();
    for name in GUARDED {
        let row = row(name)?;
        let mode = row.mode(Side::Ours).ok_or_else(|| format!("nobody answers the row {name}"))?;
        let mut program = Side::Ours.program(mode, row.platform, sidecar, &[]);
        program.binary = toolchain.program(row.platform.program());
        let mut least = u64::MAX;
        for _ in 0..3 {
            let began = Instant::now();
            let [count] = INSTRUCTIONS.slope(&program, row.shape, REQUESTS, Some(&profile(name)))?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a slope of thousands of instructions")]
            let count = count.round() as u64;
            eprintln!("{name}: {count} instructions ({:.0} s)", began.elapsed().as_secs_f64());
            least = least.min(count);
            if !again(name, least) {
                break;
            }
        }
        instructions.push((name.to_owned(), least));
    }
    Ok(Counts { rustc: toolchain.rustc, valgrind, target: toolchain.target, instructions })
}

fn row(name: &str) -> Result<&'static Row> {
    ROWS.iter().find(|row| row.name == name).ok_or_else(|| format!("there is no row {name}").into())
}

/// Where the programs are built, beside those of other toolchains.
fn folder() -> PathBuf {
    workspace::target_dir().join("guard")
}

fn profiles() -> PathBuf {
    folder().join("profiles")
}

/// What callgrind wrote of a row.
fn profile(row: &str) -> PathBuf {
    profiles().join(format!("{row}.out"))
}

fn relative(path: &Path) -> &Path {
    let root = workspace::root();
    path.strip_prefix(root).unwrap_or(path)
}

/// What the programs are built with.
struct Toolchain {
    /// As rustup names it.
    version: String,
    rustc: String,
    target: String,
}

impl Toolchain {
    /// The oldest that is promised; none where no rustup can bring it.
    fn oldest() -> Result<Option<Self>> {
        let version = workspace::oldest_toolchain(&workspace::read("Cargo.toml")?)?;
        if !toolchains::toolchain(&version)? {
            return Ok(None);
        }
        let mut rustc = toolchains::program("rustc", &version);
        let output =
            rustc.arg("--version").stdin(Stdio::null()).output().map_err(|error| format!("cannot run rustc: {error}"))?;
        let rustc = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Some(Self { version, rustc, target: toolchains::musl() }))
    }

    /// Builds both programs, with nothing of this environment that would change them.
    fn build(&self) -> Result {
        toolchains::target_of(Some(&self.version), &self.target)?;
        let mut cargo = toolchains::program("cargo", &self.version);
        cargo.args(["build", "--locked", "--profile", PROFILE, "--target", &self.target]);
        cargo.args(["--package", Side::Ours.package(), "--bins"]).env("CARGO_TARGET_DIR", folder());
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_BUILD_RUSTFLAGS");
        if cargo.stdin(Stdio::null()).status()?.success() {
            return Ok(());
        }
        Err("the programs could not be built; what cargo says is above".into())
    }

    fn program(&self, name: &str) -> PathBuf {
        folder().join(&self.target).join(PROFILE).join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guarded_row_is_stored_and_can_be_counted() {
        let stored = Counts::parse(&workspace::read(STORED).unwrap()).unwrap();
        let names: Vec<&str> = stored.instructions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, GUARDED);
        for name in GUARDED {
            assert!(row(name).unwrap().mode(Side::Ours).is_some(), "{name}");
        }
    }

    #[test]
    fn who_makes_a_row_dearer_hears_which_and_what_to_do() {
        let counted = |count| Counts { instructions: vec![("relay".to_owned(), count)], ..Counts::default() };
        let error = judge(&counted(1000).compare(&counted(1100))).unwrap_err().to_string();
        for part in ["relay", "1000 ->     1100  +10.0 %", "callgrind_annotate", "relay.out", "guard --accept"] {
            assert!(error.contains(part), "{part} is not in\n{error}");
        }
        assert!(judge(&counted(1000).compare(&counted(900))).is_ok(), "what is cheaper is no failure");
        let error = judge(&Counts::default().compare(&counted(900))).unwrap_err().to_string();
        assert!(error.contains("not stored yet") && error.contains("--accept"), "{error}");
    }
}
