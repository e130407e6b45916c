//! A registry of crates as a folder: what the workspace depends on, and the framework as it would be published.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::read::GzDecoder;
use serde_json::json;
use tar::Archive;

use crate::{
    Doing, Error, Folder, Result, folder,
    oci::digest,
    workshop::{cargo, root},
};

/// The crates of this workspace that users depend on.
const OURS: [&str; 2] = ["functions-framework-macros", "functions-framework"];

/// Brings it up to date in a folder below `folder`.
pub(crate) fn prepare(folder: &Path) -> Result<PathBuf> {
    let registry = folder.join("registry");
    let lock = root().join("Cargo.lock");
    let lock = fs::read(&lock).doing(|| format!("read {}", lock.display()))?;
    let stamp = registry.join(".Cargo.lock");
    if fs::read(&stamp).ok().as_deref() != Some(&lock[..]) {
        eprintln!("the crates of Cargo.lock are put into a folder");
        let made = Folder::new(folder, "registry")?;
        folder::run(cargo().args(["vendor", "--quiet", "--locked", "--versioned-dirs"]).arg(made.path()))?;
        folder::write(&made.path().join(".Cargo.lock"), &lock)?;
        made.keep_as(&registry)?;
    }
    for package in packages(folder, &OURS)? {
        let place = registry.join(package.name());
        folder::remove(&place)?;
        package.write(&place)?;
        let checksum = json!({ "files": {}, "package": package.checksum() });
        folder::write(&place.join(".cargo-checksum.json"), checksum.to_string())?;
    }
    // Some crates have files that are for their author only.
    folder::run(Command::new("chmod").args(["--recursive", "a+rX"]).arg(&registry))?;
    Ok(registry)
}

/// A package as it would be published: what it takes of the workspace is written out.
#[derive(Debug)]
pub(crate) struct Package {
    /// Paths, which begin with the name and the version, and contents.
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// Packages of the workspace.
pub(crate) fn packages(folder: &Path, names: &[&str]) -> Result<Vec<Package>> {
    let target = folder.join("package");
    // Also with changes that are not committed, and before anything is published that a lock could name.
    let mut command = cargo();
    command.args(["package", "--quiet", "--no-verify", "--allow-dirty", "--exclude-lockfile", "--target-dir"]).arg(&target);
    for name in OURS.iter().chain(names) {
        command.args(["--package", name]);
    }
    folder::run(&mut command)?;
    let version = env!("CARGO_PKG_VERSION");
    let packed = target.join("package");
    names.iter().map(|name| Package::read(&packed.join(format!("{name}-{version}.crate")))).collect()
}

impl Package {
    fn read(path: &Path) -> Result<Self> {
        let packed = fs::File::open(path).doing(|| format!("read {}", path.display()))?;
        let mut files = Vec::new();
        for entry in Archive::new(GzDecoder::new(packed)).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            // It changes with every commit, and nothing reads it.
            if !path.ends_with(".cargo_vcs_info.json") {
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                files.push((path, content));
            }
        }
        if files.is_empty() { Err(Error::new(format!("{} is empty", path.display()))) } else { Ok(Self { files }) }
    }

    /// Its name and its version, as a folder is called after both.
    fn name(&self) -> String {
        let first = self.files.first().and_then(|(path, _)| path.iter().next());
        first.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Its files, without the folder that all are in.
    pub(crate) fn files(&self) -> impl Iterator<Item = (PathBuf, &[u8])> {
        self.files.iter().map(|(path, content)| (path.iter().skip(1).collect(), content.as_slice()))
    }

    fn write(&self, place: &Path) -> Result {
        self.files().try_for_each(|(path, content)| folder::write(&place.join(path), content))
    }

    /// A checksum of its content, which is not that of the archive.
    fn checksum(&self) -> String {
        let parts = self
            .files
            .iter()
            .flat_map(|(path, content)| [format!("{} {}\n", path.display(), content.len()).into_bytes(), content.clone()]);
        digest(&parts.collect::<Vec<_>>().concat()).trim_start_matches("sha256:").to_owned()
    }
}
