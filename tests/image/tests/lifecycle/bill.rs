//! The bill of materials, beside what cargo knows.

use std::collections::{BTreeMap, BTreeSet};

use image_tests::Folder;
use serde_json::Value;

use crate::*;

#[test]
fn the_bill_of_materials_has_every_package_of_the_program_with_its_checksum_and_licence() {
    let root = Folder::new(&WORKSHOP.passing(), "bill").unwrap();
    first().image.unpack(root.path()).unwrap();
    let path = root.path().join("layers/sbom/launch/openfunction_rust/bin/sbom.cdx.json");
    let bill: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    assert_eq!(bill["metadata"]["component"]["name"], "hello");

    let components = bill["components"].as_array().unwrap();
    let listed: BTreeSet<String> = components.iter().map(|component| text(&component["purl"])).collect();
    let expected = expected();
    assert!(expected.len() > 30, "{expected:?}");
    assert_eq!(listed, expected.keys().cloned().collect::<BTreeSet<_>>());
    for component in components {
        let licence = &expected[&text(&component["purl"])];
        assert_eq!(&text(&component["licenses"][0]["expression"]), licence, "{component:#}");
        let checksum = text(&component["hashes"][0]["content"]);
        assert!(checksum.len() == 64 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit()), "{component:#}");
    }
}

/// What the program is made of, after `cargo metadata`: the URL of each package, with its licence.
fn expected() -> BTreeMap<String, String> {
    // Another environment than that of the first build, whose source is cleared.
    let environment = BuildEnvironment::new(&WORKSHOP, "metadata").unwrap();
    // Which packages are in a program does not depend on the C library.
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let metadata = environment.with_app(&hello()).unwrap().cargo_metadata(&["--filter-platform", &target]).unwrap();
    let packages: BTreeMap<String, &Value> =
        metadata["packages"].as_array().unwrap().iter().map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<String, &Value> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| (text(&node["id"]), node)).collect();
    let root = text(&metadata["resolve"]["root"]);
    let (mut reached, mut next) = (BTreeSet::new(), vec![root.clone()]);
    while let Some(id) = next.pop() {
        if reached.insert(id.clone()) {
            let edges = nodes[&id]["deps"].as_array().unwrap().iter();
            let normal = |edge: &&Value| edge["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
            next.extend(edges.filter(normal).map(|edge| text(&edge["pkg"])));
        }
    }
    reached.remove(&root);
    let about = |id: &String| {
        let package = packages[id];
        let version = text(&package["version"]).replace('+', "%2B");
        let licence = text(&package["license"]).split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
        (format!("pkg:cargo/{}@{version}", text(&package["name"])), licence)
    };
    reached.iter().map(about).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
