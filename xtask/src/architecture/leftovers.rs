//! What must not be left behind: unfinished code, tests that do not run, registries and folders of one machine.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::workspace;

/// Looks for leftovers in a file. `machine` are the folders of this machine that no file may name.
pub(super) fn check(name: &str, text: &str, machine: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut found = |what: String| findings.push(format!("{name}:{}: {what}", number + 1));
        if super::is_rust(Path::new(name)) {
            // Put together from halves, or this file would be the first to be found.
            for word in [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!("), concat!("#[", "ignore")] {
                if line.contains(word) {
                    found(format!("`{word}` is left: finish it or take it out"));
                }
            }
        }
        if let Some(folder) = machine.iter().find(|folder| names(line, folder)) {
            found(format!("{folder} is a folder of one machine: use a path relative to the repository"));
        }
        if names_a_registry(name, line) {
            found("a registry is named: which one is used is for the machine to say".to_owned());
        }
    }
    findings
}

/// Where this checkout, its builds and the toolchains of whoever runs this lie. A checkout right below the root has a name
/// too common to look for (`/app`), and a `CARGO_HOME` is often that of a public image, which a Dockerfile may name.
pub(super) fn machine_paths() -> Vec<String> {
    let mut folders = vec![workspace::root()];
    folders.extend(env::var_os("CARGO_TARGET_DIR").map(PathBuf::from));
    if let Some(home) = env::var_os("HOME") {
        folders.extend([".cargo", ".rustup"].map(|folder| workspace::root().join(&home).join(folder)));
    }
    folders.retain(|folder| folder.is_absolute() && folder.components().count() > 2);
    folders.iter().map(|folder| folder.display().to_string()).collect()
}

/// Whether a line names the folder, or something in it, and not just something that begins alike.
fn names(line: &str, folder: &str) -> bool {
    let part_of_a_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    line.match_indices(folder)
        .any(|(at, _)| !line[..at].ends_with(part_of_a_name) && !line[at + folder.len()..].starts_with(part_of_a_name))
}

/// Whether a lock file or a setting sends a package manager to a registry other than the public one it uses by itself.
fn names_a_registry(name: &str, line: &str) -> bool {
    let line = line.trim();
    let file = name.rsplit('/').next().unwrap_or_default();
    match file {
        "Cargo.lock" => line.contains("registry+") && !line.contains("registry+https://github.com/rust-lang/crates.io-index"),
        "package-lock.json" => line.starts_with("\"resolved\": \"http") && !line.contains("//registry.npmjs.org/"),
        "config.toml" | "Cargo.toml" => {
            ["[source.", "[registries", "replace-with"].iter().any(|setting| line.starts_with(setting))
        }
        ".npmrc" | ".yarnrc" => line.contains("registry"),
        "pip.conf" | "requirements.txt" => line.contains("index-url"),
        _ => ["GOPROXY=http", "GOPROXY: http", "--index-url", "--registry http"]
            .iter()
            .any(|setting| line.contains(setting) && !name.starts_with("xtask/src/architecture/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        check(name, text, &["/opt/me/checkout".to_owned()])
    }

    #[test]
    fn unfinished_code_is_found_where_it_is() {
        let planted = concat!("fn f() {\n    todo", "!()\n}\n#[", "ignore]\nfn g() { dbg", "!(1); unimplemented", "!() }\n");
        let findings = found("a/src/lib.rs", planted);
        assert_eq!(findings.len(), 4, "{findings:?}");
        assert!(findings[0].starts_with("a/src/lib.rs:2: "), "{findings:?}");
        assert!(found("notes.md", planted).is_empty());
        assert!(found("a/src/lib.rs", "/// ```ignore\n// todo: say why\n").is_empty());
    }

    #[test]
    fn a_folder_of_this_machine_is_found() {
        assert_eq!(found("README.md", "run /opt/me/checkout/x\nin \"/opt/me/checkout\"\n").len(), 2);
        assert!(found("README.md", "/opt/me/checkouts, a/opt/me/checkout\n").is_empty());
    }

    #[test]
    fn another_registry_is_found() {
        let lock = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        assert!(found("Cargo.lock", lock).is_empty());
        assert_eq!(found("x/Cargo.lock", "source = \"registry+https://mirror.example/index\"\n").len(), 1);
        assert_eq!(found(".cargo/config.toml", "[source.crates-io]\nreplace-with = \"mirror\"\n").len(), 2);
        assert_eq!(found("build.sh", "export GOPROXY=https://mirror.example\npip install --index-url x y\n").len(), 2);
        assert_eq!(found("package-lock.json", "      \"resolved\": \"https://mirror.example/a.tgz\",\n").len(), 1);
        assert!(found("package-lock.json", "\"resolved\": \"https://registry.npmjs.org/a.tgz\",\n").is_empty());
    }
}
