//! The files that an operator makes a builder of, held against one another: no container engine is at hand to try them.

use std::{collections::BTreeMap, fs, path::Path};

use toml::{Table, Value};

/// The ids that the platform's build strategy has.
const USER: &str = "1000";

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table(name: &str) -> Table {
    read(name).parse().unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[track_caller]
fn text<'a>(table: &'a Table, path: &[&str]) -> &'a str {
    let (first, rest) = path.split_first().expect("a path has a name");
    let value = rest.iter().fold(&table[*first], |value, name| match value {
        Value::Array(items) => &items[0][*name],
        value => &value[*name],
    });
    value.as_str().unwrap_or_else(|| panic!("{}: no text", path.join(".")))
}

/// The instructions of a Dockerfile, with lines that go on put together.
fn instructions(name: &str) -> Vec<(String, String)> {
    let text = read(&format!("builder/{name}")).replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').expect("an instruction has arguments"))
        .map(|(word, rest)| (word.to_owned(), rest.to_owned()))
        .collect()
}

/// What `ENV` or `LABEL` sets.
fn settings(name: &str, instruction: &str) -> BTreeMap<String, String> {
    let lines = instructions(name).into_iter().filter(|(word, _)| word == instruction);
    let pairs = lines.flat_map(|(_, rest)| rest.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    pairs
        .map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).expect("name=value"))
        .collect()
}

#[test]
fn the_builder_has_this_buildpack_and_no_other() {
    let (buildpack, builder) = (table("buildpack.toml"), table("builder/builder.toml"));
    for field in ["id", "version"] {
        let expected = text(&buildpack, &["buildpack", field]);
        assert_eq!(text(&builder, &["buildpacks", field]), expected, "buildpacks.{field}");
        assert_eq!(text(&builder, &["order", "group", field]), expected, "order.group.{field}");
    }
    for list in ["buildpacks", "order"] {
        assert_eq!(builder[list].as_array().map(Vec::len), Some(1), "{list}");
    }
    assert!(read("builder/README.md").contains(&format!("builder/{}\n", text(&builder, &["buildpacks", "uri"]))));
}

#[test]
fn the_builder_is_made_of_the_images_that_are_made_here() {
    let builder = table("builder/builder.toml");
    let readme = read("builder/README.md");
    for (path, file) in [(&["build", "image"][..], "build.Dockerfile"), (&["run", "images", "image"], "run.Dockerfile")] {
        let image = text(&builder, path);
        assert!(readme.contains(&format!("docker build -f {file} -t {image} .")), "{image}");
    }
}

#[test]
fn both_images_have_the_user_that_the_platform_runs_the_lifecycle_as() {
    for name in ["build.Dockerfile", "run.Dockerfile"] {
        let last = instructions(name).pop().expect("there are instructions");
        assert_eq!(last, ("USER".to_owned(), format!("{USER}:{USER}")), "{name}");
    }
    let environment = settings("build.Dockerfile", "ENV");
    assert_eq!((environment["CNB_USER_ID"].as_str(), environment["CNB_GROUP_ID"].as_str()), (USER, USER));
    let made = instructions("build.Dockerfile").into_iter().any(|(word, rest)| {
        word == "RUN"
            && rest.contains(&format!("groupadd --gid {USER} cnb"))
            && rest.contains(&format!("useradd --uid {USER} --gid {USER}"))
    });
    assert!(made, "the build image makes the user");
    assert!(read("builder/run/etc/passwd").contains(&format!("\ncnb:x:{USER}:{USER}:cnb:/home/cnb:")));
    assert!(read("builder/run/etc/group").contains(&format!("\ncnb:x:{USER}:")));
}

#[test]
fn the_build_image_says_which_platform_api_its_lifecycle_speaks() {
    assert_eq!(settings("build.Dockerfile", "ENV")["CNB_PLATFORM_API"], "0.12");
    // The one of the tests, `tools/lifecycle`, speaks it too.
    assert_eq!(text(&table("builder/builder.toml"), &["lifecycle", "version"]), "0.21.0");
}

#[test]
fn the_toolchain_of_the_build_image_is_not_older_than_the_framework_needs() {
    let (_, base) = instructions("build.Dockerfile").swap_remove(0);
    let version = base.strip_prefix("rust:").and_then(|rest| rest.split('-').next()).expect("FROM rust:<version>-<debian>");
    let number = |version: &str| version.split('.').map(|part| part.parse::<u32>().expect("a number")).collect::<Vec<_>>();
    assert_eq!(number(version).len(), 3, "{version} is pinned to the patch");
    assert!(number(version) >= number(env!("CARGO_PKG_RUST_VERSION")), "{version}");
}

#[test]
fn the_run_image_says_what_it_is_wherever_it_is_asked() {
    let labels = settings("run.Dockerfile", "LABEL");
    let release = read("builder/run/etc/os-release");
    for (label, field) in [("name", "ID"), ("version", "VERSION_ID")] {
        let value = &labels[&format!("io.buildpacks.base.distro.{label}")];
        assert!(release.lines().any(|line| line == format!("{field}={value}")), "{field}={value} is not in {release}");
    }
    let certificates = &settings("run.Dockerfile", "ENV")["SSL_CERT_FILE"];
    let copied =
        instructions("run.Dockerfile").into_iter().any(|(word, rest)| word == "COPY" && rest.ends_with(certificates.as_str()));
    assert!(copied, "{certificates} is there");
}

#[test]
fn the_run_image_has_nothing_that_could_be_run() {
    let all = instructions("run.Dockerfile");
    let last_stage = all.iter().rposition(|(word, _)| word == "FROM").expect("there is a stage");
    assert_eq!(all[last_stage].1, "scratch");
    let copies: Vec<_> =
        all[last_stage + 1..].iter().filter(|(word, _)| word == "COPY").map(|(_, rest)| rest.as_str()).collect();
    assert_eq!(copies.len(), 4, "{copies:?}");
    assert!(!copies.iter().any(|copy| copy.contains("bin/") || copy.contains("lib")), "{copies:?}");
    assert!(!all[last_stage + 1..].iter().any(|(word, _)| word == "RUN"), "it has no shell");
}
