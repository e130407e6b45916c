//! What `cargo metadata` prints, as far as it is used here.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    manifest::FRAMEWORK,
};

/// The program that is written for a library.
pub const WRITTEN: &str = "openfunction-main";

/// A workspace, with all packages of the graph where it was resolved.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    /// The packages: the members only, without a resolved graph.
    pub packages: Vec<Package>,
    /// The identifiers of the members.
    pub workspace_members: Vec<String>,
    /// Where `Cargo.lock` is.
    pub workspace_root: PathBuf,
    /// The graph, where it was asked for.
    pub resolve: Option<Resolve>,
}

/// A package.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Opaque: its form differs between versions of cargo.
    pub id: String,
    /// An SPDX expression.
    pub license: Option<String>,
    /// One line about it.
    pub description: Option<String>,
    /// Its site.
    pub homepage: Option<String>,
    /// Where its source is.
    pub repository: Option<String>,
    /// Where its documentation is.
    pub documentation: Option<String>,
    /// Where it came from; none for one of the workspace.
    pub source: Option<String>,
    /// The native library it links.
    pub links: Option<String>,
    /// The program that `cargo run` starts.
    pub default_run: Option<String>,
    /// Where it is.
    pub manifest_path: PathBuf,
    /// What it declares to need.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    /// What is built of it.
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// A dependency as it is declared.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Dependency {
    /// The package.
    pub name: String,
    /// The name it has in the code, where that is another.
    pub rename: Option<String>,
    /// `build` or `dev`; none for one of the program.
    pub kind: Option<String>,
}

/// A program, a library, a build script, ..
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// `bin`, `lib`, `proc-macro`, ..
    pub kind: Vec<String>,
    /// Its first file.
    pub src_path: PathBuf,
}

/// A resolved graph.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Resolve {
    /// A node each package.
    pub nodes: Vec<Node>,
}

/// A package in the graph.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Node {
    /// The package.
    pub id: String,
    /// What it needs.
    pub deps: Vec<Edge>,
}

/// An edge of the graph.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Edge {
    /// The package that is needed.
    pub pkg: String,
    /// What for.
    pub dep_kinds: Vec<EdgeKind>,
}

/// What a package is needed for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct EdgeKind {
    /// `build` or `dev`; none for the program.
    pub kind: Option<String>,
}

impl Metadata {
    /// Reads what cargo printed.
    ///
    /// # Errors
    /// It is not what cargo prints.
    pub fn parse(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json)
            .map_err(|error| Error::new(format!("cargo metadata printed something unexpected: {error}")))
    }

    /// The packages of the workspace.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Finds a package by its identifier.
    pub fn package(&self, id: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.id == id)
    }
}

impl Package {
    /// The names of its programs, without one that was written by an earlier build.
    pub fn bins(&self) -> Vec<&str> {
        let bins = self.targets.iter().filter(|target| target.is("bin")).map(|target| target.name.as_str());
        bins.filter(|name| *name != WRITTEN).collect()
    }

    /// Whether cargo sees the program that is written for its library.
    pub fn has_written(&self) -> bool {
        self.targets.iter().any(|target| target.is("bin") && target.name == WRITTEN)
    }

    /// Its library, when a program can use it.
    pub fn library(&self) -> Option<&Target> {
        self.targets.iter().find(|target| target.is("lib") || target.is("rlib"))
    }

    /// The framework's name in its code, when it depends on it.
    pub fn framework(&self) -> Option<&str> {
        let dependency =
            self.dependencies.iter().find(|dependency| dependency.name == FRAMEWORK && dependency.kind.is_none())?;
        Some(dependency.rename.as_deref().unwrap_or(FRAMEWORK))
    }

    /// The folder it is in.
    pub fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

impl Target {
    fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|one| one == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_prints_is_read() {
        let metadata = Metadata::parse(
            br#"{"packages":[{"name":"f","version":"1.0.0","id":"path+file:///f#1.0.0","license":null,"default_run":null,
                "manifest_path":"/f/Cargo.toml","dependencies":[{"name":"functions-framework","rename":"ff","kind":null},
                {"name":"cc","rename":null,"kind":"build"}],"targets":[{"name":"f","kind":["lib"],"src_path":"/f/src/lib.rs"},
                {"name":"g","kind":["bin"],"src_path":"/f/src/bin/g.rs"}],"features":{}}],
                "workspace_members":["path+file:///f#1.0.0"],"workspace_root":"/f","resolve":null,"target_directory":"/t"}"#,
        )
        .unwrap();
        let package = metadata.members().next().unwrap();
        assert_eq!((package.framework(), package.bins(), package.folder()), (Some("ff"), vec!["g"], Path::new("/f")));
        assert_eq!(package.library().map(|library| library.name.as_str()), Some("f"));
        assert!(Metadata::parse(b"error: no").is_err());
    }
}
