//! What the platform says: the variables of a build, each a single token, read once and in full.
//!
//! `OpenFunction` passes the values of `build.env` on only when they hold no blank, `=` or `#`, hence lists with commas.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    error::{Error, Result},
    nearest::nearest,
};

/// The variables that mean something here, and those that other builders of the platform read.
const KNOWN: [&str; 24] = [
    "FUNC_NAME",
    "FUNC_TYPE",
    "FUNC_SRC",
    "FUNC_BUILDABLE",
    "FUNC_BUILD_ARGS",
    "FUNC_CLEAR_SOURCE",
    "FUNC_KEEP_SOURCE",
    "FUNC_ENTRYPOINT",
    "FUNC_DEBUG",
    "FUNC_FRAMEWORK_VERSION",
    "FUNC_RUNTIME_VERSION",
    "FUNC_CARGO_FEATURES",
    "FUNC_CARGO_PROFILE",
    "FUNC_CARGO_TARGET",
    "FUNC_CARGO_REGISTRY",
    "FUNC_RUNTIME",
    "FUNC_DEVMODE",
    "FUNC_GOPROXY",
    "FUNC_GOGCFLAGS",
    "FUNC_GOLDFLAGS",
    "FUNC_CONTEXT",
    "FUNC_PORT",
    "FUNC_APP",
    "FUNC_VERSION",
];

/// The kinds of functions as `FUNCTION_SIGNATURE_TYPE` spells them.
const TYPES: [&str; 5] = ["http", "typed", "cloudevent", "event", "openfunction"];

/// A variable that takes no value of another form.
const LABEL: &str = "FUNC_LABEL_";

/// The variables of a build, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `FUNC_NAME`: the functions that the image must have; empty when none is named.
    pub functions: Vec<String>,
    /// `FUNC_TYPE`.
    pub signature: Option<String>,
    /// `FUNC_SRC`: the folder below the source where the function is.
    pub source: Option<PathBuf>,
    /// `FUNC_BUILDABLE`: a package, a program, or `package/program`.
    pub buildable: Option<String>,
    /// `FUNC_BUILD_ARGS`: for `cargo build`.
    pub build_args: Vec<String>,
    /// `FUNC_CLEAR_SOURCE`.
    pub clear_source: bool,
    /// `FUNC_KEEP_SOURCE`: what clearing leaves, beside `static` and `templates`.
    pub keep_source: Vec<String>,
    /// `FUNC_ENTRYPOINT`: the command line of the process.
    pub entrypoint: Vec<String>,
    /// `FUNC_LABEL_*`, by the label's name.
    pub labels: BTreeMap<String, String>,
    /// `FUNC_DEBUG`: a longer log.
    pub debug: bool,
    /// `FUNC_FRAMEWORK_VERSION`.
    pub framework_version: Option<String>,
    /// `FUNC_RUNTIME_VERSION`: the toolchain.
    pub runtime_version: Option<String>,
    /// `FUNC_CARGO_FEATURES`.
    pub features: Vec<String>,
    /// `FUNC_CARGO_PROFILE`.
    pub profile: Option<String>,
    /// `FUNC_CARGO_TARGET`.
    pub target: Option<String>,
    /// `FUNC_CARGO_REGISTRY`.
    pub registry: Option<String>,
}

