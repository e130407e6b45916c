//! The source at the end of a build: what of it stays in the image when it is cleared.

use std::{fs, path::Path};

use crate::{
    error::{Error, Result},
    manifest::fits,
};

/// What programs read when they run, by custom.
const KEPT: [&str; 2] = ["static/**", "templates/**"];

/// Removes the source but for what is kept: `static/**`, `templates/**` and the given patterns, each below the source or below the
/// folder of the package. Returns how many files stay.
///
/// # Errors
/// Something cannot be removed.
pub fn clear(app: &Path, package: &Path, keep: &[String]) -> Result<usize> {
    let patterns: Vec<&str> = KEPT.into_iter().chain(keep.iter().map(String::as_str)).collect();
    let is_kept = |path: &Path| {
        [app, package].iter().filter_map(|root| path.strip_prefix(root).ok()).any(|below| {
            let below = below.to_string_lossy();
            let parts: Vec<&str> = below.split('/').collect();
            patterns.iter().any(|pattern| matches(&pattern.trim_matches('/').split('/').collect::<Vec<_>>(), &parts))
        })
    };
    empty(app, &is_kept)
}

/// Removes what is in a folder, and folders that become empty.
fn empty(folder: &Path, is_kept: &dyn Fn(&Path) -> bool) -> Result<usize> {
    let mut kept = 0;
    let entries = fs::read_dir(folder).map_err(|error| Error::file("list", folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| Error::file("list", folder, &error))?.path();
        let failed = |error| Error::file("remove", &path, &error);
        // A link is removed, not what it leads to.
        let is_folder = fs::symlink_metadata(&path).map_err(failed)?.is_dir();
        if is_folder {
            let below = empty(&path, is_kept)?;
            kept += below;
            if below == 0 {
                fs::remove_dir(&path).map_err(failed)?;
            }
        } else if is_kept(&path) {
            kept += 1;
        } else {
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(kept)
}

/// Whether a path fits a pattern in which `**` is any folders; what a pattern names is kept with all that is in it.
fn matches(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, _) => true,
        (Some((&"**", rest)), _) => {
            (0..=path.len()).any(|at| matches(rest, &path[at..]) && !(rest.is_empty() && path.is_empty()))
        }
        (Some(_), None) => false,
        (Some((part, rest)), Some((name, below))) => fits(part, name) && matches(rest, below),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_paths() {
        for (pattern, path, expected) in [
            ("static/**", "static/a.css", true),
            ("static/**", "static/deep/er/a.css", true),
            ("static/**", "statically", false),
            ("public", "public/index.html", true),
            ("**/*.html", "a/b/c.html", true),
            ("**/*.html", "c.html", true),
            ("*.json", "data.json", true),
            ("*.json", "a/data.json", false),
            ("a/*/c", "a/b/c", true),
        ] {
            let parts = |text: &'static str| text.split('/').collect::<Vec<_>>();
            assert_eq!(matches(&parts(pattern), &parts(path)), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_kept_stays_and_the_rest_goes() {
        let app = tempfile::tempdir().unwrap();
        let files = [
            "Cargo.toml",
            "src/main.rs",
            "static/a.css",
            "fn/templates/t/x.html",
            "fn/src/main.rs",
            "data/a.json",
            ".git/HEAD",
        ];
        for file in files {
            let path = app.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("/", app.path().join("root")).unwrap();
        assert_eq!(clear(app.path(), &app.path().join("fn"), &["data/*.json".to_owned()]).unwrap(), 3);
        let left: Vec<&str> = files.into_iter().filter(|file| app.path().join(file).exists()).collect();
        assert_eq!(left, ["static/a.css", "fn/templates/t/x.html", "data/a.json"]);
        assert!(!app.path().join("src").exists() && !app.path().join("root").is_symlink());
    }
}
