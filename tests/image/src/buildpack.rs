//! The buildpack under test, built and put where a lifecycle looks for buildpacks.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Doing, Error, Folder, Result, folder,
    workshop::{cargo, root},
};

/// A buildpack in a folder of buildpacks.
#[derive(Debug)]
pub(crate) struct Buildpack {
    folder: PathBuf,
    id: String,
    version: String,
}

/// Builds it as it is published: static, with the profile of its own.
pub(crate) fn prepare(folder: &Path) -> Result<Buildpack> {
    let sources = root().join("buildpack");
    let description = sources.join("buildpack.toml");
    let text = fs::read_to_string(&description).doing(|| format!("read {}", description.display()))?;
    let value =
        |key| value(&text, key).ok_or_else(|| Error::new(format!("{} has no {key} in [buildpack]", description.display())));
    let (id, version) = (value("id")?.to_owned(), value("version")?.to_owned());

    let host = folder::output(Command::new("rustc").args(["--print", "host-tuple"]).current_dir(root()))?;
    let (host, target) = (host.trim(), folder.join("buildpack"));
    let mut command = cargo();
    command.args(["build", "--profile", "buildpack", "--locked", "--package", "rust-buildpack", "--target", host]);
    command.arg("--target-dir").arg(&target).env("RUSTFLAGS", "-C target-feature=+crt-static");
    folder::run(&mut command)?;

    let made = Folder::new(folder, "buildpacks")?;
    let buildpack = Buildpack { folder: folder.join("buildpacks"), id, version };
    let place = made.path().join(buildpack.place());
    folder::write(&place.join("buildpack.toml"), &text)?;
    let program = target.join(host).join("buildpack/rust-buildpack");
    fs::create_dir_all(place.join("bin"))?;
    fs::copy(&program, place.join("bin/build")).doing(|| format!("copy {}", program.display()))?;
    std::os::unix::fs::symlink("build", place.join("bin/detect"))?;
    made.keep_as(&buildpack.folder)?;
    Ok(buildpack)
}

impl Buildpack {
    /// The folder that a lifecycle is told to look for buildpacks in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it is in that folder.
    pub(crate) fn place(&self) -> String {
        format!("{}/{}", self.id.replace('/', "_"), self.version)
    }

    /// The order of buildpacks in a builder that has this one only.
    pub(crate) fn order(&self) -> String {
        format!("[[order]]\n[[order.group]]\nid = {:?}\nversion = {:?}\n", self.id, self.version)
    }
}

/// A text of the table `[buildpack]`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let table = text.lines().skip_while(|line| line.trim() != "[buildpack]").skip(1);
    let mut pairs = table.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_name_and_version_are_those_of_its_own_table() {
        let text = "api = \"0.10\"\n\n[buildpack]\nid = \"a/b\"\nversion = \"1.2.3\"\n\n[[targets]]\nid = \"x\"\n";
        assert_eq!((value(text, "id"), value(text, "version"), value(text, "api")), (Some("a/b"), Some("1.2.3"), None));
    }
}
