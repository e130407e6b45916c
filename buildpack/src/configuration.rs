//! What cargo's configuration of the source says, and what is added to it by `--config`: nothing of the user's is lost.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::{
    error::{Error, Result},
    manifest,
};

/// The configuration files that cargo reads in a folder, the weakest first.
///
/// # Errors
/// One is there and cannot be read, or is no TOML.
pub fn files(folder: &Path, home: Option<&Path>) -> Result<Vec<Table>> {
    let above = folder.ancestors().map(|folder| folder.join(".cargo"));
    let folders: Vec<PathBuf> = above.chain(home.map(Path::to_owned)).collect();
    let mut tables = Vec::new();
    for folder in folders.iter().rev() {
        let file = ["config", "config.toml"].map(|name| folder.join(name)).into_iter().find(|file| file.is_file());
        if let Some(file) = file {
            tables.push(manifest::read(&file)?);
        }
    }
    Ok(tables)
}

/// Compiler flags, added to those of the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// Values of `--config`.
    pub config: Vec<String>,
    /// Variables to set.
    pub set: BTreeMap<String, String>,
    /// Variables to take away.
    pub unset: Vec<String>,
}

/// Adds flags where cargo looks for them: it takes one source of flags and passes over the others.
pub fn add_flags(own: &[String], triple: &str, variables: &BTreeMap<String, String>, files: &[Table]) -> Flags {
    let mut flags = Flags::default();
    let own = own.to_vec();
    if let Some(encoded) = variables.get("CARGO_ENCODED_RUSTFLAGS") {
        let theirs = encoded.split('\u{1f}').filter(|flag| !flag.is_empty()).map(str::to_owned);
        let all: Vec<String> = theirs.chain(own).collect();
        flags.set.insert("CARGO_ENCODED_RUSTFLAGS".to_owned(), all.join("\u{1f}"));
        return flags;
    }
    if let Some(plain) = variables.get("RUSTFLAGS") {
        let all: Vec<String> = plain.split_whitespace().map(str::to_owned).chain(own).collect();
        flags.set.insert("CARGO_ENCODED_RUSTFLAGS".to_owned(), all.join("\u{1f}"));
        flags.unset.push("RUSTFLAGS".to_owned());
        return flags;
    }
    // Flags of a target come before those of `build`, when its `cfg` holds: whichever cargo takes, ours are there.
    let mut targets = BTreeMap::from([]);
    for file in files {
        for (key, value) in file.get("target").and_then(Value::as_table).into_iter().flatten() {
            if let Some(theirs) = value.get("rustflags") {
                targets.insert(key.clone(), theirs);
            }
        }
    }
    let of_build = files.iter().rev().find_map(|file| file.get("build")?.get("rustflags"));
    flags.config.push(format!("build.rustflags={}", joined(&own, of_build)));
    let variable = format!("CARGO_TARGET_{}_RUSTFLAGS", triple.to_ascii_uppercase().replace(['-', '.'], "_"));
    if variables.contains_key(&variable) && !targets.contains_key(triple) {
        flags.config.push(format!("target.{}.rustflags={}", quoted(triple), joined(&own, None)));
    }
    for (key, theirs) in targets {
        flags.config.push(format!("target.{}.rustflags={}", quoted(&key), joined(&own, Some(theirs))));
    }
    flags
}

/// Whether the user says anything about how the C library is linked.
pub fn decides_on_linking(variables: &BTreeMap<String, String>, files: &[Table]) -> bool {
    let in_variables = variables.iter().any(|(name, value)| name.ends_with("RUSTFLAGS") && value.contains("crt-static"));
    let says = |value: &Value| value.get("rustflags").is_some_and(|flags| flags.to_string_of().contains("crt-static"));
    in_variables
        || files.iter().any(|file| {
            let targets = file.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
            file.get("build").is_some_and(says) || targets.into_iter().any(says)
        })
}

