//! A file of YAML that a person wrote, and how a mistake in it is shown.

use std::path::{Path, PathBuf};

use super::{
    node::Mistake,
    yaml::{self, Document},
};

/// A file and the documents in it.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    pub(super) documents: Vec<Document>,
}

impl File {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: cannot read it: {error}", path.display()))?;
        Self::parse(path, &text)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let documents =
            yaml::documents(text).map_err(|broken| format!("{}:{}: {}", path.display(), broken.place, broken.mistake))?;
        Ok(Self { path: path.to_owned(), documents })
    }

    /// Says where a mistake is: the file, the line, the column and the field.
    pub(super) fn explain(&self, document: &Document, mistake: &Mistake) -> String {
        match document.place(&mistake.path) {
            Some(place) => format!("{}:{place}: {mistake}", self.path.display()),
            None => format!("{}: {mistake}", self.path.display()),
        }
    }

    /// Says what is wrong with the file as a whole.
    pub(super) fn wrong(&self, what: &str) -> String {
        format!("{}: {what}", self.path.display())
    }
}
