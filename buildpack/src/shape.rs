//! Which program of the source becomes the image: every ambiguity is an error that lists what there is.

use std::path::Path;

use crate::{
    environment::Environment,
    error::{Error, Result},
    manifest::FRAMEWORK,
    metadata::{Metadata, Package},
    nearest::did_you_mean,
};

/// What is built.
#[derive(Debug, Clone)]
pub struct Shape<'a> {
    /// The package.
    pub package: &'a Package,
    /// The program of it.
    pub program: Program,
    /// Why this one.
    pub because: String,
}

/// The program of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// One it has.
    Bin(String),
    /// One that is written for its library.
    Library,
}

/// Decides which program of a workspace is built. `folder` is where the function was said to be.
///
/// # Errors
/// There is none, or more than one and nothing says which.
pub fn choose<'a>(metadata: &'a Metadata, environment: &Environment, folder: &Path) -> Result<Shape<'a>> {
    let mut members: Vec<&Package> = metadata.members().collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    // A folder that was named is that package; the root of a source may be one of several.
    let here = members.iter().copied().find(|package| package.manifest_path == folder.join("Cargo.toml"));
    let named = here.filter(|_| environment.source.is_some());
    if let Some(buildable) = &environment.buildable {
        return buildable_of(buildable, &named.map_or(members, |package| vec![package]), environment);
    }
    if let Some(package) = named {
        return program_of(package, environment, "FUNC_SRC");
    }
    if let [package] = members[..] {
        return program_of(package, environment, "the only package");
    }
    let functions: Vec<&Package> = members.iter().copied().filter(|package| package.framework().is_some()).collect();
    match functions[..] {
        [package] => program_of(package, environment, &format!("the only package that depends on {FRAMEWORK}")),
        [] => match here {
            Some(package) => program_of(package, environment, "the package of the workspace's root"),
            None => Err(Error::new(format!(
                "the workspace has several packages, and none of them depends on {FRAMEWORK}: name one with FUNC_BUILDABLE\n{}",
                candidates(&members)
            ))),
        },
        _ => Err(Error::new(format!(
            "several packages of the workspace depend on {FRAMEWORK}: name one with FUNC_BUILDABLE, or its folder with \
             FUNC_SRC\n{}",
            candidates(&functions)
        ))),
    }
}

/// A package, a program, or `package/program`.
fn buildable_of<'a>(buildable: &str, members: &[&'a Package], environment: &Environment) -> Result<Shape<'a>> {
    let unknown = |what: &str, name: &str, known: &[&str]| {
        let hint = did_you_mean(name, known.iter().copied());
        Error::new(format!("FUNC_BUILDABLE is `{buildable}`: {what} `{name}`{hint}\n{}", candidates(members)))
    };
    let find = |name: &str| members.iter().copied().find(|package| package.name == name);
    let names: Vec<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let because = "FUNC_BUILDABLE".to_owned();
    if let Some((package, bin)) = buildable.split_once('/') {
        let package = find(package).ok_or_else(|| unknown("no package is named", package, &names))?;
        let bins = package.bins();
        if !bins.contains(&bin) {
            return Err(unknown(&format!("package `{}` has no program", package.name), bin, &bins));
        }
        return Ok(Shape { package, program: Program::Bin(bin.to_owned()), because });
    }
    if let Some(package) = find(buildable) {
        // What names both is the program.
        if package.bins().contains(&buildable) {
            return Ok(Shape { package, program: Program::Bin(buildable.to_owned()), because });
        }
        return program_of(package, environment, "FUNC_BUILDABLE");
    }
    let having: Vec<&Package> = members.iter().copied().filter(|package| package.bins().contains(&buildable)).collect();
    match having[..] {
        [package] => Ok(Shape { package, program: Program::Bin(buildable.to_owned()), because }),
        [] => {
            let bins = members.iter().flat_map(|package| package.bins());
            let known: Vec<&str> = names.iter().copied().chain(bins).collect();
            Err(unknown("no package and no program is named", buildable, &known))
        }
        _ => {
            let both: Vec<String> = having.iter().map(|package| format!("{}/{buildable}", package.name)).collect();
            Err(Error::new(format!(
                "FUNC_BUILDABLE is `{buildable}`: several packages have a program of this name, say which: {}",
                both.join(", ")
            )))
        }
    }
}

