//! The programs that are built: each a package of its own, outside of the workspace, as a user has one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Result, workspace};

/// A program that greets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) name: String,
    /// Lines of `[dependencies]`.
    dependencies: String,
    source: &'static str,
}

/// What the greeting is; another one is a change of one line.
const GREETING: &str = "Hello, World!";

const HELLO: &str = r#"use functions_framework::function;

#[function]
async fn hello() -> &'static str {
    "Hello, World!"
}
"#;

/// What one would have in the place of the framework: a port, and the way to a sidecar.
const AXUM_AND_TONIC: &str = r#"use axum::{Router, routing::any};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _sidecar = tonic::transport::Endpoint::from_static("http://127.0.0.1:50001").connect_lazy();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, Router::new().fallback(any(async || "Hello, World!"))).await?;
    Ok(())
}
"#;

impl Program {
    /// `hello`, as the first page of the documentation has it.
    pub(super) fn hello() -> Self {
        let path = library().display().to_string();
        Self { name: "hello".to_owned(), dependencies: format!("functions-framework = {{ path = {path:?} }}"), source: HELLO }
    }

    /// The same, with these features only.
    pub(super) fn hello_with(features: &[&str]) -> Self {
        let path = library().display().to_string();
        let dependencies =
            format!("functions-framework = {{ path = {path:?}, default-features = false, features = {features:?} }}");
        Self { name: format!("hello-{}", features.join("-")), dependencies, source: HELLO }
    }

    /// Axum and tonic without a framework, of the versions that the framework uses.
    pub(super) fn axum_and_tonic() -> Self {
        let dependencies = "axum = \"0.8.9\"\ntonic = \"0.14.6\"\n\
             tokio = { version = \"1.47\", features = [\"macros\", \"net\", \"rt-multi-thread\"] }";
        Self { name: "axum-and-tonic".to_owned(), dependencies: dependencies.to_owned(), source: AXUM_AND_TONIC }
    }

    /// Writes the package, with the versions that this repository is tested with.
    pub(super) fn write(&self, folder: &Path) -> Result {
        let source = folder.join("src");
        fs::create_dir_all(&source)?;
        fs::write(folder.join("Cargo.toml"), self.manifest())?;
        fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        fs::write(source.join("main.rs"), self.source)?;
        Ok(())
    }

    fn manifest(&self) -> String {
        let Self { name, dependencies, .. } = self;
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}\n"
        )
    }

    /// Changes one line.
    pub(super) fn change(&self, folder: &Path, greeting: &str) -> Result {
        fs::write(folder.join("src/main.rs"), self.source.replace(GREETING, greeting))?;
        Ok(())
    }
}

fn library() -> PathBuf {
    workspace::root().join("functions-framework")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_a_package_of_its_own_with_the_features_asked_for() {
        let manifest = Program::hello_with(&["server", "dapr"]).manifest();
        assert!(manifest.contains("name = \"hello-server-dapr\"") && manifest.contains("\n[workspace]\n"), "{manifest}");
        assert!(manifest.contains("default-features = false, features = [\"server\", \"dapr\"] }"), "{manifest}");
        assert!(!Program::hello().manifest().contains("default-features"));
    }

    #[test]
    fn every_program_has_the_line_that_is_changed() {
        for program in [Program::hello(), Program::axum_and_tonic()] {
            assert_eq!(program.source.matches(GREETING).count(), 1, "{}", program.name);
        }
    }
}
