//! A document that holds figures between two lines, which say to whoever edits it that they are not written by hand.

use std::{fs, path::Path};

use crate::{Result, workspace};

/// Fails when a document, of the workspace or elsewhere, has no place for the figures of this name: a run takes long.
pub(crate) fn check(document: impl AsRef<Path>, name: &str) -> Result {
    replaced(&workspace::read(&document)?, name, "").map(drop).ok_or_else(|| {
        let document = document.as_ref().display();
        format!(
            "{document} has no line `<!-- {name} -->` with a line `<!-- /{name} -->` after it, between which the figures go"
        )
        .into()
    })
}

/// Puts the figures between the lines `<!-- name -->` and `<!-- /name -->`.
///
/// # Errors
/// When there are no such lines, or it cannot be written.
pub(crate) fn put(document: impl AsRef<Path>, name: &str, figures: &str) -> Result {
    check(&document, name)?;
    let text = replaced(&workspace::read(&document)?, name, figures).unwrap_or_default();
    let document = workspace::root().join(document);
    fs::write(&document, text).map_err(|error| format!("cannot write {}: {error}", document.display()).into())
}

fn replaced(text: &str, name: &str, figures: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", figures.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_lines_is_replaced() {
        let text = "# A\n<!-- x -->\nold\n<!-- /x -->\nB\n<!-- y -->\n<!-- /y -->\n";
        let new = replaced(text, "x", "new\n").unwrap();
        assert_eq!(new, "# A\n<!-- x -->\n\nnew\n\n<!-- /x -->\nB\n<!-- y -->\n<!-- /y -->\n");
        assert_eq!(replaced(&new, "x", "new").unwrap(), new);
        assert_eq!(replaced(text, "z", "new"), None);
        assert_eq!(replaced("<!-- /x -->\n<!-- x -->\n", "x", "new"), None);
    }
}
