//! Arrows point inwards: the model knows nothing of the port, the adapters and the process around it.

use std::collections::BTreeMap;

use super::paths::{Used, used};

/// The model. It compiles where there are no sockets, threads or runtime.
const INNER: [&str; 7] = ["function", "event", "manifest", "error", "outcome", "hooks", "current"];

/// What is around it.
const OUTER: [&str; 8] = ["server", "delivery", "sidecar", "app", "settings", "startup", "telemetry", "testing"];

/// What is behind the trait `Sidecar`, of which `context` knows the trait only.
const SIDECARS: [&str; 3] = ["dapr", "local", "recording"];

/// Looks at every file of the library, by its path below `src`; returns what points outwards.
pub(super) fn check(library: &BTreeMap<String, String>) -> Vec<String> {
    let exports = exports(library.get("lib.rs").map_or("", String::as_str));
    let mut findings = Vec::new();
    for (name, text) in library {
        let module = module(name);
        let Some(room) = module.first() else { continue };
        for Used { line, path, .. } in used(text, &module) {
            // A name of a module is that module, also where a macro of the same name is exported.
            let exported = exports.get(&path[0]).filter(|_| !OUTER.contains(&path[0].as_str()));
            let real = exported.map_or_else(|| path.clone(), |module| [module, &path[1..]].concat());
            if let Some(why) = forbidden(room, &real) {
                let path = path.join("::");
                findings.push(format!("functions-framework/src/{name}:{line}: `{room}` uses `crate::{path}`: {why}"));
            }
        }
    }
    findings
}

/// Why a module must not use a path; none where it may.
fn forbidden(room: &str, path: &[String]) -> Option<&'static str> {
    let first = path.first()?.as_str();
    if INNER.contains(&room) {
        return OUTER.contains(&first).then_some("arrows point inwards, the model knows nothing of what is around it");
    }
    if room != "context" || !OUTER.contains(&first) {
        return None;
    }
    match path.get(1) {
        _ if first != "sidecar" => Some("arrows point inwards, of what is around it `context` knows the trait `Sidecar` only"),
        Some(second) if SIDECARS.contains(&second.as_str()) => {
            Some("`context` knows the trait `Sidecar`, never what implements it")
        }
        _ => None,
    }
}

/// What the front page re-exports, with where it comes from: `crate::App` is `crate::app::App`.
fn exports(front_page: &str) -> BTreeMap<String, Vec<String>> {
    let exported = used(front_page, &[]).into_iter().filter(|used| used.public);
    exported.filter_map(|used| Some((used.name?, used.path))).collect()
}

/// The module a file holds: `event/http/mod.rs` is `event::http`, `lib.rs` the root.
fn module(name: &str) -> Vec<String> {
    let mut module: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib" && module.len() == 1) {
        module.pop();
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, text: &str) -> Vec<String> {
        let front_page = "mod app;\npub use app::App;\npub use error::Error;\npub use sidecar::local::Local;\n";
        check(&[("lib.rs", front_page), (name, text)].map(|(name, text)| (name.to_owned(), text.to_owned())).into())
    }

    #[test]
    fn an_arrow_that_points_outwards_is_found() {
        for outer in OUTER {
            for inner in INNER {
                let planted = format!("use std::fmt;\nuse crate::{{error::Error, {outer}::Thing}};\n");
                let findings = findings(&format!("{inner}/mod.rs"), &planted);
                assert_eq!(findings.len(), 1, "{findings:?}");
                assert!(findings[0].starts_with(&format!("functions-framework/src/{inner}/mod.rs:2: `{inner}` uses")));
            }
        }
    }

    #[test]
    fn every_way_to_write_it_is_found() {
        for planted in [
            "use crate::App;\n",
            "fn f() { crate::App::new() }\n",
            "use crate::server;\n",
            "use super::server::Port;\n",
            "pub(crate) use crate::server::*;\n",
            "fn f() { crate::server::start() }\n",
            "#[cfg(feature = \"server\")]\nuse crate::{\n    error,\n    server::{\n        guard,\n    },\n};\n",
        ] {
            assert_eq!(findings("outcome.rs", planted).len(), 1, "{planted}");
        }
    }

    #[test]
    fn context_knows_the_trait_and_no_sidecar() {
        assert!(findings("context/mod.rs", "use crate::sidecar::{Sidecar, Error};\nuse crate::event::Event;\n").is_empty());
        for planted in ["use crate::sidecar::dapr::Dapr;\n", "use crate::sidecar::{Sidecar, local};\n", "use crate::Local;\n"] {
            assert_eq!(findings("context/state.rs", planted).len(), 1, "{planted}");
        }
        assert_eq!(findings("context/mod.rs", "use crate::server::Port;\n").len(), 1);
    }

    #[test]
    fn what_points_inwards_is_fine() {
        assert!(findings("app.rs", "use crate::{server, sidecar::local, testing, event::Event};\n").is_empty());
        assert!(findings("server/mod.rs", "use crate::{function::Function, error::Error, Error as E};\n").is_empty());
        assert!(findings("event/http/mod.rs", "use super::{Event, server_time};\nuse crate::error::Error;\n").is_empty());
        assert!(findings("error.rs", "#[cfg(test)]\nmod tests {\n    use crate::testing;\n}\n").is_empty());
    }
}
