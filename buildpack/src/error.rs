//! Why a build ends: a text for the person who can change it.

use std::{fmt, io, path::Path};

/// What was wrong, where, what was expected and what to do; there is nobody who would tell kinds of it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

/// The result of a step of the build.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Makes an error of a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Says what could not be done to a file.
    pub fn file(what: &str, path: &Path, cause: &io::Error) -> Self {
        Self(format!("cannot {what} {}: {cause}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