/// Whether a profile says how much of the symbols is left, in the manifest, the configuration or a variable.
pub fn decides_on_strip(profile: &str, manifest: &Table, variables: &BTreeMap<String, String>, files: &[Table]) -> bool {
    let tables = || std::iter::once(manifest).chain(files);
    let setting = |profile: &str, key: &str| tables().find_map(|table| table.get("profile")?.get(profile)?.get(key).cloned());
    let mut profile = profile.to_owned();
    // A profile can inherit from another a few times; one that goes in circles is for cargo to refuse.
    for _ in 0..8 {
        let variable = format!("CARGO_PROFILE_{}_STRIP", profile.to_ascii_uppercase().replace('-', "_"));
        if variables.contains_key(&variable) || setting(&profile, "strip").is_some() {
            return true;
        }
        profile = match (profile.as_str(), setting(&profile, "inherits")) {
            (_, Some(parent)) => parent.as_str().unwrap_or_default().to_owned(),
            ("bench", None) => "release".to_owned(),
            ("test", None) => "dev".to_owned(),
            _ => return false,
        };
    }
    false
}

/// Replaces the registry: by a folder of vendored crates, or by a mirror.
///
/// # Errors
/// It is neither a URL nor a folder.
pub fn registry(value: &str, app: &Path) -> Result<Vec<String>> {
    const NAME: &str = "openfunction";
    let source = if let Some((_, rest)) = value.split_once("://") {
        if rest.is_empty() {
            return Err(Error::new(format!("FUNC_CARGO_REGISTRY is `{value}`: the URL names no host")));
        }
        // A git index is a repository, whose address stays as it is.
        let is_git = value.starts_with("git") || Path::new(value).extension().is_some_and(|extension| extension == "git");
        let sparse = if is_git || value.starts_with("sparse+") { "" } else { "sparse+" };
        let slash = if is_git || value.ends_with('/') { "" } else { "/" };
        format!("registry={}", quoted(&format!("{sparse}{value}{slash}")))
    } else {
        let folder = app.join(value);
        if !folder.is_dir() {
            return Err(Error::new(format!(
                "FUNC_CARGO_REGISTRY is `{value}`: expected the URL of a sparse index, or a folder of vendored crates; there is no \
                 folder {}",
                folder.display()
            )));
        }
        format!("directory={}", quoted(&folder.to_string_lossy()))
    };
    Ok(vec![format!("source.crates-io.replace-with={}", quoted(NAME)), format!("source.{NAME}.{source}")])
}

/// A value in the form in which theirs is written, for cargo joins lists and refuses to join a list with a text.
fn joined(own: &[String], theirs: Option<&Value>) -> String {
    match theirs {
        Some(Value::String(theirs)) => quoted(&[theirs.trim(), &own.join(" ")].join(" ")),
        _ => format!("[{}]", own.iter().map(|flag| quoted(flag)).collect::<Vec<_>>().join(",")),
    }
}

/// A text of JSON is one of TOML.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string_of()
}

trait Written {
    fn to_string_of(&self) -> String;
}

