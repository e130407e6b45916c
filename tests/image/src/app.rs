//! The source of an app, as a user would have it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    time::SystemTime,
};

use crate::{
    BuildEnvironment, Doing, Network, Result, User, Workshop,
    environment::{SOURCE, USER},
    folder, registry,
};

/// Files, and how they come to the build.
#[derive(Debug, Clone, Default)]
pub struct App {
    files: BTreeMap<String, Vec<u8>>,
    without_lock: bool,
    modified: Option<SystemTime>,
}

impl App {
    /// Without a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// An example of this repository, as a package of its own: what it takes of the workspace is written out.
    ///
    /// # Errors
    /// When cargo cannot package it.
    pub fn example(workshop: &Workshop, name: &str) -> Result<Self> {
        let mut app = Self::new();
        for package in registry::packages(workshop.folder(), &[name])? {
            for (path, content) in package.files() {
                app.files.insert(path.display().to_string(), content.to_vec());
            }
        }
        Ok(app)
    }

    /// Has a file; one that has its path already is replaced.
    pub fn file(mut self, path: &str, text: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), text.into());
        self
    }

    /// Has these lines at the end of a file, too.
    pub fn append(mut self, path: &str, text: &str) -> Self {
        self.files.entry(path.to_owned()).or_default().extend_from_slice(text.as_bytes());
        self
    }

    /// Comes without a `Cargo.lock`.
    pub const fn without_lock(mut self) -> Self {
        self.without_lock = true;
        self
    }

    /// Says of every file that it was modified then, as bundles do.
    pub const fn modified(mut self, time: SystemTime) -> Self {
        self.modified = Some(time);
        self
    }

    /// Puts it where the lifecycle looks for it, in place of what is there.
    pub(crate) fn put(&self, environment: &BuildEnvironment<'_>) -> Result {
        let place = environment.path(SOURCE);
        folder::remove(&place)?;
        for (path, content) in &self.files {
            folder::write(&place.join(path), content)?;
        }
        folder::give(&place, USER)?;
        if !self.without_lock {
            lock(environment)?;
        }
        match self.modified {
            Some(time) => stamp(&place, time),
            None => Ok(()),
        }
    }
}

/// Has cargo write the lock, of the crates of the registry.
fn lock(environment: &BuildEnvironment<'_>) -> Result {
    let words = ["cargo", "generate-lockfile", "--offline", "--quiet", "--manifest-path", "/workspace/source/Cargo.toml"];
    let made = environment.run(User::Cnb, Network::None, cargo_variables(), &[&words[..], &from_registry_words()].concat())?;
    made.success().map(drop).doing(|| "lock the app".to_owned())
}

/// The environment of a cargo in a build environment that is not the buildpack's.
pub(crate) fn cargo_variables() -> [(&'static str, &'static str); 2] {
    [("CARGO_HOME", "/tmp/cargo-of-the-test"), ("HOME", "/home/cnb")]
}

/// Tells cargo to take crates from the registry.
pub(crate) fn from_registry_words() -> [&'static str; 4] {
    ["--config", "source.crates-io.replace-with='vendor'", "--config", "source.vendor.directory='/vendor'"]
}

fn stamp(path: &Path, time: SystemTime) -> Result {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            stamp(&entry?.path(), time)?;
        }
    }
    File::open(path)?.set_modified(time).doing(|| format!("say when {} was modified", path.display()))
}
