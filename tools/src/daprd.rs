//! The sidecar that is built here: its version, its sources, and the folder named after both.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The sidecar as its sources have it now.
#[derive(Debug)]
pub struct Daprd {
    version: String,
    hash: u64,
}

impl Daprd {
    /// Reads its sources.
    ///
    /// # Errors
    /// When they cannot be read, or their `go.mod` does not say which version of Dapr they are.
    pub fn read() -> io::Result<Self> {
        let mut sources = Vec::new();
        for entry in fs::read_dir(Self::folder())? {
            let path = entry?.path();
            if matches!(path.extension().and_then(|extension| extension.to_str()), Some("go" | "mod" | "sum")) {
                sources.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), fs::read(&path)?));
            }
        }
        Self::of(sources)
    }

    fn of(mut sources: Vec<(String, Vec<u8>)>) -> io::Result<Self> {
        sources.sort();
        let module =
            sources.iter().find(|(name, _)| name == "go.mod").map(|(_, text)| String::from_utf8_lossy(text).into_owned());
        let version = module.as_deref().and_then(version_of_dapr).ok_or_else(|| {
            io::Error::other(format!("{} says no version of github.com/dapr/dapr", Self::folder().join("go.mod").display()))
        })?;
        let version = version.to_owned();
        let mut parts: Vec<&[u8]> = sources.iter().flat_map(|(name, text)| [name.as_bytes(), text]).collect();
        let arguments = arguments(&version);
        parts.extend(arguments.iter().map(String::as_bytes));
        Ok(Self { hash: hash(&parts), version })
    }

    /// The folder of its sources.
    pub fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("daprd")
    }

    /// What `go` is called with to build it, besides where to put it.
    pub fn build_arguments(&self) -> Vec<String> {
        arguments(&self.version)
    }

    /// Where its program is once it is built.
    ///
    /// # Errors
    /// When there is no place to keep it.
    pub fn program(&self) -> io::Result<PathBuf> {
        Ok(crate::cache()?.join(format!("daprd-{}-{:016x}", self.version, self.hash)).join("daprd"))
    }
}

fn arguments(version: &str) -> Vec<String> {
    let names_its_version = format!("-ldflags=-s -w -X github.com/dapr/dapr/pkg/buildinfo.version={version}");
    // Said here, whatever the user's GOFLAGS: what go.sum pins is built, and nothing of this machine gets into it.
    ["build", "-mod=readonly", "-trimpath", "-buildvcs=false"]
        .map(str::to_owned)
        .into_iter()
        .chain([names_its_version])
        .collect()
}

fn version_of_dapr(module: &str) -> Option<&str> {
    module
        .lines()
        .find_map(|line| line.trim().trim_start_matches("require ").strip_prefix("github.com/dapr/dapr v"))?
        .split(' ')
        .next()
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

    fn sources(module: &str, code: &str) -> io::Result<Daprd> {
        Daprd::of(vec![("main.go".to_owned(), code.into()), ("go.mod".to_owned(), module.into())])
    }

    #[test]
    fn the_version_is_that_of_the_module() {
        let daprd =
            sources("require (\n\tgithub.com/dapr/components-contrib v1\n\tgithub.com/dapr/dapr v1.2.3 // x\n)\n", "").unwrap();
        assert_eq!(daprd.version, "1.2.3");
        assert!(daprd.build_arguments().iter().any(|argument| argument.ends_with("buildinfo.version=1.2.3")));
        assert_eq!(sources("require github.com/dapr/dapr v1.0.0-rc.1\n", "").unwrap().version, "1.0.0-rc.1");
        let error = sources("module x\n", "").unwrap_err().to_string();
        assert!(error.contains("go.mod") && error.contains("github.com/dapr/dapr"), "{error}");
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
        let daprd = Daprd::read().unwrap();
        assert!(daprd.version.starts_with("1."), "{daprd:?}");
    }
}
