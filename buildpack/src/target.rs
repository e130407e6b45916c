//! What the program is compiled for: static, so that the image needs no C library.

use std::collections::BTreeMap;

use crate::{
    error::{Error, Result},
    graph,
    metadata::Metadata,
};

/// A target, and how the program is linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The triple.
    pub triple: String,
    /// Whether the C library of the target is linked into the program by a flag of ours.
    pub crt_static: bool,
    /// Why this one.
    pub because: String,
}

/// What `FUNC_CARGO_TARGET` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: musl where it can be, else the GNU library, static.
    Best,
    /// The GNU library of the run image.
    Gnu,
    /// The GNU library, static.
    GnuStatic,
    /// musl.
    Musl,
    /// As rustc builds for this triple.
    Triple(String),
}

/// Crates that have `links` for a reason of their own: there is no C behind them.
const PURE: [&str; 3] = ["rayon-core", "prettyplease", "wasm-bindgen-shared"];

/// Crates that, when they build something, build or look for C.
const BUILDERS_OF_C: [&str; 6] = ["cc", "cmake", "bindgen", "pkg-config", "vcpkg", "autotools"];

impl Wanted {
    /// Reads `FUNC_CARGO_TARGET`.
    ///
    /// # Errors
    /// It is neither one of the short names nor a triple.
    pub fn read(value: Option<&str>) -> Result<Self> {
        Ok(match value {
            None => Self::Best,
            Some("gnu") => Self::Gnu,
            Some("gnu-static") => Self::GnuStatic,
            Some("musl") => Self::Musl,
            Some(triple) if triple.matches('-').count() >= 2 && !triple.contains(['/', ' ']) => Self::Triple(triple.to_owned()),
            Some(other) => {
                return Err(Error::new(format!(
                    "FUNC_CARGO_TARGET is `{other}`: expected `musl`, `gnu-static`, `gnu` or a triple such as \
                     `x86_64-unknown-linux-musl`"
                )));
            }
        })
    }

    /// The triples of which it has to be known whether they are installed.
    pub fn candidates(&self, arch: &str) -> Vec<String> {
        match self {
            Self::Best => vec![triple(arch, "musl"), triple(arch, "gnu")],
            Self::Gnu | Self::GnuStatic => vec![triple(arch, "gnu")],
            Self::Musl => vec![triple(arch, "musl")],
            Self::Triple(triple) => vec![triple.clone()],
        }
    }
}

/// Decides. `installed` says of each candidate whether its standard library is there, `c` names a crate with C in the program's
/// graph.
///
/// # Errors
/// What is wanted is not installed.
pub fn choose(wanted: &Wanted, arch: &str, installed: &BTreeMap<String, bool>, c: Option<&str>) -> Result<Target> {
    let has = |triple: &str| installed.get(triple).copied().unwrap_or(false);
    let (musl, gnu) = (triple(arch, "musl"), triple(arch, "gnu"));
    let target = |triple: &str, crt_static: bool, because: &str| {
        if has(triple) {
            return Ok(Target { triple: triple.to_owned(), crt_static, because: because.to_owned() });
        }
        let there: Vec<&str> = installed.iter().filter(|(_, there)| **there).map(|(triple, _)| triple.as_str()).collect();
        let there = if there.is_empty() { String::new() } else { format!("; installed: {}", there.join(", ")) };
        Err(Error::new(format!(
            "the toolchain of the build image has no standard library for {triple}{there}\n  use a builder that has it (`rustup \
             target add {triple}`), or say another FUNC_CARGO_TARGET"
        )))
    };
    match wanted {
        Wanted::Best if has(&musl) => match c {
            None => target(&musl, false, "static with musl, no C in the program"),
            Some(package) => target(&gnu, true, &format!("static, not with musl: {package} brings C")),
        },
        Wanted::Best => target(&gnu, true, "static, the toolchain has no musl"),
        Wanted::GnuStatic => target(&gnu, true, "static, FUNC_CARGO_TARGET"),
        Wanted::Gnu => target(&gnu, false, "FUNC_CARGO_TARGET; the run image must have a C library"),
        Wanted::Musl => target(&musl, false, "static with musl, FUNC_CARGO_TARGET"),
        Wanted::Triple(triple) => target(triple, false, "FUNC_CARGO_TARGET"),
    }
}

/// Finds a crate that links or builds C, in what the program is made of and what builds that.
pub fn c_in<'a>(metadata: &'a Metadata, package: &str) -> Option<&'a str> {
    let reached = graph::reach(metadata, package, graph::Edges::Built);
    let packages = reached.iter().filter_map(|id| metadata.package(id));
    let mut having: Vec<&str> = packages
        .filter(|package| !PURE.contains(&package.name.as_str()))
        .filter(|package| {
            let builds = |name: &str| BUILDERS_OF_C.contains(&name);
            let builder = |dependency: &crate::metadata::Dependency| {
                dependency.kind.as_deref() == Some("build") && builds(&dependency.name)
            };
            // What is optional and off is not in the graph.
            let node = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).find(|node| node.id == package.id);
            let used = node.is_some_and(|node| {
                node.deps.iter().any(|edge| metadata.package(&edge.pkg).is_some_and(|package| builds(&package.name)))
            });
            package.links.is_some() || used && package.dependencies.iter().any(builder)
        })
        .map(|package| package.name.as_str())
        .collect();
    having.sort_unstable();
    having.first().copied()
}

