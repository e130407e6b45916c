//! Whether this buildpack is the one for a source.

use std::path::{Path, PathBuf};

use crate::{
    environment::Environment,
    error::{Error, Result},
    manifest,
};

/// What detection comes to, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detection {
    /// It is.
    Pass(String),
    /// It is not.
    Fail(String),
}

/// Looks at the source.
///
/// # Errors
/// `FUNC_SRC` is no folder of the source, or a manifest cannot be read.
pub fn detect(app: &Path, environment: &Environment) -> Result<Detection> {
    let folder = source_folder(app, environment)?;
    let below = environment.source.as_ref().map_or_else(String::new, |source| format!(" in `{}` (FUNC_SRC)", source.display()));
    if !folder.join("Cargo.toml").is_file() {
        return Ok(Detection::Fail(format!("no Cargo.toml{below}")));
    }
    if !environment.functions.is_empty() {
        return Ok(Detection::Pass(format!("Cargo.toml{below}, and FUNC_NAME is set")));
    }
    Ok(if manifest::depends_on_framework(&folder)? {
        Detection::Pass(format!("Cargo.toml{below}, and a dependency on {}", manifest::FRAMEWORK))
    } else {
        Detection::Fail(format!(
            "Cargo.toml{below}, but neither FUNC_NAME nor a dependency on {}: set FUNC_NAME to build it all the same",
            manifest::FRAMEWORK
        ))
    })
}

/// The folder of the function: that of the source, or what `FUNC_SRC` says below it.
///
/// # Errors
/// `FUNC_SRC` is not a folder within the source.
pub fn source_folder(app: &Path, environment: &Environment) -> Result<PathBuf> {
    let Some(source) = &environment.source else { return Ok(app.to_owned()) };
    let wrong = |why: &str| {
        Error::new(format!("FUNC_SRC is `{}`: {why}; expected a folder of the source that has a Cargo.toml", source.display()))
    };
    let real = |path: &Path| path.canonicalize().map_err(|error| wrong(&error.to_string()));
    let folder = app.join(source);
    let folder = real(&folder)?;
    if !folder.starts_with(real(app)?) {
        return Err(wrong("it leads out of the source"));
    }
    if !folder.is_dir() {
        return Err(wrong("it is no folder"));
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn outcome(files: &[(&str, &str)], functions: &[&str], source: Option<&str>) -> Result<Detection> {
        let app = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = app.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let functions = functions.iter().map(|name| (*name).to_owned()).collect();
        detect(app.path(), &Environment { functions, source: source.map(PathBuf::from), ..Environment::default() })
    }

    #[test]
    fn a_manifest_and_a_reason_pass() {
        const FRAMEWORK: &str = "[dependencies]\nfunctions-framework = \"0.1\"";
        for (files, functions, source) in [
            (&[("Cargo.toml", FRAMEWORK)][..], &[][..], None),
            (&[("Cargo.toml", "[package]")], &["hello"], None),
            (&[("Cargo.toml", "[package]"), ("fn/Cargo.toml", FRAMEWORK)], &[], Some("fn")),
        ] {
            assert!(matches!(outcome(files, functions, source), Ok(Detection::Pass(_))), "{files:?}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        for (files, functions, source, expected) in [
            (&[][..], &["hello"][..], None, "no Cargo.toml"),
            (&[("Cargo.toml", "[package]")], &[], None, "neither FUNC_NAME nor a dependency"),
            (&[("Cargo.toml", "[package]"), ("fn/x", "")], &["x"], Some("fn"), "no Cargo.toml in `fn` (FUNC_SRC)"),
        ] {
            let Ok(Detection::Fail(why)) = outcome(files, functions, source) else { panic!("{files:?} passed") };
            assert!(why.contains(expected), "{why}");
        }
    }

    #[test]
    fn a_folder_elsewhere_is_refused() {
        for (source, expected) in
            [("..", "leads out"), ("/", "leads out"), ("gone", "No such file"), ("Cargo.toml", "no folder")]
        {
            let error = outcome(&[("Cargo.toml", "")], &["x"], Some(source)).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("FUNC_SRC"), "{error}");
        }
    }
}
