//! Folders, and what is done with whole ones.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{Doing, Error, Result};

/// A new folder, gone with all that is in it when nobody holds it any more.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one in another; the name is for whoever finds it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(parent: &Path, name: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = parent.join(format!("{name}-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&path).doing(|| format!("make the folder {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it a name that stays, in place of what had it.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn keep_as(self, path: &Path) -> Result {
        remove(path)?;
        fs::rename(&self.0, path).doing(|| format!("call {} {}", self.0.display(), path.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It may have been given a name that stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Takes a folder away, if it is there.
pub(crate) fn remove(path: &Path) -> Result {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).doing(|| format!("remove {}", path.display())),
        _ => Ok(()),
    }
}

/// Copies a folder with owners, permissions, times and links.
pub(crate) fn copy(from: &Path, to: &Path) -> Result {
    let mut command = Command::new("cp");
    command.args(["--archive", "--reflink=auto", "--no-target-directory"]).args([from, to]);
    run(&mut command)
}

/// Gives a folder and all in it to a user and the group of the same number.
pub(crate) fn give(path: &Path, user: u32) -> Result {
    run(Command::new("chown").args(["--recursive", "--no-dereference", &format!("{user}:{user}")]).arg(path))
}

/// Writes a file, with the folders it is in.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).doing(|| format!("make the folder {}", folder.display()))?;
    }
    fs::write(path, text).doing(|| format!("write {}", path.display()))
}

/// Runs a command that must succeed, and answers what it printed; what it complained of is in the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let said = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().doing(|| format!("run {said}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words: Vec<_> = command.get_args().map(|word| word.display().to_string()).collect();
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(format!("`{said} {}` failed ({}):\n{complaint}", words.join(" "), output.status)))
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> Result {
    output(command).map(drop)
}
