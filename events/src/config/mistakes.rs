//! All that is wrong with a configuration, at once.

use std::fmt;

/// Lists what is wrong with a configuration: each with its place, what was found and what was expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    pub(crate) fn add(&mut self, path: &str, what: impl fmt::Display) {
        let place = if path.is_empty() { "CONFIG" } else { path };
        self.0.push(format!("{place}: {what}"));
    }

    /// Returns them one by one.
    ///
    /// ```
    /// use openfunction_events::{EventSource, Known};
    ///
    /// let mistakes = EventSource::read(Some("bm8gSlNPTg==".as_ref()), &Known::default()).unwrap_err();
    /// assert_eq!(mistakes.iter().count(), 1);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Gives what was read, if nothing is wrong.
    pub(crate) fn or<T>(self, read: Option<T>) -> Result<T, Self> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration in CONFIG (base64 of JSON) has {count} mistake{}:", if count == 1 { "" } else { "s" })?;
        // What has several lines stays below its first.
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {}", mistake.replace('\n', "\n    ")))
    }
}

impl std::error::Error for Mistakes {}
