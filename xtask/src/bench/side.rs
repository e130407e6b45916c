//! Who is compared: the framework and its peers, how they are built and started.

use std::{path::PathBuf, process::Command};

use super::{rows::Platform, server::Program, signal::Signal};
use crate::{Result, workspace};

/// The profile all sides are built with: release, with symbols. Symbols cost no instructions.
const PROFILE: &str = "profiling";

/// One column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Hyper,
    Axum,
    Sdk,
    Tonic,
}

impl Side {
    pub(crate) const ALL: [Self; 5] = [Self::Ours, Self::Hyper, Self::Axum, Self::Sdk, Self::Tonic];

    /// The name in options and in the JSON file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Hyper => "hyper",
            Self::Axum => "axum",
            Self::Sdk => "sdk",
            Self::Tonic => "tonic",
        }
    }

    /// The name in the head of the table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Hyper => "hyper h1+h2c",
            Self::Axum => "axum",
            Self::Sdk => "axum + SDK",
            Self::Tonic => "tonic",
        }
    }

    const fn package(self) -> &'static str {
        match self {
            Self::Ours => "bench-functions",
            Self::Hyper => "peer-hyper",
            Self::Axum => "peer-axum",
            Self::Sdk => "peer-axum-sdk",
            Self::Tonic => "peer-tonic",
        }
    }

    /// Where its program is built, which is not the same with other features.
    fn target_dir(self, signals: &[Signal]) -> PathBuf {
        match self {
            Self::Ours if features(signals).is_empty() => workspace::target_dir(),
            Self::Ours => workspace::target_dir().join(format!("with-{}", features(signals).replace(',', "-"))),
            _ => workspace::target_dir().join("peers"),
        }
    }

    /// Builds the program of this side alone, so that no other package adds features to its dependencies.
    pub(crate) fn build(self, signals: &[Signal]) -> Result {
        let manifest = match self {
            Self::Ours => "Cargo.toml",
            _ => "benches/peers/Cargo.toml",
        };
        let mut cargo: Command = workspace::cargo();
        cargo.args(["build", "--locked", "--profile", PROFILE, "--package", self.package(), "--manifest-path", manifest]);
        if self == Self::Ours {
            cargo.args(["--features", &features(signals)]);
        }
        if cargo.env("CARGO_TARGET_DIR", self.target_dir(signals)).status()?.success() {
            return Ok(());
        }
        Err(format!("building {} failed; `--sides` leaves a side out", self.package()).into())
    }

    /// How this side is started to do what `mode` says, on `platform`.
    pub(crate) fn program(self, mode: &'static str, platform: Platform, sidecar: u16, signals: &[Signal]) -> Program {
        let mut environment = vec![(if self == Self::Ours { "FUNCTION_TARGET" } else { "MODE" }, mode.to_owned())];
        if self == Self::Ours {
            environment
                .extend(signals.iter().flat_map(|signal| signal.variables()).map(|&(name, value)| (name, value.to_owned())));
        }
        if self == Self::Hyper {
            environment.push(("AUTO", "1".to_owned()));
        }
        if let Some(context) = platform.context() {
            environment.extend([("FUNC_CONTEXT", context.to_owned()), ("DAPR_GRPC_PORT", sidecar.to_string())]);
        }
        let binary = if self == Self::Ours { platform.program() } else { self.package() };
        Program {
            binary: self.target_dir(signals).join(PROFILE).join(binary),
            arguments: if self == Self::Ours { &["--host", "127.0.0.1"] } else { &[] },
            environment,
        }
    }
}

/// The features of our program for these signals, as cargo takes them.
fn features(signals: &[Signal]) -> String {
    signals.iter().filter_map(|signal| signal.feature()).collect::<Vec<_>>().join(",")
}