impl Written for Value {
    fn to_string_of(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TRIPLE: &str = "x86_64-unknown-linux-gnu";

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn tables(texts: &[&str]) -> Vec<Table> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn added(pairs: &[(&str, &str)], files: &[&str]) -> Flags {
        add_flags(&["-C".to_owned(), "x".to_owned()], TRIPLE, &variables(pairs), &tables(files))
    }

    #[test]
    fn flags_are_added_to_the_source_that_cargo_takes() {
        for (files, expected) in [
            (&[][..], &["build.rustflags=[\"-C\",\"x\"]"][..]),
            (&["build.rustflags = [\"-g\"]"], &["build.rustflags=[\"-C\",\"x\"]"]),
            (&["build.rustflags = \"-g -v\""], &["build.rustflags=\"-g -v -C x\""]),
            (
                &["target.'cfg(unix)'.rustflags = [\"-g\"]"],
                &["build.rustflags=[\"-C\",\"x\"]", "target.\"cfg(unix)\".rustflags=[\"-C\",\"x\"]"],
            ),
            (
                &["target.x86_64-unknown-linux-gnu.rustflags = \"-a\"", "target.x86_64-unknown-linux-gnu.rustflags = \"-b\""],
                &["build.rustflags=[\"-C\",\"x\"]", "target.\"x86_64-unknown-linux-gnu\".rustflags=\"-b -C x\""],
            ),
        ] {
            let flags = added(&[], files);
            assert_eq!(flags.config, expected, "{files:?}");
            assert!(flags.set.is_empty() && flags.unset.is_empty());
        }
    }

    #[test]
    fn flags_are_added_to_those_of_variables() {
        let flags = added(&[("RUSTFLAGS", " -g  -v ")], &["build.rustflags = \"passed over\""]);
        assert_eq!(flags.set["CARGO_ENCODED_RUSTFLAGS"], "-g\u{1f}-v\u{1f}-C\u{1f}x");
        assert_eq!((flags.unset, flags.config), (vec!["RUSTFLAGS".to_owned()], vec![]));
        let flags = added(&[("RUSTFLAGS", "passed over"), ("CARGO_ENCODED_RUSTFLAGS", "--cfg\u{1f}a b")], &[]);
        assert_eq!(flags.set["CARGO_ENCODED_RUSTFLAGS"], "--cfg\u{1f}a b\u{1f}-C\u{1f}x");
        let flags = added(&[("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-g")], &[]);
        assert_eq!(flags.config[1], "target.\"x86_64-unknown-linux-gnu\".rustflags=[\"-C\",\"x\"]");
    }

    #[test]
    fn a_user_who_says_how_to_link_is_left_alone() {
        for (pairs, files, expected) in [
            (&[][..], &[][..], false),
            (&[("RUSTFLAGS", "-Ctarget-feature=-crt-static")], &[], true),
            (&[], &["build.rustflags = [\"-C\", \"target-feature=-crt-static\"]"], true),
            (&[], &["target.'cfg(unix)'.rustflags = \"-Ctarget-feature=+crt-static\""], true),
            (&[("OTHER", "crt-static")], &["build.jobs = 1"], false),
        ] {
            assert_eq!(decides_on_linking(&variables(pairs), &tables(files)), expected, "{pairs:?} {files:?}");
        }
    }

    #[test]
    fn strip_is_looked_for_along_the_line_of_profiles() {
        for (profile, manifest, pairs, files, expected) in [
            ("release", "", &[][..], &[][..], false),
            ("release", "profile.release.strip = false", &[], &[], true),
            ("release", "profile.dev.strip = true", &[], &[], false),
            ("small", "profile.small.inherits = \"release\"\nprofile.release.strip = \"debuginfo\"", &[], &[], true),
            ("small", "profile.small.inherits = \"release\"", &[], &["profile.release.strip = true"], true),
            ("small-er", "profile.small-er.inherits = \"release\"", &[("CARGO_PROFILE_SMALL_ER_STRIP", "none")], &[], true),
            ("bench", "profile.release.strip = true", &[], &[], true),
            ("a", "profile.a.inherits = \"b\"\nprofile.b.inherits = \"a\"", &[], &[], false),
        ] {
            let manifest = manifest.parse().unwrap();
            assert_eq!(
                decides_on_strip(profile, &manifest, &variables(pairs), &tables(files)),
                expected,
                "{profile} {manifest:?}"
            );
        }
    }

    #[test]
    fn a_registry_is_a_mirror_or_a_folder() {
        let app = tempfile::tempdir().unwrap();
        fs::create_dir(app.path().join("vendor")).unwrap();
        for (value, expected) in [
            ("https://mirror.example/index", "registry=\"sparse+https://mirror.example/index/\""),
            ("sparse+https://mirror.example/", "registry=\"sparse+https://mirror.example/\""),
            ("https://mirror.example/index.git", "registry=\"https://mirror.example/index.git\""),
        ] {
            let config = registry(value, app.path()).unwrap();
            assert_eq!(
                config,
                ["source.crates-io.replace-with=\"openfunction\"".to_owned(), format!("source.openfunction.{expected}")]
            );
        }
        assert!(registry("vendor", app.path()).unwrap()[1].starts_with("source.openfunction.directory="));
        for wrong in ["gone", "https://"] {
            assert!(registry(wrong, app.path()).unwrap_err().to_string().contains("FUNC_CARGO_REGISTRY is"), "{wrong}");
        }
    }
}
