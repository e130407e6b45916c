//! What the image says of itself and gives to its process.

use std::collections::BTreeMap;

use crate::{environment::Environment, listing::Listing, metadata::Package};

/// The label that lists the functions.
pub const FUNCTIONS: &str = "io.openfunction.functions";

/// The labels of the image.
pub fn labels(package: &Package, listing: Option<&Listing>, environment: &Environment) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            labels.insert(name.to_owned(), value.to_owned());
        }
    };
    set("org.opencontainers.image.title", Some(&package.name));
    set("org.opencontainers.image.version", Some(&package.version));
    set("org.opencontainers.image.description", package.description.as_deref());
    set("org.opencontainers.image.licenses", package.license.as_deref());
    set("org.opencontainers.image.source", package.repository.as_deref());
    set("org.opencontainers.image.url", package.homepage.as_deref());
    set("org.opencontainers.image.documentation", package.documentation.as_deref());
    let functions = listing.and_then(|listing| serde_json::to_string(&listing.functions).ok());
    set(FUNCTIONS, functions.as_deref());
    labels.extend(environment.labels.clone());
    labels
}

/// The variables of the process, where nothing else is said at its start.
pub fn variables(environment: &Environment) -> BTreeMap<&'static str, String> {
    let mut variables = BTreeMap::new();
    match &environment.functions[..] {
        [] => {}
        // A program serves its target or, without one, all of its functions: several are no target.
        [name] => {
            variables.insert("FUNC_NAME", name.clone());
            variables.insert("FUNCTION_TARGET", name.clone());
        }
        names => {
            variables.insert("FUNC_NAME", names.join(","));
        }
    }
    if let Some(signature) = &environment.signature {
        variables.insert("FUNCTION_SIGNATURE_TYPE", signature.clone());
    }
    if let Some(source) = &environment.source {
        variables.insert("FUNCTION_SOURCE", source.to_string_lossy().into_owned());
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::Listed;

    #[test]
    fn one_function_is_the_target_and_several_are_none() {
        let of = |names: &[&str]| {
            let functions = names.iter().map(|name| (*name).to_owned()).collect();
            let environment = Environment {
                functions,
                signature: Some("http".to_owned()),
                source: Some("fn".into()),
                ..Environment::default()
            };
            variables(&environment).into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        let rest = ["FUNCTION_SIGNATURE_TYPE=http", "FUNCTION_SOURCE=fn"];
        assert_eq!(of(&[]), rest);
        assert_eq!(of(&["a"]), [&rest[..], &["FUNCTION_TARGET=a", "FUNC_NAME=a"]].concat());
        assert_eq!(of(&["a", "b"]), [&rest[..], &["FUNC_NAME=a,b"]].concat());
    }

    #[test]
    fn labels_are_those_of_the_package_the_program_and_the_platform() {
        let package = Package {
            name: "shop".to_owned(),
            version: "1.2.3".to_owned(),
            description: Some(" Sells.\n".to_owned()),
            license: Some("MIT".to_owned()),
            ..Package::default()
        };
        let listed = Listed { name: "a".to_owned(), kind: "http".to_owned(), path: None, methods: vec!["GET".to_owned()] };
        let listing = Listing { framework: "0.1.0".to_owned(), functions: vec![listed] };
        let environment = Environment { labels: [("google.team".to_owned(), "x".to_owned())].into(), ..Environment::default() };
        let labels = labels(&package, Some(&listing), &environment);
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            labels,
            [
                ("google.team", "x"),
                ("io.openfunction.functions", r#"[{"name":"a","kind":"http","methods":["GET"]}]"#),
                ("org.opencontainers.image.description", "Sells."),
                ("org.opencontainers.image.licenses", "MIT"),
                ("org.opencontainers.image.title", "shop"),
                ("org.opencontainers.image.version", "1.2.3"),
            ]
        );
    }
}
