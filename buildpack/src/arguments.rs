//! What `FUNC_BUILD_ARGS` and `FUNC_CARGO_FEATURES` tell cargo, apart from what this buildpack says itself.

use crate::{
    environment::Environment,
    error::{Error, Result},
};

/// Arguments for cargo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Those that decide on the graph: for `cargo metadata` too.
    pub graph: Vec<String>,
    /// Those for `cargo build` only.
    pub build: Vec<String>,
}

/// What is decided elsewhere, with what to set for it.
const DECIDED: [(&[&str], &str); 7] = [
    (&["--target"], "set FUNC_CARGO_TARGET"),
    (&["--profile", "--release", "-r"], "set FUNC_CARGO_PROFILE"),
    (&["--bin", "--bins", "--package", "-p", "--workspace", "--all", "--exclude"], "set FUNC_BUILDABLE"),
    (&["--lib", "--example", "--examples", "--test", "--tests", "--bench", "--benches", "--all-targets"], "set FUNC_BUILDABLE"),
    (&["--manifest-path", "-C", "--lockfile-path"], "set FUNC_SRC"),
    (&["--target-dir", "--artifact-dir", "--out-dir"], "the folder is a layer that is kept for the next build"),
    (&["--message-format", "--build-plan", "--unit-graph", "--dry-run"], "the buildpack reads what cargo prints"),
];

impl Arguments {
    /// Sorts what was said.
    ///
    /// # Errors
    /// Something is said that another variable decides.
    pub fn read(environment: &Environment) -> Result<Self> {
        let mut arguments = Self::default();
        let mut words = environment.build_args.iter();
        while let Some(word) = words.next() {
            let name = word.split('=').next().unwrap_or(word);
            // `-p name` may be written `-pname`.
            let short = word.get(..2).filter(|_| !word.starts_with("--"));
            let is = |known: &&str| *known == name || short == Some(*known);
            if let Some((_, instead)) = DECIDED.iter().find(|(names, _)| names.iter().any(&is)) {
                return Err(Error::new(format!("FUNC_BUILD_ARGS has `{word}`: {instead} instead")));
            }
            match name {
                "--features" | "-F" if !word.contains('=') => {
                    let value = words.next();
                    let value =
                        value.ok_or_else(|| Error::new(format!("FUNC_BUILD_ARGS has `{word}` without features after it")))?;
                    arguments.graph.extend(["--features".to_owned(), value.clone()]);
                }
                "--features" | "--all-features" | "--no-default-features" | "--offline" | "--frozen" => {
                    arguments.graph.push(word.clone());
                }
                _ if short == Some("-F") => arguments.graph.push(word.clone()),
                _ => arguments.build.push(word.clone()),
            }
        }
        if !environment.features.is_empty() {
            arguments.graph.extend(["--features".to_owned(), environment.features.join(",")]);
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, features: &[&str]) -> Result<Arguments> {
        Arguments::read(&Environment {
            build_args: text.split_whitespace().map(str::to_owned).collect(),
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
            ..Environment::default()
        })
    }

    #[test]
    fn features_are_for_the_graph_and_the_rest_for_the_build() {
        for (text, features, graph, build) in [
            ("", &[][..], "", ""),
            ("", &["a", "b"], "--features a,b", ""),
            ("--no-default-features --features x -v", &["a"], "--no-default-features --features x --features a", "-v"),
            ("-Fx --features=y -F z", &[], "-Fx --features=y --features z", ""),
            ("--jobs 2 --offline", &[], "--offline", "--jobs 2"),
            ("--config net.offline=true", &[], "", "--config net.offline=true"),
        ] {
            let arguments = read(text, features).unwrap();
            assert_eq!((arguments.graph.join(" ").as_str(), arguments.build.join(" ").as_str()), (graph, build), "{text}");
        }
    }

    #[test]
    fn what_another_variable_decides_is_refused_with_its_name() {
        for (text, instead) in [
            ("--target=x", "FUNC_CARGO_TARGET"),
            ("--target x", "FUNC_CARGO_TARGET"),
            ("-v --release", "FUNC_CARGO_PROFILE"),
            ("-r", "FUNC_CARGO_PROFILE"),
            ("-pshop", "FUNC_BUILDABLE"),
            ("--bin shop", "FUNC_BUILDABLE"),
            ("--manifest-path x", "FUNC_SRC"),
            ("--target-dir /t", "layer"),
            ("--features", "without features"),
        ] {
            let error = read(text, &[]).unwrap_err().to_string();
            assert!(error.contains(instead) && error.starts_with("FUNC_BUILD_ARGS has"), "{error}");
        }
    }
}
