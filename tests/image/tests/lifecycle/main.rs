//! A function's source becomes an image, by the real lifecycle as OpenFunction runs it, and the image is started.
//!
//! One build of the framework is cold; the others begin with its cache. Builds run one at a time.

mod bill;
mod cache;
mod events;
mod failures;
mod image;
mod platform;
mod shapes;

use std::{fmt::Debug, sync::LazyLock};

use image_tests::{App, BuildEnvironment, Creation, Ended, Started, Workshop, oci::Image};

static WORKSHOP: LazyLock<Workshop> = LazyLock::new(|| Workshop::open().unwrap());

/// Little of the framework, compiled quickly: what a buildpack does with it is the same.
const FRAMEWORK: &str = "functions-framework = { version = \"0.1\", default-features = false, features = [\"server\"] }\n";
const QUICKLY: &str = "\n[profile.release]\nopt-level = 0\n";

/// A greeting that says what surrounds it.
const HELLO: &str = r#"
use functions_framework::function;

#[function]
async fn hello() -> String {
    let write = std::fs::write("/tmp/file", "");
    let error = write.map_or_else(|error| error.kind().to_string(), |()| "nothing".to_owned());
    let target = std::env::var("FUNC_NAME").unwrap_or_default();
    format!("one {target}, error when writing: {error}")
}
"#;

/// The manifest of a package; `more` are its other lines, those of `[package]` first.
fn manifest(name: &str, more: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{more}\n[dependencies]\n{FRAMEWORK}{QUICKLY}"
    )
}

/// The app that is built first.
fn hello() -> App {
    let about = "description = \"Greets.\"\nlicense = \"Apache-2.0\"\n";
    App::new().file("Cargo.toml", manifest("hello", about)).file("src/main.rs", HELLO)
}

/// Its settings.
fn of_hello(app: &App) -> Creation<'_> {
    Creation::of(app).env("FUNC_NAME", "hello").env("FUNC_CLEAR_SOURCE", "true").env("FUNC_LABEL_TEAM_NAME", "blue")
}

/// A build that has been done.
#[derive(Debug)]
struct Done {
    environment: BuildEnvironment<'static>,
    ended: Ended,
    image: Image,
}

/// The first build, with an empty cache.
fn first() -> &'static Done {
    static FIRST: LazyLock<Done> = LazyLock::new(|| {
        let environment = BuildEnvironment::new(&WORKSHOP, "first").unwrap();
        let ended = environment.create(&of_hello(&hello())).unwrap().success().unwrap();
        let image = environment.image().unwrap();
        Done { environment, ended, image }
    });
    &FIRST
}

/// A new build environment, with the cache of the first build.
fn warm(name: &str) -> BuildEnvironment<'static> {
    BuildEnvironment::new(&WORKSHOP, name).unwrap().with_cache_of(&first().environment).unwrap()
}

/// Builds with the cache of the first build what must succeed.
fn built(name: &str, creation: &Creation<'_>) -> Done {
    let environment = warm(name);
    again(environment, creation)
}

/// Builds what must succeed once more in an environment.
fn again(environment: BuildEnvironment<'static>, creation: &Creation<'_>) -> Done {
    let ended = environment.create(creation).unwrap().success().unwrap();
    let image = environment.image().unwrap();
    Done { environment, ended, image }
}

/// Builds with the cache of the first build what must not succeed.
fn refused(name: &str, creation: &Creation<'_>) -> Ended {
    let environment = warm(name);
    let ended = environment.create(creation).unwrap();
    assert_ne!(ended.code, Some(0), "{}", ended.log);
    assert!(environment.image().is_err(), "an image was made:\n{}", ended.log);
    ended
}

/// Starts an image.
fn started(image: &Image) -> Started {
    Started::new(image, &WORKSHOP.passing(), &[]).unwrap()
}

/// What an image answers.
fn answers(image: &Image, path: &str) -> String {
    started(image).program().get(path).text().to_owned()
}

/// Fails unless all of this was said.
#[track_caller]
fn says(ended: &Ended, parts: &[&str]) {
    for part in parts {
        assert!(ended.log.contains(part), "{part:?} is not in:\n{}", ended.log);
    }
}
