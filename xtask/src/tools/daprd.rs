//! The sidecar is built with Go, once for each version of its sources.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use tools::Daprd;

use crate::Result;

/// Builds it where it will be found.
pub(super) fn build() -> Result {
    let go = go()?;
    let daprd = Daprd::read()?;
    let program = daprd.program()?;
    let (Some(folder), Some(name)) = (program.parent(), program.file_name()) else {
        return Err(format!("{} cannot be a place for daprd", program.display()).into());
    };
    eprintln!("daprd is built; the first time it takes some minutes and 150 MB of downloads");
    // In a folder of its own until it is whole: another run may build it at the same time, and look for it.
    let workshop = Workshop::open(folder.with_file_name(format!("daprd-built-by-{}", process::id())))?;
    let mut command = Command::new(&go);
    command.args(daprd.build_arguments()).arg("-o").arg(workshop.0.join(name)).arg(".").current_dir(Daprd::folder());
    // The toolchain that is here, not one that go would fetch; and no C compiler.
    command.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").env_remove("GOOS").env_remove("GOARCH").stdin(Stdio::null());
    let status = command.status().map_err(|error| format!("cannot run {}: {error}", go.display()))?;
    if !status.success() {
        let folder = Daprd::folder();
        return Err(format!("daprd could not be built of {}: what go said is above", folder.display()).into());
    }
    match fs::rename(&workshop.0, folder) {
        // Another run was quicker, and built the same.
        Err(_) if program.is_file() => Ok(()),
        moved => moved.map_err(|error| format!("cannot keep daprd in {}: {error}", folder.display()).into()),
    }
}

/// Finds Go, in `PATH` or where its own installer puts it.
fn go() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).chain([PathBuf::from("/usr/local/go/bin")]).map(|folder| folder.join("go"));
    let wanted = || {
        let module = fs::read_to_string(Daprd::folder().join("go.mod")).unwrap_or_default();
        module.lines().find_map(|line| line.strip_prefix("go ")).map(str::to_owned).unwrap_or_default()
    };
    let found = places.find(|place| place.is_file());
    found.ok_or_else(|| {
        let wanted = wanted();
        format!(
            "Go {wanted} or newer builds daprd, and is neither in PATH nor in /usr/local/go/bin: install it (https://go.dev/dl)"
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