impl Environment {
    /// Reads the variables.
    ///
    /// # Errors
    /// A value is not one of those its variable takes.
    pub fn read(variables: &BTreeMap<String, String>) -> Result<Self> {
        let text = |name: &str| variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let owned = |name: &str| text(name).map(str::to_owned);
        let words = |name: &str| text(name).map(|value| value.split_whitespace().map(str::to_owned).collect());
        let signature = owned("FUNC_TYPE");
        if let Some(value) = signature.as_deref().filter(|value| !TYPES.contains(value)) {
            return Err(Error::new(format!("FUNC_TYPE is `{value}`: expected one of {}", TYPES.join(", "))));
        }
        let profile = owned("FUNC_CARGO_PROFILE");
        if let Some(value) = profile.as_deref().filter(|value| !is_profile(value)) {
            return Err(Error::new(format!(
                "FUNC_CARGO_PROFILE is `{value}`: expected the name of a profile, such as `release` or `dev`"
            )));
        }
        Ok(Self {
            functions: list("FUNC_NAME", text("FUNC_NAME"))?,
            signature,
            source: text("FUNC_SRC").map(PathBuf::from),
            buildable: owned("FUNC_BUILDABLE"),
            build_args: words("FUNC_BUILD_ARGS").unwrap_or_default(),
            clear_source: boolean("FUNC_CLEAR_SOURCE", text("FUNC_CLEAR_SOURCE"))?,
            keep_source: list("FUNC_KEEP_SOURCE", text("FUNC_KEEP_SOURCE"))?,
            entrypoint: words("FUNC_ENTRYPOINT").unwrap_or_default(),
            labels: labels(variables)?,
            debug: boolean("FUNC_DEBUG", text("FUNC_DEBUG"))?,
            framework_version: owned("FUNC_FRAMEWORK_VERSION"),
            runtime_version: owned("FUNC_RUNTIME_VERSION"),
            features: list("FUNC_CARGO_FEATURES", text("FUNC_CARGO_FEATURES"))?,
            profile,
            target: owned("FUNC_CARGO_TARGET"),
            registry: owned("FUNC_CARGO_REGISTRY"),
        })
    }

    /// The profile to build with.
    pub fn profile(&self) -> &str {
        self.profile.as_deref().unwrap_or("release")
    }
}

/// Finds variables that are probably written wrong: nobody reads them, and nothing else would say so.
pub fn strangers<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let unknown = |name: &&str| name.starts_with("FUNC") && !name.starts_with("FUNCTION") && !KNOWN.contains(name);
    let remarks = names.into_iter().filter(unknown).filter(|name| !name.starts_with(LABEL)).filter_map(|name| {
        let near = nearest(name, KNOWN);
        match near {
            Some(near) => Some(format!("{name} means nothing here, did you mean {near}?")),
            None if name.starts_with("FUNC_CARGO_") => Some(format!("{name} means nothing here")),
            None => None,
        }
    });
    remarks.collect()
}

/// A list with commas. An entry twice, or an empty one, is a slip.
fn list(variable: &str, value: Option<&str>) -> Result<Vec<String>> {
    let mut entries: Vec<String> = Vec::new();
    for entry in value.into_iter().flat_map(|value| value.split(',')).map(str::trim) {
        if entry.is_empty() || entry.contains(char::is_whitespace) {
            let value = value.unwrap_or_default();
            return Err(Error::new(format!(
                "{variable} is `{value}`: expected a list with commas, without blanks, such as `a,b`"
            )));
        }
        if entries.iter().any(|before| before == entry) {
            return Err(Error::new(format!("{variable} has `{entry}` twice")));
        }
        entries.push(entry.to_owned());
    }
    Ok(entries)
}

/// What Go's `strconv.ParseBool` takes, for the other builders of the platform read it with that.
fn boolean(variable: &str, value: Option<&str>) -> Result<bool> {
    match value {
        None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some(other) => Err(Error::new(format!("{variable} is `{other}`: expected `true` or `false`"))),
    }
}

/// `FUNC_LABEL_TEAM_NAME` is the label `google.team-name`, as with the platform's other builders.
fn labels(variables: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    for (name, value) in variables {
        let Some(key) = name.strip_prefix(LABEL) else { continue };
        if key.is_empty() {
            return Err(Error::new(format!("{name} names no label: expected {LABEL}<NAME>")));
        }
        labels.insert(format!("google.{}", key.to_ascii_lowercase().replace('_', "-")), value.clone());
    }
    Ok(labels)
}

