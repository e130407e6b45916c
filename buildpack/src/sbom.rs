//! What is in a program, as `CycloneDX`: the same source gives the same text, without a time and without a number drawn at random.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use toml::Table;

use crate::{
    graph::{self, Edges},
    metadata::{Metadata, Package},
};

/// The checksums of `Cargo.lock`, by name, version and source.
pub type Checksums = BTreeMap<(String, String, String), String>;

/// Reads the checksums of a lock.
pub fn checksums(lock: &Table) -> Checksums {
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let read = |package: &toml::Value| {
        let field = |name: &str| Some(package.get(name)?.as_str()?.to_owned());
        Some(((field("name")?, field("version")?, field("source")?), field("checksum")?))
    };
    packages.filter_map(read).collect()
}

/// Lists the packages in a program: those its package reaches, as far as they were built for it.
pub fn cyclonedx(metadata: &Metadata, package: &str, built: &BTreeSet<String>, checksums: &Checksums) -> Value {
    let reached = graph::reach(metadata, package, Edges::Program);
    let inside = |id: &str| id == package || built.contains(id);
    let mut packages: Vec<&Package> = reached.iter().filter(|id| inside(id)).filter_map(|id| metadata.package(id)).collect();
    packages.sort_by(|a, b| (&a.name, &a.version, &a.source).cmp(&(&b.name, &b.version, &b.source)));
    let (root, others): (Vec<&Package>, Vec<&Package>) = packages.iter().partition(|one| one.id == package);
    let component = |one: &Package| component(one, checksums, one.id == package);
    let dependencies: Vec<Value> = packages.iter().map(|one| needs(metadata, one, &packages)).collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": root.first().map(|root| component(root)) },
        "components": others.into_iter().map(component).collect::<Vec<_>>(),
        "dependencies": dependencies,
    })
}

fn component(package: &Package, checksums: &Checksums, is_root: bool) -> Value {
    let mut component = json!({
        "type": if is_root { "application" } else { "library" },
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "purl": reference(package),
    });
    let mut set = |key: &str, value: Value| component[key] = value;
    if let Some(description) = package.description.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        set("description", json!(description));
    }
    if let Some(license) = &package.license {
        // `MIT/Apache-2.0` was how two were written once.
        let expression = license.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
        set("licenses", json!([{ "expression": expression }]));
    }
    let key = (package.name.clone(), package.version.clone(), package.source.clone().unwrap_or_default());
    if let Some(checksum) = checksums.get(&key) {
        set("hashes", json!([{ "alg": "SHA-256", "content": checksum }]));
    }
    let links = [("vcs", &package.repository), ("website", &package.homepage), ("documentation", &package.documentation)];
    let links: Vec<Value> =
        links.into_iter().filter_map(|(kind, url)| Some(json!({ "type": kind, "url": url.as_ref()? }))).collect();
    if !links.is_empty() {
        set("externalReferences", Value::Array(links));
    }
    component
}

fn needs(metadata: &Metadata, package: &Package, packages: &[&Package]) -> Value {
    let node = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).find(|node| node.id == package.id);
    let edges = node.into_iter().flat_map(|node| &node.deps).filter(|edge| graph::follows(edge, Edges::Program));
    let needed: BTreeSet<String> =
        edges.filter_map(|edge| packages.iter().find(|one| one.id == edge.pkg)).map(|one| reference(one)).collect();
    json!({ "ref": reference(package), "dependsOn": needed })
}

/// The package URL; one that did not come from the registry says where it came from.
fn reference(package: &Package) -> String {
    // `+` begins build metadata, and is a blank to those who decode URLs.
    let version = package.version.replace('+', "%2B");
    let url = format!("pkg:cargo/{}@{version}", package.name);
    match package.source.as_deref().and_then(|source| source.strip_prefix("git+")) {
        Some(git) => format!("{url}?vcs_url=git%2B{}", encoded(git)),
        None => url,
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Edge, EdgeKind, Node, Resolve};

    fn package(name: &str, source: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            id: name.to_owned(),
            source: source.map(str::to_owned),
            license: Some("MIT/Apache-2.0".to_owned()),
            ..Package::default()
        }
    }

    fn node(id: &str, deps: &[(&str, Option<&str>)]) -> Node {
        let edge = |(pkg, kind): &(&str, Option<&str>)| Edge {
            pkg: (*pkg).to_owned(),
            dep_kinds: vec![EdgeKind { kind: kind.map(str::to_owned) }],
        };
        Node { id: id.to_owned(), deps: deps.iter().map(edge).collect() }
    }

    fn bom(packages: Vec<Package>) -> Value {
        let metadata = Metadata {
            packages,
            workspace_members: vec!["app".to_owned()],
            workspace_root: std::path::PathBuf::from("/app"),
            resolve: Some(Resolve {
                nodes: vec![
                    node("app", &[("serde", None), ("cc", Some("build")), ("proptest", Some("dev")), ("forked", None)]),
                    node("serde", &[("off", None)]),
                    node("cc", &[]),
                    node("proptest", &[]),
                    node("forked", &[("serde", None)]),
                    node("off", &[]),
                ],
            }),
        };
        let built = ["app", "serde", "cc", "forked"].map(str::to_owned).into();
        let lock = "[[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"abc\"\n";
        cyclonedx(&metadata, "app", &built, &checksums(&lock.parse().unwrap()))
    }

    fn packages() -> Vec<Package> {
        let registry = |name| package(name, Some("registry+x"));
        let forked = package("forked", Some("git+https://git.example/f?branch=a#1"));
        vec![package("app", None), registry("serde"), registry("cc"), registry("proptest"), forked, registry("off")]
    }

    #[test]
    fn what_is_in_the_program_is_listed_and_nothing_else() {
        let bom = bom(packages());
        let names: Vec<&str> = bom["components"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["forked", "serde"]);
        assert_eq!(bom["metadata"]["component"]["purl"], "pkg:cargo/app@1.0.0");
        let serde = &bom["components"][1];
        assert_eq!(serde["purl"], "pkg:cargo/serde@1.0.0");
        assert_eq!(serde["hashes"], json!([{ "alg": "SHA-256", "content": "abc" }]));
        assert_eq!(serde["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
        let forked = "pkg:cargo/forked@1.0.0?vcs_url=git%2Bhttps://git.example/f%3Fbranch%3Da%231";
        assert_eq!(
            bom["dependencies"][0],
            json!({ "ref": "pkg:cargo/app@1.0.0", "dependsOn": [forked, "pkg:cargo/serde@1.0.0"] })
        );
    }

    #[test]
    fn the_order_in_which_cargo_names_them_does_not_matter() {
        let mut turned = packages();
        turned.reverse();
        assert_eq!(bom(packages()).to_string(), bom(turned).to_string());
    }
}
