//! Programs that are built here, with Go, of a folder beside this: their version, their sources, and the place named after both.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What is built of a folder, and how.
#[derive(Debug)]
struct Recipe {
    /// The folder of its sources, and its program.
    name: &'static str,
    /// The module whose version it has.
    module: &'static str,
    /// Where it keeps its version, for the linker to say.
    version_variable: &'static str,
    /// What `go build` is to build.
    packages: &'static str,
    /// Other names of its program, which does what it is called by.
    links: &'static [&'static str],
    /// How long the first build takes, and how much it downloads.
    cost: &'static str,
}

static DAPRD: Recipe = Recipe {
    name: "daprd",
    module: "github.com/dapr/dapr",
    version_variable: "github.com/dapr/dapr/pkg/buildinfo.version",
    packages: ".",
    links: &[],
    cost: "some minutes and 150 MB of downloads",
};

static LIFECYCLE: Recipe = Recipe {
    name: "lifecycle",
    module: "github.com/buildpacks/lifecycle",
    version_variable: "github.com/buildpacks/lifecycle/cmd.Version",
    // Those that go.mod calls tools: the phases and the launcher.
    packages: "tool",
    links: &["analyzer", "detector", "restorer", "builder", "exporter", "creator"],
    cost: "a minute and 100 MB of downloads",
};

/// A program as its sources have it now.
#[derive(Debug)]
pub struct Built {
    recipe: &'static Recipe,
    version: String,
    hash: u64,
}

impl Built {
    /// Reads the sources of Dapr's sidecar.
    ///
    /// # Errors
    /// When they cannot be read, or their `go.mod` does not say which version they are.
    pub fn daprd() -> io::Result<Self> {
        Self::read(&DAPRD)
    }

    /// Reads the sources of the lifecycle of Cloud Native Buildpacks.
    ///
    /// # Errors
    /// When they cannot be read, or their `go.mod` does not say which version they are.
    pub fn lifecycle() -> io::Result<Self> {
        Self::read(&LIFECYCLE)
    }

    fn read(recipe: &'static Recipe) -> io::Result<Self> {
        let mut sources = Vec::new();
        for entry in fs::read_dir(recipe.folder())? {
            let path = entry?.path();
            if matches!(path.extension().and_then(|extension| extension.to_str()), Some("go" | "mod" | "sum")) {
                sources.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), fs::read(&path)?));
            }
        }
        Self::of(recipe, sources)
    }

    fn of(recipe: &'static Recipe, mut sources: Vec<(String, Vec<u8>)>) -> io::Result<Self> {
        sources.sort();
        let module =
            sources.iter().find(|(name, _)| name == "go.mod").map(|(_, text)| String::from_utf8_lossy(text).into_owned());
        let version = module.as_deref().and_then(|module| version_of(recipe.module, module)).ok_or_else(|| {
            io::Error::other(format!("{} says no version of {}", recipe.folder().join("go.mod").display(), recipe.module))
        })?;
        let version = version.to_owned();
        let mut parts: Vec<&[u8]> = sources.iter().flat_map(|(name, text)| [name.as_bytes(), text]).collect();
        let arguments = arguments(recipe, &version);
        parts.extend(arguments.iter().map(String::as_bytes));
        parts.extend(recipe.links.iter().map(|link| link.as_bytes()));
        Ok(Self { hash: hash(&parts), recipe, version })
    }

    /// Its name, which is that of its program too.
    pub const fn name(&self) -> &'static str {
        self.recipe.name
    }

    /// The version of it, without a `v`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the first build of it costs, in words.
    pub const fn cost(&self) -> &'static str {
        self.recipe.cost
    }

    /// The folder of its sources.
    pub fn sources(&self) -> PathBuf {
        self.recipe.folder()
    }

    /// What `go` is called with to build it, besides where to put it and what to build.
    pub fn build_arguments(&self) -> Vec<String> {
        arguments(self.recipe, &self.version)
    }

    /// What `go` is to build, as its last argument.
    pub const fn packages(&self) -> &'static str {
        self.recipe.packages
    }

    /// The other names its program has, as links beside it.
    pub const fn links(&self) -> &'static [&'static str] {
        self.recipe.links
    }

    /// The folder where its programs are once it is built.
    ///
    /// # Errors
    /// When there is no place to keep it.
    pub fn folder(&self) -> io::Result<PathBuf> {
        Ok(crate::cache()?.join(format!("{}-{}-{:016x}", self.recipe.name, self.version, self.hash)))
    }

    /// Where its program is once it is built.
    ///
    /// # Errors
    /// When there is no place to keep it.
    pub fn program(&self) -> io::Result<PathBuf> {
        Ok(self.folder()?.join(self.recipe.name))
    }
}

