//! One build, and what it took.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{Result, bench::process};

/// What a build took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cost {
    pub(super) crates: usize,
    pub(super) seconds: f64,
    /// Of the processor, which others on the machine change less.
    pub(super) processor: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    Debug,
    Release,
}

impl Profile {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// Gets what a package needs from the registry, so that no build waits for a network.
pub(super) fn fetch(folder: &Path) -> Result {
    let fetched = cargo(folder).args(["fetch", "--quiet"]).status()?;
    if fetched.success() { Ok(()) } else { Err(format!("`cargo fetch` failed in {}", folder.display()).into()) }
}

/// Builds from nothing.
pub(super) fn cold(folder: &Path, profile: Profile) -> Result<Cost> {
    let target = folder.join("target");
    if target.exists() {
        fs::remove_dir_all(&target).map_err(|error| format!("cannot remove {}: {error}", target.display()))?;
    }
    warm(folder, profile)
}

/// Builds what has changed.
pub(super) fn warm(folder: &Path, profile: Profile) -> Result<Cost> {
    let (began, before) = (Instant::now(), process::processor_time_of_ended());
    let mut command = cargo(folder);
    command.args(["build", "--offline"]).args(if profile == Profile::Release { &["--release"][..] } else { &[] });
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let (mut crates, mut said) = (0, String::new());
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            let line = line?;
            crates += usize::from(is_of_a_crate(&line));
            said.push_str(&line);
            said.push('\n');
        }
    }
    if !child.wait()?.success() {
        return Err(format!("a build failed in {}:\n{said}", folder.display()).into());
    }
    let (seconds, processor) = (began.elapsed(), process::processor_time_of_ended().saturating_sub(before));
    Ok(Cost { crates, seconds: seconds.as_secs_f64(), processor: processor.as_secs_f64() })
}

/// Cargo without what would make a build cheaper or dearer than a user's.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in ["RUSTC_WRAPPER", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_INCREMENTAL", "CARGO_BUILD_JOBS"] {
        command.env_remove(name);
    }
    command.current_dir(folder).env("CARGO_TARGET_DIR", folder.join("target")).stdin(Stdio::null());
    command
}

/// Whether cargo says that it compiles a crate.
fn is_of_a_crate(line: &str) -> bool {
    line.trim_start().starts_with("Compiling ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_counted_by_what_cargo_says() {
        assert!(is_of_a_crate("   Compiling tokio v1.54.1"));
        assert!(!is_of_a_crate("    Finished `dev` profile") && !is_of_a_crate("warning: Compiling is slow"));
    }
}
