//! The cargo and rustc of a build. The lifecycle passes on `PATH` and little else: a `RUSTUP_HOME` of the build image has to be
//! found again.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::{Error, Result};

/// Where toolchains lie in common build images, when `PATH` does not lead to one.
const USUAL: [&str; 3] = ["/usr/local/cargo/bin", "/usr/local/rust/bin", "/opt/rust/bin"];

/// A cargo, and what a process needs to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The program.
    pub cargo: PathBuf,
    /// What to set: `PATH`, and where rustup is, its variables.
    pub variables: BTreeMap<String, String>,
    /// Whether rustup picks the toolchain.
    pub rustup: bool,
}

/// What `rustc -vV` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// `1.95.0`, `1.97.0-nightly`.
    pub release: String,
    /// The triple it runs on.
    pub host: String,
    /// All of it.
    pub text: String,
}

impl Toolchain {
    /// Finds cargo.
    ///
    /// # Errors
    /// There is none.
    pub fn find(variables: &BTreeMap<String, String>, wanted: Option<&str>) -> Result<Self> {
        let path = variables.get("PATH").map_or("", String::as_str);
        let home = variables.get("HOME").map(PathBuf::from);
        let folders = env::split_paths(path)
            .chain(variables.get("CARGO_HOME").map(|home| Path::new(home).join("bin")))
            .chain(home.iter().map(|home| home.join(".cargo/bin")))
            .chain(USUAL.map(PathBuf::from));
        let folder = folders.into_iter().find(|folder| folder.join("cargo").is_file()).ok_or_else(|| {
            Error::new(format!(
                "the build image has no cargo: it is neither in PATH ({path}) nor in {}; use a builder with a Rust toolchain",
                USUAL.join(", ")
            ))
        })?;
        let cargo = folder.join("cargo");
        let is_proxy = cargo.canonicalize().is_ok_and(|real| real.file_name().is_some_and(|name| name == "rustup"));
        let rustup = is_proxy || folder.join("rustup").is_file();
        let mut set = BTreeMap::new();
        let first = env::join_paths(std::iter::once(folder.clone()).chain(env::split_paths(path)));
        let first = first.map_err(|error| Error::new(format!("PATH cannot be used: {error}")))?;
        set.insert("PATH".to_owned(), first.to_string_lossy().into_owned());
        if rustup {
            if !variables.contains_key("RUSTUP_HOME")
                && let Some(found) = rustup_home(&folder, home.as_deref())
            {
                set.insert("RUSTUP_HOME".to_owned(), found.to_string_lossy().into_owned());
            }
            if let Some(wanted) = wanted {
                set.insert("RUSTUP_TOOLCHAIN".to_owned(), wanted.to_owned());
            }
        }
        Ok(Self { cargo, variables: set, rustup })
    }

    /// Asks rustc what it is, in the folder of the source, where a `rust-toolchain.toml` may name another.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn compiler(&self, variables: &BTreeMap<String, String>, folder: &Path) -> Result<Compiler> {
        let rustc = self.cargo.with_file_name("rustc");
        let output = Command::new(&rustc).arg("-vV").env_clear().envs(variables).current_dir(folder).output();
        let output = output.map_err(|error| Error::file("run", &rustc, &error))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(Error::new(format!("`rustc -vV` failed: {}", text.trim())));
        }
        Compiler::parse(&String::from_utf8_lossy(&output.stdout))
    }

    /// Whether the standard library of a target is installed.
    ///
    /// # Errors
    /// rustc cannot be run.
    pub fn has(&self, triple: &str, variables: &BTreeMap<String, String>, folder: &Path) -> Result<bool> {
        let rustc = self.cargo.with_file_name("rustc");
        let mut command = Command::new(&rustc);
        command.args(["--print", "target-libdir", "--target", triple]).env_clear().envs(variables).current_dir(folder);
        let output = command.output().map_err(|error| Error::file("run", &rustc, &error))?;
        let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        // For a target it does not know it says nothing, and for one that is not installed a folder that is not there.
        Ok(output.status.success() && std::fs::read_dir(&libraries).is_ok_and(|mut entries| entries.next().is_some()))
    }
}

