//! The checkout this runs in: its folder, where cargo builds, and what its manifests say.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Result;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    // `cargo run` says where the package is now; the folder it was compiled in is the answer without cargo.
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().map_or_else(|| package.clone(), Path::to_owned)
}

/// The folder cargo builds in.
pub(crate) fn target_dir() -> PathBuf {
    let root = root();
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// The cargo that started this, to be run in the folder of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Reads a file of the workspace.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<String> {
    let path = root().join(path);
    fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// The files git tracks or would track, relative to the workspace; where git has no answer, every file that is there.
pub(crate) fn files() -> Result<Vec<PathBuf>> {
    let listed =
        Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root()).output();
    let mut files: Vec<PathBuf> = match listed {
        Ok(output) if output.status.success() => {
            String::from_utf8(output.stdout)?.split_terminator('\0').map(PathBuf::from).collect()
        }
        _ => walk(&root())?,
    };
    // git lists a file that is deleted and not yet committed.
    files.retain(|file| root().join(file).is_file());
    files.sort();
    // In the middle of a merge it lists one in conflict once a side.
    files.dedup();
    Ok(files)
}

fn walk(root: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(entry.path());
                }
            } else if let Ok(path) = entry.path().strip_prefix(root) {
                found.push(path.to_owned());
            }
        }
    }
    Ok(found)
}

/// The names in the `[features]` table of a manifest, without `default`.
pub(crate) fn features(manifest: &str) -> Vec<&str> {
    let table = manifest.lines().skip_while(|line| line.trim() != "[features]").skip(1);
    table
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.starts_with(|first: char| first.is_alphanumeric() || first == '"'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().trim_matches('"'))
        .filter(|name| *name != "default")
        .collect()
}

/// The oldest toolchain that a manifest promises to build with, as rustup names it.
pub(crate) fn oldest_toolchain(manifest: &str) -> Result<String> {
    let promised = manifest.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == "rust-version");
    let Some((_, version)) = promised else { return Err("Cargo.toml has no rust-version".into()) };
    let version = version.trim().trim_matches('"');
    Ok(if version.matches('.').count() == 1 { format!("{version}.0") } else { version.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_read_without_default() {
        let manifest = "[package]\nname = \"x\"\n[features]\ndefault = [\"a\"]\n# b = []\na = [\n    \"dep:z\",\n]\nc-d = []\n\n[dependencies]\ne = \"1\"\n";
        assert_eq!(features(manifest), ["a", "c-d"]);
        assert_eq!(features("[package]\n"), Vec::<&str>::new());
    }

    #[test]
    fn the_oldest_toolchain_is_a_full_version() {
        assert_eq!(oldest_toolchain("rust-version = \"1.88\"\n").unwrap(), "1.88.0");
        assert_eq!(oldest_toolchain("rust-version = \"1.88.1\"\n").unwrap(), "1.88.1");
        assert!(oldest_toolchain("name = \"x\"\n").is_err());
    }

    #[test]
    fn this_file_is_among_the_files() {
        assert!(files().unwrap().iter().any(|file| file.ends_with("xtask/src/workspace.rs")));
    }
}
