//! Who is compared: the framework and its peers, how they are built and started.

use std::{path::PathBuf, process::Command};

use super::{
    memory,
    peers::{self, Foreign},
    rows::Platform,
    server::Program,
    signal::Signal,
};
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
    OfGo,
    GcpGo,
    GcpNode,
    OfJava,
}

impl Side {
    pub(crate) const ALL: [Self; 9] =
        [Self::Ours, Self::Hyper, Self::Axum, Self::Sdk, Self::Tonic, Self::OfGo, Self::GcpGo, Self::GcpNode, Self::OfJava];

    /// The name in options and in the JSON file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Hyper => "hyper",
            Self::Axum => "axum",
            Self::Sdk => "sdk",
            Self::Tonic => "tonic",
            Self::OfGo => "of-go",
            Self::GcpGo => "gcp-go",
            Self::GcpNode => "gcp-node",
            Self::OfJava => "of-java",
        }
    }

    /// The name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Hyper => "hyper h1+h2c",
            Self::Axum => "axum",
            Self::Sdk => "axum + SDK",
            Self::Tonic => "tonic",
            _ => self.foreign().map_or("", |foreign| foreign.title),
        }
    }

    /// Whether it is Rust, whose instructions valgrind counts.
    pub(crate) fn is_counted(self) -> bool {
        self.foreign().is_none()
    }

    /// Whether it has a program that greets: those that are about events do not.
    pub(crate) const fn greets(self) -> bool {
        !matches!(self, Self::Sdk | Self::Tonic)
    }

    /// Where it comes from, if it is of another language.
    pub(crate) fn foreign(self) -> Option<&'static Foreign> {
        match self {
            Self::OfGo => Some(&peers::OF_GO),
            Self::GcpGo => Some(&peers::GCP_GO),
            Self::GcpNode => Some(&peers::GCP_NODE),
            Self::OfJava => Some(&peers::OF_JAVA),
            _ => None,
        }
    }

    pub(crate) const fn package(self) -> &'static str {
        match self {
            Self::Hyper => "peer-hyper",
            Self::Axum => "peer-axum",
            Self::Sdk => "peer-axum-sdk",
            Self::Tonic => "peer-tonic",
            _ => "bench-functions",
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
        match self.foreign() {
            Some(foreign) => foreign.build(),
            None => self.build_package(self.package(), signals),
        }
    }

    /// Builds the smallest program of this side.
    pub(crate) fn build_smallest(self) -> Result {
        if self == Self::Ours { self.build_package(SMALLEST, &[]) } else { self.build(&[]) }
    }

    fn build_package(self, package: &str, signals: &[Signal]) -> Result {
        let manifest = match self {
            Self::Ours => "Cargo.toml",
            _ => "benches/peers/Cargo.toml",
        };
        let mut cargo: Command = workspace::cargo();
        cargo.args(["build", "--locked", "--profile", PROFILE, "--package", package, "--manifest-path", manifest]);
        if self == Self::Ours {
            cargo.args(["--features", &features(signals)]);
        }
        if cargo.env("CARGO_TARGET_DIR", self.target_dir(signals)).status()?.success() {
            return Ok(());
        }
        Err(format!("building {package} failed; `--sides` leaves a side out").into())
    }

    /// How this side is started, whatever its language, to do what `mode` says, on `platform`.
    pub(crate) fn started(self, mode: &'static str, platform: Platform, sidecar: u16) -> Result<Program> {
        self.foreign().map_or_else(|| Ok(self.program(mode, platform, sidecar, &[])), |foreign| foreign.program(mode, None))
    }

    /// How a side that cargo builds is started to do what `mode` says, on `platform`.
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
        let binary = match (self, mode) {
            (Self::Ours, _) => platform.program(),
            (Self::Axum, "typed") => "peer-axum-typed",
            _ => self.package(),
        };
        Program { environment, ..self.built(binary, signals) }
    }

    /// How the smallest program of this side is started: one that greets.
    pub(crate) fn smallest(self) -> Result<Program> {
        if self == Self::Ours { Ok(self.built(SMALLEST, &[])) } else { self.started("hello", Platform::Bare, 0) }
    }

    /// The bytes that are shipped of its smallest program.
    pub(crate) fn size(self) -> Result<u64> {
        match self.foreign() {
            Some(foreign) => foreign.size(),
            None => memory::stripped(&self.smallest()?.binary),
        }
    }

    fn built(self, binary: &str, signals: &[Signal]) -> Program {
        let arguments = if self == Self::Ours { vec!["--host".to_owned(), "127.0.0.1".to_owned()] } else { Vec::new() };
        Program { binary: self.target_dir(signals).join(PROFILE).join(binary), arguments, environment: Vec::new() }
    }
}

/// The example that greets, and is nothing more.
const SMALLEST: &str = "hello";

/// The features of our program for these signals, as cargo takes them.
fn features(signals: &[Signal]) -> String {
    signals.iter().filter_map(|signal| signal.feature()).collect::<Vec<_>>().join(",")
}
