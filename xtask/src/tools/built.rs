//! What is built with Go, once for each version of its sources.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use tools::Built;

use crate::Result;

/// Builds it where it will be found.
pub(super) fn build(built: &Built) -> Result {
    let name = built.name();
    let go = go(built)?;
    let folder = built.folder()?;
    eprintln!("{name} is built; the first time it takes {}", built.cost());
    // In a folder of its own until it is whole: another run may build it at the same time, and look for it.
    let workshop = Workshop::open(folder.with_file_name(format!("{name}-built-by-{}", process::id())))?;
    let mut command = Command::new(&go);
    // A path that ends in a slash is that of a folder, for as many programs as there are.
    command.args(built.build_arguments()).arg("-o").arg(workshop.0.join("")).arg(built.packages());
    command.current_dir(built.sources());
    // The toolchain that is here, not one that go would fetch; and no C compiler.
    command.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").env_remove("GOOS").env_remove("GOARCH").stdin(Stdio::null());
    let status = command.status().map_err(|error| format!("cannot run {}: {error}", go.display()))?;
    if !status.success() {
        return Err(format!("{name} could not be built of {}: what go said is above", built.sources().display()).into());
    }
    for link in built.links() {
        link_to(name, &workshop.0.join(link)).map_err(|error| format!("cannot call {name} {link} as well: {error}"))?;
    }
    match fs::rename(&workshop.0, &folder) {
        // Another run was quicker, and built the same.
        Err(_) if folder.join(name).is_file() => Ok(()),
        moved => moved.map_err(|error| format!("cannot keep {name} in {}: {error}", folder.display()).into()),
    }
}

#[cfg(unix)]
fn link_to(name: &str, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(name, link)
}

/// Where a link is not for everybody, a copy does the same.
#[cfg(not(unix))]
fn link_to(name: &str, link: &Path) -> io::Result<()> {
    fs::copy(link.with_file_name(name), link).map(drop)
}

/// Finds Go, in `PATH` or where its own installer puts it.
fn go(built: &Built) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).chain([PathBuf::from("/usr/local/go/bin")]).map(|folder| folder.join("go"));
    let wanted = || {
        let module = fs::read_to_string(built.sources().join("go.mod")).unwrap_or_default();
        module.lines().find_map(|line| line.strip_prefix("go ")).map(str::to_owned).unwrap_or_default()
    };
    let found = places.find(|place| place.is_file());
    found.ok_or_else(|| {
        let (wanted, name) = (wanted(), built.name());
        format!(
            "Go {wanted} or newer builds {name}, and is neither in PATH nor in /usr/local/go/bin: install it (https://go.dev/dl)"
        )
        .into()
    })
}

/// A folder that is gone afterwards, unless it was given its name.
struct Workshop(PathBuf);

impl Workshop {
    fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
        Ok(Self(folder.to_owned()))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // It is not there any more when all went well.
        let _ = fs::remove_dir_all(&self.0);
    }
}