impl Recipe {
    fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.name)
    }
}

fn arguments(recipe: &Recipe, version: &str) -> Vec<String> {
    let names_its_version = format!("-ldflags=-s -w -X {}={version}", recipe.version_variable);
    // Said here, whatever the user's GOFLAGS: what go.sum pins is built, and nothing of this machine gets into it.
    ["build", "-mod=readonly", "-trimpath", "-buildvcs=false"]
        .map(str::to_owned)
        .into_iter()
        .chain([names_its_version])
        .collect()
}

/// The version that a `go.mod` requires of a module.
fn version_of<'a>(module: &str, text: &'a str) -> Option<&'a str> {
    let required = |line: &'a str| line.trim().trim_start_matches("require ").strip_prefix(module)?.strip_prefix(" v");
    text.lines().find_map(required)?.split(' ').next()
}

/// FNV-1a over the parts and their lengths: it tells sources apart and is the same with every compiler, nothing more.
fn hash(parts: &[&[u8]]) -> u64 {
    let bytes = |part: &&[u8]| [&(part.len() as u64).to_le_bytes()[..], part].concat();
    parts
        .iter()
        .flat_map(bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(module: &str, code: &str) -> io::Result<Built> {
        Built::of(&DAPRD, vec![("main.go".to_owned(), code.into()), ("go.mod".to_owned(), module.into())])
    }

    #[test]
    fn the_version_is_that_of_the_module() {
        let daprd =
            sources("require (\n\tgithub.com/dapr/components-contrib v1\n\tgithub.com/dapr/dapr v1.2.3 // x\n)\n", "").unwrap();
        assert_eq!(daprd.version(), "1.2.3");
        assert!(daprd.build_arguments().iter().any(|argument| argument.ends_with("buildinfo.version=1.2.3")));
        assert_eq!(sources("require github.com/dapr/dapr v1.0.0-rc.1\n", "").unwrap().version, "1.0.0-rc.1");
        let error = sources("module x\n", "").unwrap_err().to_string();
        assert!(error.contains("go.mod") && error.contains("github.com/dapr/dapr"), "{error}");
    }

    #[test]
    fn a_tool_and_a_module_that_begins_alike_say_no_version() {
        let text = "tool (\n\tgithub.com/a/b/cmd/c\n)\nrequire (\n\tgithub.com/a/b/v2 v2.0.0\n\tgithub.com/a/b v1.4.0 // indirect\n)\n";
        assert_eq!(version_of("github.com/a/b", text), Some("1.4.0"));
    }

    #[test]
    fn every_change_of_the_sources_has_a_place_of_its_own() {
        let module = "require github.com/dapr/dapr v1.0.0\n";
        let (one, same, other) = (sources(module, "a").unwrap(), sources(module, "a").unwrap(), sources(module, "b").unwrap());
        assert_eq!(one.hash, same.hash);
        assert_ne!(one.hash, other.hash);
        // What ends one part and begins the next counts.
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }

    #[test]
    fn the_sources_of_this_repository_are_read() {
        let daprd = Built::daprd().unwrap();
        assert!(daprd.version.starts_with("1."), "{daprd:?}");
        let lifecycle = Built::lifecycle().unwrap();
        assert!(lifecycle.version.starts_with("0.21."), "{lifecycle:?}");
    }
}
