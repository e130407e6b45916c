//! `Cargo.toml` as far as detection needs it, read without cargo: the build image may find out only now that it has none.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::error::{Error, Result};

/// The crate that makes a program a function.
pub const FRAMEWORK: &str = "functions-framework";

/// Whether the manifest of a folder, its workspace, or one of its members depends on the framework.
///
/// # Errors
/// A manifest cannot be read or is no TOML.
pub fn depends_on_framework(folder: &Path) -> Result<bool> {
    let root = read(&folder.join("Cargo.toml"))?;
    if depends(&root) {
        return Ok(true);
    }
    for member in members(folder, &root)? {
        let manifest = member.join("Cargo.toml");
        // The globs of `members` take in folders that are no packages.
        if manifest.is_file() && depends(&read(&manifest)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads a TOML file.
///
/// # Errors
/// It cannot be read, or is no TOML.
pub fn read(path: &Path) -> Result<Table> {
    let text = fs::read_to_string(path).map_err(|error| Error::file("read", path, &error))?;
    text.parse().map_err(|error| Error::new(format!("{} is no TOML: {error}", path.display())))
}

/// Whether a manifest names the framework in a table whose dependencies are in the program.
fn depends(manifest: &Table) -> bool {
    let in_table = |table: &Table| ["dependencies"].iter().filter_map(|key| table.get(*key)?.as_table()).any(names_framework);
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    in_table(manifest)
        || manifest.get("workspace").and_then(Value::as_table).is_some_and(in_table)
        || targets.filter_map(Value::as_table).any(in_table)
}

fn names_framework(dependencies: &Table) -> bool {
    dependencies.iter().any(|(key, value)| match value.get("package").and_then(Value::as_str) {
        Some(package) => package == FRAMEWORK,
        None => key == FRAMEWORK,
    })
}

/// The folders that `workspace.members` names.
fn members(folder: &Path, manifest: &Table) -> Result<Vec<PathBuf>> {
    let workspace = manifest.get("workspace").and_then(Value::as_table);
    let patterns = workspace.and_then(|workspace| workspace.get("members")?.as_array());
    let mut found = Vec::new();
    for pattern in patterns.into_iter().flatten().filter_map(Value::as_str) {
        let mut folders = vec![folder.to_owned()];
        for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
            let mut next = Vec::new();
            for folder in folders {
                if part.contains(['*', '?', '[']) {
                    next.extend(matching(&folder, part)?);
                } else {
                    next.push(folder.join(part));
                }
            }
            folders = next;
        }
        found.extend(folders);
    }
    Ok(found)
}

/// The folders in a folder whose name fits; a set of letters in brackets fits any name, which only reads more manifests.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::file("list", folder, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::file("list", folder, &error))?;
        let name = entry.file_name();
        if entry.path().is_dir() && (pattern.contains('[') || fits(pattern, &name.to_string_lossy())) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a name fits a pattern in which `*` is any letters and `?` is one.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('*') => (0..=name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| fits(rest.as_str(), &name[at..])),
        Some(expected) => {
            let mut letters = name.chars();
            letters
                .next()
                .is_some_and(|letter| (expected == '?' || letter == expected) && fits(rest.as_str(), letters.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> bool {
        depends(&text.parse().unwrap())
    }

    #[test]
    fn every_way_to_depend_on_the_framework_is_seen() {
        for manifest in [
            "[dependencies]\nfunctions-framework = \"0.1\"",
            "[dependencies]\nfunctions-framework.workspace = true",
            "[dependencies.functions-framework]\nversion = \"0.1\"\ndefault-features = false",
            "dependencies = { functions-framework = \"0.1\" }",
            "[dependencies]\nff = { package = \"functions-framework\", version = \"0.1\" }",
            "[target.'cfg(unix)'.dependencies]\nfunctions-framework = \"0.1\"",
            "[target.x86_64-unknown-linux-gnu.dependencies.ff]\npackage = \"functions-framework\"",
            "[workspace]\n[workspace.dependencies]\nfunctions-framework = \"0.1\"",
        ] {
            assert!(parsed(manifest), "{manifest}");
        }
    }

    #[test]
    fn what_is_not_in_the_program_does_not_count() {
        for manifest in [
            "",
            "[package]\nname = \"functions-framework\"",
            "[dev-dependencies]\nfunctions-framework = \"0.1\"",
            "[build-dependencies]\nfunctions-framework = \"0.1\"",
            "[dependencies]\nfunctions-framework-macros = \"0.1\"",
            "[dependencies]\nfunctions-framework = { package = \"another\", version = \"1\" }",
        ] {
            assert!(!parsed(manifest), "{manifest}");
        }
    }

    #[test]
    fn members_are_looked_at_through_their_patterns() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("Cargo.toml", "[workspace]\nmembers = [\"crates/*\", \"gone\"]");
        write("crates/empty/readme", "");
        write("crates/lib/Cargo.toml", "[package]\nname = \"lib\"");
        assert!(!depends_on_framework(folder.path()).unwrap());
        write("crates/fn/Cargo.toml", "[dependencies]\nfunctions-framework = \"0.1\"");
        assert!(depends_on_framework(folder.path()).unwrap());
        write("crates/fn/Cargo.toml", "not TOML");
        let error = depends_on_framework(folder.path()).unwrap_err().to_string();
        assert!(error.contains("Cargo.toml is no TOML"), "{error}");
    }

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "x", true),
            ("fn-*", "fn-a", true),
            ("fn-*", "a", false),
            ("?b", "ab", true),
            ("a*c", "abd", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
