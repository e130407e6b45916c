//! What the compiler does not check: which module may use which, how long a file may be, what must not be left behind.
//!
//! The rules are in this folder, one file each; each is a function over text, so that its tests can plant a violation.

mod arrows;
mod leftovers;
mod paths;

use std::{collections::BTreeMap, path::Path};

use crate::{Result, workspace};

/// A file past this many lines holds more than one idea.
const LONGEST_FILE: usize = 500;

/// Looks at every file of the repository; returns what breaks a rule, one line each.
pub(crate) fn check() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut library = BTreeMap::new();
    let machine = leftovers::machine_paths();
    for file in workspace::files()? {
        // What is not text (a picture, an archive) has nothing to look for.
        let Ok(text) = workspace::read(&file) else { continue };
        let name = file.to_string_lossy().replace('\\', "/");
        findings.extend(too_long(&name, &text));
        findings.extend(leftovers::check(&name, &text, &machine));
        if let Some(module) = name.strip_prefix("functions-framework/src/").filter(|_| is_rust(&file)) {
            library.insert(module.to_owned(), text);
        }
    }
    if library.is_empty() {
        return Err("no file of functions-framework/src was found: has it moved?".into());
    }
    findings.extend(arrows::check(&library));
    Ok(findings)
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn too_long(name: &str, text: &str) -> Option<String> {
    let in_source = is_rust(Path::new(name)) && format!("/{name}").contains("/src/");
    let lines = text.lines().count();
    (in_source && lines > LONGEST_FILE)
        .then(|| format!("{name}: {lines} lines; past {LONGEST_FILE} a file is split, it holds more than one idea"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_source_file_is_found() {
        let long = "//\n".repeat(LONGEST_FILE + 1);
        assert!(too_long("functions-framework/src/app.rs", &long).is_some());
        assert!(too_long("src/app.rs", &long).is_some());
        assert!(too_long("functions-framework/tests/http.rs", &long).is_none());
        assert!(too_long("functions-framework/src/app.rs", &long[3..]).is_none());
    }
}