/// The name of a folder, of a variable and of a table: letters, digits, `-` and `_`.
fn is_profile(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment> {
        Environment::read(&variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn refused(variables: &[(&str, &str)]) -> String {
        read(variables).expect_err("a value that is wrong is refused").to_string()
    }

    #[test]
    fn nothing_said_is_a_release_build_of_all_functions() {
        let environment = read(&[]).unwrap();
        assert_eq!(environment, Environment::default());
        assert_eq!(environment.profile(), "release");
        // An empty value is none: the platform cannot even pass one on.
        assert_eq!(read(&[("FUNC_NAME", ""), ("FUNC_CLEAR_SOURCE", " ")]).unwrap(), environment);
    }

    #[test]
    fn lists_are_split_at_commas_and_command_lines_at_blanks() {
        let environment = read(&[
            ("FUNC_NAME", "a,b"),
            ("FUNC_CARGO_FEATURES", "x,dep/y"),
            ("FUNC_ENTRYPOINT", "server  --port 80"),
            ("FUNC_BUILD_ARGS", "--no-default-features -v"),
            ("FUNC_KEEP_SOURCE", "public/**"),
        ])
        .unwrap();
        assert_eq!(environment.functions, ["a", "b"]);
        assert_eq!(environment.features, ["x", "dep/y"]);
        assert_eq!(environment.entrypoint, ["server", "--port", "80"]);
        assert_eq!(environment.build_args, ["--no-default-features", "-v"]);
        assert_eq!(environment.keep_source, ["public/**"]);
    }

    #[test]
    fn a_list_that_is_none_is_refused() {
        for value in ["a,,b", ",a", "a,", "a b", "a,b c"] {
            assert!(refused(&[("FUNC_NAME", value)]).contains(&format!("FUNC_NAME is `{value}`")), "{value}");
        }
        assert_eq!(refused(&[("FUNC_CARGO_FEATURES", "a,b,a")]), "FUNC_CARGO_FEATURES has `a` twice");
    }

    #[test]
    fn booleans_are_those_of_go() {
        for value in ["1", "t", "T", "TRUE", "true", "True"] {
            assert!(read(&[("FUNC_CLEAR_SOURCE", value)]).unwrap().clear_source, "{value}");
        }
        for value in ["0", "f", "F", "FALSE", "false", "False"] {
            assert!(!read(&[("FUNC_CLEAR_SOURCE", value)]).unwrap().clear_source, "{value}");
        }
        for value in ["yes", "tRUE", "on", "2"] {
            assert_eq!(
                refused(&[("FUNC_CLEAR_SOURCE", value)]),
                format!("FUNC_CLEAR_SOURCE is `{value}`: expected `true` or `false`")
            );
        }
        assert!(refused(&[("FUNC_DEBUG", "loud")]).starts_with("FUNC_DEBUG is `loud`"));
    }

    #[test]
    fn labels_are_spelled_as_other_builders_do() {
        let environment = read(&[("FUNC_LABEL_TEAM_NAME", "orders"), ("FUNC_LABEL_X", "")]).unwrap();
        let labels: Vec<_> = environment.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(labels, [("google.team-name", "orders"), ("google.x", "")]);
        assert!(refused(&[("FUNC_LABEL_", "x")]).contains("names no label"));
    }

    #[test]
    fn kinds_and_profiles_are_checked() {
        assert!(refused(&[("FUNC_TYPE", "htpp")]).contains("http, typed, cloudevent, event, openfunction"));
        assert!(refused(&[("FUNC_CARGO_PROFILE", "../x")]).contains("FUNC_CARGO_PROFILE is `../x`"));
        assert_eq!(read(&[("FUNC_CARGO_PROFILE", "small_1-x")]).unwrap().profile(), "small_1-x");
    }

    #[test]
    fn a_variable_written_wrong_is_pointed_out() {
        for (name, near) in [
            ("FUNC_CARGO_FEATURE", Some("FUNC_CARGO_FEATURES")),
            ("FUNC_CARGO_REGSITRY", Some("FUNC_CARGO_REGISTRY")),
            ("FUNCNAME", Some("FUNC_NAME")),
            ("FUNC_CLEARSOURCE", Some("FUNC_CLEAR_SOURCE")),
        ] {
            let remarks = strangers([name]);
            let expected = near.map(|near| format!("{name} means nothing here, did you mean {near}?"));
            assert_eq!(remarks, expected.into_iter().collect::<Vec<_>>());
        }
        assert_eq!(strangers(["FUNC_CARGO_WHATEVER_ELSE"]), ["FUNC_CARGO_WHATEVER_ELSE means nothing here"]);
        assert!(strangers(KNOWN).is_empty());
        assert!(strangers(["FUNC_LABEL_X", "FUNCTION_TARGET", "PATH", "FUNC_SOMETHING_OF_ANOTHER_BUILDER"]).is_empty());
    }
}