/// The program of a package: as said, the one `cargo run` starts, the only one, or the one of its name.
fn program_of<'a>(package: &'a Package, environment: &Environment, because: &str) -> Result<Shape<'a>> {
    let bins = package.bins();
    let shape = |bin: &str, reason: &str| {
        Ok(Shape { package, program: Program::Bin(bin.to_owned()), because: format!("{because}; {reason}") })
    };
    if let Some(bin) = environment.entrypoint.first().filter(|word| bins.contains(&word.as_str())) {
        return shape(bin, "FUNC_ENTRYPOINT");
    }
    if let Some(bin) = package.default_run.as_deref() {
        return shape(bin, "its default-run");
    }
    match bins[..] {
        [bin] => shape(bin, "its only program"),
        _ if bins.contains(&package.name.as_str()) => shape(&package.name, "its program of the same name"),
        [] => library_of(package, because),
        _ => Err(Error::new(format!(
            "package `{}` has several programs: name one with FUNC_BUILDABLE, or with default-run in its Cargo.toml\n  {}",
            package.name,
            bins.join(", ")
        ))),
    }
}

fn library_of<'a>(package: &'a Package, because: &str) -> Result<Shape<'a>> {
    let lacks = |what: &str| {
        Err(Error::new(format!(
            "package `{}` has no program, and {what}: add a src/main.rs, or choose another package with FUNC_BUILDABLE",
            package.name
        )))
    };
    if package.library().is_none() {
        return lacks("no library that one could be written for");
    }
    if package.framework().is_none() {
        return lacks(&format!("its library does not depend on {FRAMEWORK}"));
    }
    Ok(Shape { package, program: Program::Library, because: format!("{because}; a library") })
}

