//! A document that holds the figures of a run between two lines, which say to whoever edits it that they are not written by hand.

use std::{fs, path::Path};

use crate::Result;

const BEGIN: &str = "<!-- bench -->";
const END: &str = "<!-- /bench -->";

/// Fails when figures could not be written there: a run takes long.
pub(crate) fn check(document: &Path) -> Result {
    replaced(&read(document)?, "").map(drop).ok_or_else(|| {
        format!("{} has no line `{BEGIN}` with a line `{END}` after it, between which the figures go", document.display())
            .into()
    })
}

/// Writes the figures.
pub(crate) fn replace(document: &Path, figures: &str) -> Result {
    check(document)?;
    let text = replaced(&read(document)?, figures).unwrap_or_default();
    fs::write(document, text).map_err(|error| format!("cannot write {}: {error}", document.display()).into())
}

fn read(document: &Path) -> Result<String> {
    fs::read_to_string(document).map_err(|error| format!("cannot read {}: {error}", document.display()).into())
}

fn replaced(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", figures.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_lines_is_replaced() {
        let text = "# A\n<!-- bench -->\nold\n<!-- /bench -->\nB\n";
        let new = replaced(text, "new\n").unwrap();
        assert_eq!(new, "# A\n<!-- bench -->\n\nnew\n\n<!-- /bench -->\nB\n");
        assert_eq!(replaced(&new, "new").unwrap(), new);
        assert_eq!(replaced("<!-- /bench -->\n<!-- bench -->\n", "new"), None);
    }
}
