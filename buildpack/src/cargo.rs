//! Runs cargo: what it says of errors goes to the log as it is, what it says of its work is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    metadata::Metadata,
    report,
    toolchain::Toolchain,
};

/// Cargo in the folder of a source.
#[derive(Debug, Clone)]
pub struct Cargo {
    /// The program.
    pub toolchain: Toolchain,
    /// The whole environment of its process.
    pub variables: BTreeMap<String, String>,
    /// Where it runs: what it reads of configuration depends on it.
    pub folder: PathBuf,
    /// Values of `--config`, for every command.
    pub config: Vec<String>,
    /// Whether to show the commands.
    pub debug: bool,
}

/// What a build made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Built {
    /// The programs, by name.
    pub programs: BTreeMap<String, PathBuf>,
    /// The identifiers of the packages in the graph that was built.
    pub packages: BTreeSet<String>,
    /// Of these, the ones that were compiled and not found in the cache.
    pub compiled: BTreeSet<String>,
}

/// A line of what `cargo build` prints.
#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    fresh: Option<bool>,
    executable: Option<PathBuf>,
    target: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl Cargo {
    /// Reads the packages of the workspace.
    ///
    /// # Errors
    /// Cargo cannot: it has said why.
    pub fn workspace(&self) -> Result<Metadata> {
        self.metadata(&["--no-deps".to_owned()])
    }

    /// Reads the graph of a package.
    ///
    /// # Errors
    /// Cargo cannot: it has said why.
    pub fn graph(&self, manifest: &Path, triple: &str, arguments: &[String]) -> Result<Metadata> {
        let manifest = manifest.to_string_lossy();
        let own = ["--locked", "--filter-platform", triple, "--manifest-path", &manifest].map(str::to_owned);
        self.metadata(&[&own, arguments].concat())
    }

    fn metadata(&self, arguments: &[String]) -> Result<Metadata> {
        let mut command = self.command("metadata");
        command.args(["--format-version", "1"]).args(arguments);
        let output = self.shown(&mut command).stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| Error::file("run", &self.toolchain.cargo, &error))?;
        if !output.status.success() {
            return Err(Error::new("`cargo metadata` failed, see above: the source cannot be built as it is"));
        }
        Metadata::parse(&output.stdout)
    }

    /// Writes a `Cargo.lock`.
    ///
    /// # Errors
    /// Cargo cannot: it has said why.
    pub fn lock(&self, workspace: &Path) -> Result<()> {
        let mut command = self.command("generate-lockfile");
        command.arg("--manifest-path").arg(workspace.join("Cargo.toml"));
        let status = self.shown(&mut command).status();
        let status = status.map_err(|error| Error::file("run", &self.toolchain.cargo, &error))?;
        if status.success() { Ok(()) } else { Err(Error::new("`cargo generate-lockfile` failed, see above")) }
    }

    /// Builds programs of a package.
    ///
    /// # Errors
    /// It does not compile: the compiler has said why.
    pub fn build(&self, manifest: &Path, arguments: &[String]) -> Result<Built> {
        let mut command = self.command("build");
        command
            .args(["--locked", "--message-format", "json-render-diagnostics", "--manifest-path"])
            .arg(manifest)
            .args(arguments);
        let child = self.shown(&mut command).stdout(Stdio::piped()).spawn();
        let failed = |error: &std::io::Error| Error::file("run", &self.toolchain.cargo, error);
        let mut child = child.map_err(|error| failed(&error))?;
        let mut built = Built::default();
        for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
            built.read(&line.map_err(|error| failed(&error))?);
        }
        let status = child.wait().map_err(|error| failed(&error))?;
        if !status.success() {
            return Err(Error::new(format!("`cargo build` failed ({status}): what the compiler found is above")));
        }
        Ok(built)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.toolchain.cargo);
        command.arg(name).env_clear().envs(&self.variables).current_dir(&self.folder).stdin(Stdio::null());
        for value in &self.config {
            command.args(["--config", value]);
        }
        command
    }

    fn shown<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if self.debug {
            let words = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>();
            report::line(format!("$ cargo {}", words.join(" ")));
        }
        command
    }
}

impl Built {
    fn read(&mut self, line: &[u8]) {
        let Ok(message) = serde_json::from_slice::<Message>(line) else { return };
        let (Some(id), "compiler-artifact") = (message.package_id, message.reason.as_str()) else { return };
        if message.fresh == Some(false) {
            self.compiled.insert(id.clone());
        }
        self.packages.insert(id);
        if let (Some(target), Some(executable)) = (message.target, message.executable) {
            self.programs.insert(target.name, executable);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_of_its_work_is_read() {
        let mut built = Built::default();
        for line in [
            r#"{"reason":"compiler-artifact","package_id":"a","target":{"name":"a","kind":["lib"]},"fresh":true,"executable":null}"#,
            r#"{"reason":"compiler-artifact","package_id":"b","target":{"name":"b"},"fresh":false,"executable":"/t/b"}"#,
            r#"{"reason":"build-script-executed","package_id":"c"}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "what a build script printed",
        ] {
            built.read(line.as_bytes());
        }
        assert_eq!(built.programs, BTreeMap::from([("b".to_owned(), PathBuf::from("/t/b"))]));
        assert_eq!(built.packages, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!(built.compiled, BTreeSet::from(["b".to_owned()]));
    }
}