/// A line each package, with its programs.
fn candidates(packages: &[&Package]) -> String {
    let line = |package: &&Package| {
        let bins = package.bins();
        match bins[..] {
            [] => format!("  {} (library)", package.name),
            [bin] if bin == package.name => format!("  {}", package.name),
            _ => format!("  {} (programs: {})", package.name, bins.join(", ")),
        }
    };
    packages.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::metadata::{Dependency, Target};

    /// `name: bins..`, where `+` before the name is a dependency on the framework and `lib` a library.
    fn package(text: &str) -> Package {
        let (name, targets) = text.split_once(':').unwrap();
        let (name, depends) = name.strip_prefix('+').map_or((name, false), |name| (name, true));
        let dependency = Dependency { name: FRAMEWORK.to_owned(), ..Dependency::default() };
        let target = |name: &str| {
            let (name, kind) = if name == "lib" { ("it", "lib") } else { (name, "bin") };
            Target { name: name.to_owned(), kind: vec![kind.to_owned()], src_path: PathBuf::new() }
        };
        Package {
            name: name.to_owned(),
            id: name.to_owned(),
            manifest_path: Path::new("/app").join(if name == "root" { "" } else { name }).join("Cargo.toml"),
            dependencies: if depends { vec![dependency] } else { Vec::new() },
            targets: targets.split_whitespace().map(target).collect(),
            ..Package::default()
        }
    }

    fn workspace(packages: &[&str]) -> Metadata {
        let packages: Vec<Package> = packages.iter().map(|text| package(text)).collect();
        let workspace_members = packages.iter().map(|package| package.id.clone()).collect();
        Metadata { packages, workspace_members, workspace_root: PathBuf::from("/app"), resolve: None }
    }

    /// `package/program`, or the error.
    fn chosen(metadata: &Metadata, environment: &Environment) -> std::result::Result<String, String> {
        let folder = environment.source.as_ref().map_or_else(|| PathBuf::from("/app"), |source| Path::new("/app").join(source));
        let shape = choose(metadata, environment, &folder).map_err(|error| error.to_string())?;
        Ok(match shape.program {
            Program::Bin(bin) => format!("{}/{bin}", shape.package.name),
            Program::Library => format!("{}/(library)", shape.package.name),
        })
    }

    fn buildable(text: &str) -> Environment {
        Environment { buildable: Some(text.to_owned()), ..Environment::default() }
    }

    fn source(text: &str) -> Environment {
        Environment { source: Some(PathBuf::from(text)), ..Environment::default() }
    }

    #[test]
    fn what_is_clear_is_chosen() {
        let nothing = Environment::default();
        let entrypoint = Environment { entrypoint: vec!["b".to_owned()], ..Environment::default() };
        for (packages, environment, expected) in [
            (&["+root: hello"][..], &nothing, "root/hello"),
            (&["root: hello"], &nothing, "root/hello"),
            (&["+root: lib hello"], &nothing, "root/hello"),
            (&["+root: lib"], &nothing, "root/(library)"),
            (&["+root: a root b"], &nothing, "root/root"),
            (&["+root: a b"], &entrypoint, "root/b"),
            (&["+root: a b"], &buildable("a"), "root/a"),
            (&["+root: a b"], &buildable("root/b"), "root/b"),
            (&["+f: f", "g: g", "h: lib"], &nothing, "f/f"),
            (&["root: tool", "+f: f"], &nothing, "f/f"),
            (&["root: tool", "f: f"], &nothing, "root/tool"),
            (&["+f: f", "+g: g"], &buildable("g"), "g/g"),
            (&["+f: f", "+g: x y"], &buildable("y"), "g/y"),
            (&["+f: x f", "+g: x"], &buildable("g/x"), "g/x"),
            (&["+f: x f", "+g: x"], &buildable("f"), "f/f"),
            (&["+f: f", "+g: lib"], &buildable("g"), "g/(library)"),
            (&["+f: f", "+g: g"], &source("g"), "g/g"),
            (&["+root: root", "+g: g"], &source("."), "root/root"),
        ] {
            assert_eq!(chosen(&workspace(packages), environment), Ok(expected.to_owned()), "{packages:?} {environment:?}");
        }
    }

    #[test]
    fn the_default_of_cargo_run_comes_before_the_name() {
        let mut metadata = workspace(&["+root: a root b"]);
        metadata.packages[0].default_run = Some("b".to_owned());
        assert_eq!(chosen(&metadata, &Environment::default()), Ok("root/b".to_owned()));
        assert_eq!(chosen(&metadata, &buildable("a")), Ok("root/a".to_owned()));
    }

    #[test]
    fn what_is_not_clear_is_an_error_with_the_candidates() {
        let nothing = Environment::default();
        for (packages, environment, expected) in [
            (&["+root: a b"][..], &nothing, &["package `root` has several programs", "FUNC_BUILDABLE", "a, b"][..]),
            (&["root: lib"], &nothing, &["has no program", "does not depend on functions-framework"]),
            (&["+root:"], &nothing, &["has no program", "no library"]),
            (
                &["+f: f", "+g: x y"],
                &nothing,
                &["several packages", "FUNC_BUILDABLE", "FUNC_SRC", "\n  f\n", "g (programs: x, y)"],
            ),
            (&["f: f", "g: lib"], &nothing, &["none of them depends", "\n  f\n  g (library)"]),
            (
                &["+f: f", "+g: g"],
                &buildable("gg"),
                &["no package and no program is named `gg`, did you mean `g`?", "\n  f\n  g"],
            ),
            (&["+f: f", "+g: g"], &buildable("h/x"), &["no package is named `h`"]),
            (&["+f: ab f"], &buildable("f/abc"), &["package `f` has no program `abc`, did you mean `ab`?"]),
            (&["+f: x", "+g: x"], &buildable("x"), &["say which: f/x, g/x"]),
            (&["+f: f", "+g: a b"], &source("g"), &["package `g` has several programs"]),
        ] {
            let error = chosen(&workspace(packages), environment).expect_err("this is not clear");
            for part in expected {
                assert!(error.contains(part), "{packages:?} {environment:?}: {error}");
            }
        }
    }
}
