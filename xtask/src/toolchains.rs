//! Toolchains and targets the steps need; rustup brings what is missing.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{Result, workspace};

/// The target of static programs on this machine: what the buildpack prefers where it is installed, as in the build image.
pub(crate) fn musl() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}

/// Sees to it that Rust's library for a target is there.
pub(crate) fn target(target: &str) -> Result {
    target_of(None, target)
}

/// Likewise for a certain toolchain, or the one that is used here.
pub(crate) fn target_of(toolchain: Option<&str>, target: &str) -> Result {
    if sysroot(toolchain)?.join("lib/rustlib").join(target).join("lib").is_dir() {
        return Ok(());
    }
    let of = toolchain.map_or_else(Vec::new, |toolchain| vec!["--toolchain", toolchain]);
    install(&[&["target", "add", target], &of[..]].concat())
}

/// Sees to it that a toolchain is there; false where no rustup can bring it.
pub(crate) fn toolchain(version: &str) -> Result<bool> {
    let Some(listed) = output(Command::new("rustup").args(["toolchain", "list"])) else { return Ok(false) };
    if !listed.lines().any(|line| line.starts_with(&format!("{version}-"))) {
        install(&["toolchain", "install", version, "--profile", "minimal", "--no-self-update"])?;
    }
    Ok(true)
}

/// A program of that toolchain, run in the folder of the workspace.
pub(crate) fn program(name: &str, toolchain: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, name]).current_dir(workspace::root());
    // Set by the cargo that runs this; build scripts of the other toolchain would take them for their own.
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTDOC");
    command
}

fn install(arguments: &[&str]) -> Result {
    let said = format!("rustup {}", arguments.join(" "));
    eprintln!("$ {said}");
    match Command::new("rustup").args(arguments).current_dir(workspace::root()).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("`{said}` failed; run it by hand where there is a network, then run this again").into()),
        Err(error) => Err(format!("`{said}` is needed and rustup cannot be run ({error})").into()),
    }
}

fn sysroot(toolchain: Option<&str>) -> Result<PathBuf> {
    let mut rustc = match toolchain {
        Some(toolchain) => program("rustc", toolchain),
        None => Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())),
    };
    let printed = output(rustc.args(["--print", "sysroot"]).current_dir(workspace::root()));
    printed.map(|path| PathBuf::from(path.trim())).ok_or_else(|| "rustc cannot be run".into())
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
