//! What a build does, decided before anything of it is done.

use std::path::{Path, PathBuf};

use crate::{
    arguments::Arguments,
    environment::Environment,
    error::{Error, Result},
    metadata::{Metadata, Package, WRITTEN},
    nearest::did_you_mean,
    shape::{self, Program},
};

/// The decisions of a build.
#[derive(Debug, Clone)]
pub struct BuildPlan {
    /// The package that is built.
    pub package: Package,
    /// Whether its program is there or has to be written.
    pub program: Program,
    /// Why this package and this program.
    pub because: String,
    /// The program that holds the functions.
    pub bin: String,
    /// All programs that are built.
    pub bins: Vec<String>,
    /// What the process `web` runs.
    pub entry: Entry,
    /// Its arguments.
    pub args: Vec<String>,
    /// The profile.
    pub profile: String,
    /// What else cargo is told.
    pub arguments: Arguments,
}

/// What a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A program of the package.
    Bin(String),
    /// Something of the run image.
    Path(PathBuf),
}

/// Decides what is built. `folder` is where the function was said to be.
///
/// # Errors
/// What is said contradicts the source, itself, or leaves open which program is meant.
pub fn plan(metadata: &Metadata, environment: &Environment, folder: &Path) -> Result<BuildPlan> {
    let shape = shape::choose(metadata, environment, folder)?;
    let bin = match &shape.program {
        Program::Bin(bin) => bin.clone(),
        Program::Library => WRITTEN.to_owned(),
    };
    let there = if shape.program == Program::Library { vec![WRITTEN] } else { shape.package.bins() };
    let mut bins = vec![bin.clone()];
    let mut words = environment.entrypoint.iter();
    let entry = match words.next() {
        None => Entry::Bin(bin.clone()),
        Some(word) if Path::new(word).is_absolute() => Entry::Path(PathBuf::from(word)),
        Some(word) if there.contains(&word.as_str()) => {
            if *word != bin {
                bins.push(word.clone());
            }
            Entry::Bin(word.clone())
        }
        Some(word) => {
            return Err(Error::new(format!(
                "FUNC_ENTRYPOINT begins with `{word}`: expected a program of package `{}`{} or an absolute path; no shell reads \
                 it\n  programs: {}",
                shape.package.name,
                did_you_mean(word, there.iter().copied()),
                there.join(", ")
            )));
        }
    };
    Ok(BuildPlan {
        package: shape.package.clone(),
        because: shape.because,
        program: shape.program,
        bin,
        bins,
        entry,
        args: words.cloned().collect(),
        profile: environment.profile().to_owned(),
        arguments: Arguments::read(environment)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Target;

    fn metadata(bins: &[&str]) -> Metadata {
        let target = |name: &&str| Target { name: (*name).to_owned(), kind: vec!["bin".to_owned()], src_path: PathBuf::new() };
        let package = Package {
            name: "shop".to_owned(),
            id: "shop".to_owned(),
            manifest_path: PathBuf::from("/app/Cargo.toml"),
            targets: bins.iter().map(target).collect(),
            ..Package::default()
        };
        Metadata {
            packages: vec![package],
            workspace_members: vec!["shop".to_owned()],
            workspace_root: PathBuf::from("/app"),
            resolve: None,
        }
    }

    fn planned(bins: &[&str], buildable: Option<&str>, entrypoint: &str) -> Result<BuildPlan> {
        let environment = Environment {
            buildable: buildable.map(str::to_owned),
            entrypoint: entrypoint.split_whitespace().map(str::to_owned).collect(),
            ..Environment::default()
        };
        plan(&metadata(bins), &environment, Path::new("/app"))
    }

    #[test]
    fn the_process_is_the_program_unless_another_is_named() {
        let bin = |name: &str| Entry::Bin(name.to_owned());
        for (bins, buildable, entrypoint, expected, built) in [
            (&["shop"][..], None, "", bin("shop"), &["shop"][..]),
            (&["shop"], None, "shop --port 1", bin("shop"), &["shop"]),
            (&["a", "b"], None, "b", bin("b"), &["b"]),
            (&["a", "b"], Some("a"), "b -v", bin("b"), &["a", "b"]),
            (&["shop"], None, "/usr/bin/env shop", Entry::Path(PathBuf::from("/usr/bin/env")), &["shop"]),
        ] {
            let plan = planned(bins, buildable, entrypoint).unwrap();
            assert_eq!((plan.entry, plan.bins.iter().map(String::as_str).collect::<Vec<_>>()), (expected, built.to_vec()));
            assert_eq!(plan.args.join(" "), entrypoint.split_once(' ').map_or("", |(_, rest)| rest));
        }
    }

    #[test]
    fn an_entry_point_that_is_no_program_is_refused() {
        for (entrypoint, expected) in
            [("shpo -v", "did you mean `shop`?"), ("./shop", "no shell reads it"), ("sh -c x", "programs: shop")]
        {
            let error = planned(&["shop"], None, entrypoint).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
