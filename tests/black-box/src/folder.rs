//! A place for files of a test.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

/// A new folder, gone with all that is in it when nobody holds it any more.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one; the name is for whoever finds it.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("black-box-{name}-{}", process::id()));
        fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A test may have taken it away itself.
        let _ = fs::remove_dir_all(&self.0);
    }
}
