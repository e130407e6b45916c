//! What images are made with: brought together once, used by every build environment.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::fs::{FlockOperation, flock};
use tools::Tool;

use crate::{
    Doing, Error, Result,
    buildpack::{self, Buildpack},
    folder, registry, run_image,
};

/// The lifecycle, the buildpack, the toolchain, the run image and a registry of crates.
///
/// There is one at a time on a machine: builds side by side would take one another's time, and be measured so.
#[derive(Debug)]
pub struct Workshop {
    folder: PathBuf,
    lifecycle: PathBuf,
    toolchain: PathBuf,
    registry: PathBuf,
    run_image: PathBuf,
    buildpack: Buildpack,
    _only_one: File,
}

impl Workshop {
    /// Brings it together; waits as long as somebody else has one.
    ///
    /// # Errors
    /// When something is missing and cannot be made: the error says what to install or to run.
    pub fn open() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::new("mounts and chroot, of which a build environment is made, are for root: run this as root"));
        }
        for program in ["unshare", "mount", "chroot"] {
            let there = Command::new(program).arg("--version").output().is_ok();
            if !there {
                return Err(Error::new(format!(
                    "`{program}` is needed: on Debian and Ubuntu apt-get install util-linux mount coreutils"
                )));
            }
        }
        let folder = target_dir().join("image");
        fs::create_dir_all(&folder).doing(|| format!("make the folder {}", folder.display()))?;
        let only_one = File::create(folder.join("lock")).doing(|| "make a lock".to_owned())?;
        flock(&only_one, FlockOperation::LockExclusive).doing(|| "wait for a lock".to_owned())?;

        // What somebody left who was ended.
        folder::remove(&folder.join("run"))?;

        let lifecycle = Tool::Lifecycle.find()?.with_file_name("");
        let toolchain = folder::output(Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()))?;
        let run_image = folder.join("run-image");
        folder::remove(&run_image)?;
        run_image::write(&run_image)?;
        Ok(Self {
            lifecycle,
            toolchain: PathBuf::from(toolchain.trim()),
            registry: registry::prepare(&folder)?,
            buildpack: buildpack::prepare(&folder)?,
            run_image,
            folder,
            _only_one: only_one,
        })
    }

    /// The folder of what it keeps.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of what is there for a while: it is empty when a workshop is opened.
    pub fn passing(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// The folder with the phases and the launcher.
    pub(crate) fn lifecycle(&self) -> &Path {
        &self.lifecycle
    }

    /// The folder with `bin/cargo`.
    pub(crate) fn toolchain(&self) -> &Path {
        &self.toolchain
    }

    /// The folder with a crate in each folder, the framework among them.
    pub(crate) fn registry(&self) -> &Path {
        &self.registry
    }

    /// The run image, in OCI layout.
    pub(crate) fn run_image(&self) -> &Path {
        &self.run_image
    }

    /// The buildpack under test.
    pub(crate) const fn buildpack(&self) -> &Buildpack {
        &self.buildpack
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn target_dir() -> PathBuf {
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder));
    // Mounts are shown by what they are without `..`.
    fs::canonicalize(&folder).unwrap_or(folder)
}

/// The cargo of whoever runs this, in the folder of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}