impl Compiler {
    /// Reads what `rustc -vV` prints.
    fn parse(text: &str) -> Result<Self> {
        let field = |name: &str| text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()));
        match (field("release:"), field("host:")) {
            (Some(release), Some(host)) => Ok(Self { release, host, text: text.to_owned() }),
            _ => Err(Error::new(format!("`rustc -vV` printed something unexpected: {text}"))),
        }
    }

    /// Whether it is the one that is meant by `1.88`, `1.88.0`, `stable` or `nightly`.
    pub fn is(&self, wanted: &str) -> bool {
        // `stable-x86_64-unknown-linux-gnu` is `stable` for a host.
        let wanted = wanted.strip_suffix(&format!("-{}", self.host)).unwrap_or(wanted);
        match wanted {
            "stable" => !self.release.contains('-'),
            "beta" | "nightly" => self.release.contains(wanted),
            _ => is_version(wanted, &self.release),
        }
    }
}

/// Whether a version is the one that is named in full or by its first numbers.
pub fn is_version(named: &str, version: &str) -> bool {
    let named = named.trim_start_matches(['v', '=']);
    version == named || version.strip_prefix(named).is_some_and(|rest| rest.starts_with('.'))
}

/// The folder of rustup's toolchains: beside the folder of cargo, or in the home folder.
fn rustup_home(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let cargo_home = folder.parent()?;
    let beside = cargo_home.parent().into_iter().flat_map(|parent| [parent.join("rustup"), parent.join(".rustup")]);
    beside.chain(home.map(|home| home.join(".rustup"))).find(|folder| folder.join("toolchains").is_dir())
}

/// The channel that a `rust-toolchain` or `rust-toolchain.toml` names.
pub fn channel(folders: &[&Path]) -> Option<(PathBuf, String)> {
    folders.iter().flat_map(|folder| ["rust-toolchain", "rust-toolchain.toml"].map(|name| folder.join(name))).find_map(|file| {
        let text = std::fs::read_to_string(&file).ok()?;
        let in_table = text.parse::<toml::Table>().ok();
        let channel = match in_table {
            Some(table) => table.get("toolchain")?.get("channel")?.as_str()?.to_owned(),
            None => text.trim().to_owned(),
        };
        Some((file, channel))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn compiler(release: &str) -> Compiler {
        Compiler::parse(&format!("rustc {release}\nhost: x86_64-unknown-linux-gnu\nrelease: {release}\n")).unwrap()
    }

    #[test]
    fn versions_are_compared_by_the_numbers_that_are_named() {
        for (release, wanted, expected) in [
            ("1.88.0", "1.88", true),
            ("1.88.0", "1.88.0", true),
            ("1.88.0", "1.88.1", false),
            ("1.88.0", "1.8", false),
            ("1.88.0", "stable", true),
            ("1.88.0", "stable-x86_64-unknown-linux-gnu", true),
            ("1.88.0", "nightly", false),
            ("1.97.0-nightly", "nightly", true),
            ("1.97.0-nightly", "stable", false),
            ("1.97.0-beta.2", "beta", true),
        ] {
            assert_eq!(compiler(release).is(wanted), expected, "{release} {wanted}");
        }
        assert!(Compiler::parse("rustc 1.88.0").is_err());
    }

    #[test]
    fn rustup_is_found_beside_cargo_when_nothing_says_where_it_is() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["cargo/bin", "rustup/toolchains"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for program in ["cargo", "rustup"] {
            fs::write(root.path().join("cargo/bin").join(program), "").unwrap();
        }
        let bin = root.path().join("cargo/bin").to_string_lossy().into_owned();
        let mut variables = BTreeMap::from([("PATH".to_owned(), bin.clone())]);
        let toolchain = Toolchain::find(&variables, Some("1.88")).unwrap();
        assert!(toolchain.rustup);
        assert_eq!(toolchain.variables["RUSTUP_HOME"], root.path().join("rustup").to_string_lossy());
        assert_eq!(toolchain.variables["RUSTUP_TOOLCHAIN"], "1.88");
        variables.insert("RUSTUP_HOME".to_owned(), "/elsewhere".to_owned());
        assert!(!Toolchain::find(&variables, None).unwrap().variables.contains_key("RUSTUP_HOME"));
    }

    #[test]
    fn both_forms_of_the_toolchain_file_are_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(channel(&[folder.path()]), None);
        fs::write(folder.path().join("rust-toolchain.toml"), "[toolchain]\nchannel = \"1.90\"\n").unwrap();
        assert_eq!(channel(&[folder.path()]).map(|(_, channel)| channel), Some("1.90".to_owned()));
        fs::write(folder.path().join("rust-toolchain"), "nightly\n").unwrap();
        assert_eq!(channel(&[folder.path()]).map(|(_, channel)| channel), Some("nightly".to_owned()));
    }
}