/// The triple of Linux on an architecture as container platforms name it.
fn triple(arch: &str, library: &str) -> String {
    let arch = match arch {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    format!("{arch}-unknown-linux-{library}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(wanted: &str, arch: &str, installed: &[&str], c: Option<&str>) -> std::result::Result<(String, bool), String> {
        let wanted = Wanted::read(Some(wanted).filter(|wanted| !wanted.is_empty())).map_err(|error| error.to_string())?;
        let installed = wanted
            .candidates(arch)
            .into_iter()
            .map(|triple| (triple.clone(), installed.iter().any(|one| triple.contains(one))))
            .collect();
        let target = choose(&wanted, arch, &installed, c).map_err(|error| error.to_string())?;
        Ok((target.triple, target.crt_static))
    }

    #[test]
    fn the_program_is_static_unless_something_else_is_said() {
        const MUSL: &str = "x86_64-unknown-linux-musl";
        const GNU: &str = "x86_64-unknown-linux-gnu";
        for (wanted, installed, c, expected) in [
            ("", &["gnu"][..], None, (GNU, true)),
            ("", &["gnu", "musl"], None, (MUSL, false)),
            ("", &["gnu", "musl"], Some("ring"), (GNU, true)),
            ("gnu-static", &["gnu", "musl"], None, (GNU, true)),
            ("gnu", &["gnu"], None, (GNU, false)),
            ("musl", &["musl"], Some("ring"), (MUSL, false)),
            (GNU, &["gnu"], None, (GNU, false)),
        ] {
            assert_eq!(
                chosen(wanted, "amd64", installed, c),
                Ok((expected.0.to_owned(), expected.1)),
                "{wanted} {installed:?}"
            );
        }
        assert_eq!(chosen("", "arm64", &["gnu"], None), Ok(("aarch64-unknown-linux-gnu".to_owned(), true)));
    }

    #[test]
    fn what_is_not_installed_is_an_error_that_says_how_to_get_it() {
        let error = chosen("musl", "amd64", &[], None).unwrap_err();
        assert!(error.contains("rustup target add x86_64-unknown-linux-musl"), "{error}");
        assert!(chosen("", "arm64", &[], None).unwrap_err().contains("aarch64-unknown-linux-gnu"));
        for wrong in ["static", "linux", "x86 64-a-b", "../a-b-c"] {
            assert!(chosen(wrong, "amd64", &["gnu"], None).unwrap_err().contains("FUNC_CARGO_TARGET is"), "{wrong}");
        }
    }
    #[test]
    fn c_is_seen_where_it_is_linked_or_built() {
        let package = |name: &str, links: &str, build: &str| {
            let dependencies = if build.is_empty() { String::new() } else { format!(r#"{{"name":"{build}","kind":"build"}}"#) };
            format!(
                r#"{{"name":"{name}","version":"1.0.0","id":"{name}","links":{links},"manifest_path":"/x","dependencies":[{dependencies}]}}"#
            )
        };
        let edge = |name: &str, kind: &str| format!(r#"{{"pkg":"{name}","dep_kinds":[{{"kind":{kind}}}]}}"#);
        let node = |id: &str, edges: &[String]| format!(r#"{{"id":"{id}","deps":[{}]}}"#, edges.join(","));
        let graph = |packages: &[String], nodes: &[String]| {
            let text = format!(
                r#"{{"packages":[{}],"workspace_members":["app"],"workspace_root":"/","resolve":{{"nodes":[{}]}}}}"#,
                packages.join(","),
                nodes.join(",")
            );
            Metadata::parse(text.as_bytes()).unwrap()
        };
        let (needed, cc, empty) = (edge("dep", "null"), edge("cc", "\"build\""), &[][..]);
        for (links, build, edges, expected) in [
            ("null", "", empty, None),
            ("\"z\"", "", empty, Some("dep")),
            ("null", "cc", &[cc][..], Some("dep")),
            // Optional, and not in the graph.
            ("null", "cc", empty, None),
        ] {
            let packages = [package("app", "null", ""), package("dep", links, build), package("cc", "null", "")];
            let nodes = [node("app", std::slice::from_ref(&needed)), node("dep", edges), node("cc", empty)];
            assert_eq!(c_in(&graph(&packages, &nodes), "app"), expected, "{links} {build}");
        }
        let pure = [package("app", "null", ""), package("rayon-core", "\"rayon-core\"", "")];
        let nodes = [node("app", &[edge("rayon-core", "null")]), node("rayon-core", empty)];
        assert_eq!(c_in(&graph(&pure, &nodes), "app"), None);
    }
}
