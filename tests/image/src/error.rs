//! Why something could not be made.

use std::fmt;

/// What this crate's functions answer.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why something could not be made: a text for whoever ran it, which `unwrap` shows as it is.
pub struct Error(String);

impl Error {
    /// Makes one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Some say their cause already.
            let because = error.to_string();
            if !text.contains(&because) {
                text = format!("{text}: {because}");
            }
            cause = error.source();
        }
        Self(text)
    }
}

/// Says what was being done when something failed.
pub trait Doing<T> {
    /// Puts `cannot <what>: ` before the error.
    ///
    /// # Errors
    /// When there was one.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error(format!("cannot {}: {}", what(), error.into())))
    }
}
