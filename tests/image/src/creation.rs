//! What a platform asks the lifecycle for: an image of this app, with these settings.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    App, BuildEnvironment, Ended, Error, Network, Result, User,
    app::{cargo_variables, from_registry_words},
    environment::{REGISTRY, SOURCE, USER},
    folder,
    oci::Image,
};

/// The image that is made.
pub const IMAGE: &str = "openfunction/function";

/// The environment of the lifecycle: that of a builder image, and what folders in the place of registries need.
pub(crate) const VARIABLES: [(&str, &str); 5] = [
    ("CNB_PLATFORM_API", "0.12"),
    ("CNB_EXPERIMENTAL_MODE", "warn"),
    // Else it would ask clouds who it is.
    ("CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AMAZON", "true"),
    ("CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AZURE", "true"),
    ("HOME", "/home/cnb"),
];

/// An order for an image.
#[derive(Debug)]
pub struct Creation<'a> {
    app: &'a App,
    variables: BTreeMap<&'a str, &'a str>,
    user: User,
    network: Network,
}

impl<'a> Creation<'a> {
    /// Of this app, by the user of the build image, without a network: crates come from the registry.
    pub fn of(app: &'a App) -> Self {
        let variables = BTreeMap::from([("FUNC_CARGO_REGISTRY", REGISTRY)]);
        Self { app, variables, user: User::Cnb, network: Network::None }
    }

    /// Sets a variable of the build.
    pub fn env(mut self, name: &'a str, value: &'a str) -> Self {
        self.variables.insert(name, value);
        self
    }

    /// Does not set a variable of the build.
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Has it done by this user.
    pub const fn by(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    pub(crate) const fn user(&self) -> User {
        self.user
    }

    pub(crate) const fn network(&self) -> Network {
        self.network
    }
}

impl BuildEnvironment<'_> {
    /// Runs the `creator` as OpenFunction's build strategy does.
    ///
    /// # Errors
    /// When it cannot be run. How it ended is the answer.
    pub fn create(&self, creation: &Creation<'_>) -> Result<Ended> {
        self.prepare(creation)?;
        let (uid, gid, source) = (format!("-uid={USER}"), format!("-gid={USER}"), format!("-app=/{SOURCE}/"));
        let previous = format!("-previous-image={IMAGE}");
        let words = [
            "/cnb/lifecycle/creator",
            &source,
            "-cache-dir=/cache",
            "-cache-image=",
            &uid,
            &gid,
            "-layers=/layers",
            "-platform=/platform",
            "-report=/layers/report.toml",
            "-process-type=web",
            "-skip-restore=false",
            &previous,
            "-run-image=openfunction/run-rust:tiny",
            // Folders in the place of registries.
            "-layout",
            "-layout-dir=/layout",
            "-no-color",
            IMAGE,
        ];
        self.run(creation.user, creation.network, VARIABLES, &words)
    }

    /// What the build strategy's first step does, in a new pod: the source, an empty folder of layers, the settings.
    pub(crate) fn prepare(&self, creation: &Creation<'_>) -> Result {
        for place in ["layers", "platform/env"] {
            folder::remove(&self.path(place))?;
            std::fs::create_dir_all(self.path(place))?;
        }
        for (name, value) in &creation.variables {
            folder::write(&self.path("platform/env").join(name), value)?;
        }
        creation.app.put(self)?;
        folder::give(&self.path("layers"), USER)
    }

    /// The image that was made last.
    ///
    /// # Errors
    /// When none was.
    pub fn image(&self) -> Result<Image> {
        Image::open(&self.image_folder())
    }

    fn image_folder(&self) -> PathBuf {
        self.path("layout/index.docker.io").join(IMAGE).join("latest")
    }

    /// Leaves the image that was made last in a folder.
    ///
    /// # Errors
    /// When there is something in the folder, or the image cannot be copied.
    pub fn keep_image(&self, folder: &Path) -> Result {
        if folder.exists() {
            return Err(Error::new(format!("{} is there already", folder.display())));
        }
        folder::copy(&self.image_folder(), folder)
    }

    /// Puts an app where the lifecycle would look for it.
    ///
    /// # Errors
    /// When it cannot be written, or cargo cannot lock it.
    pub fn with_app(self, app: &App) -> Result<Self> {
        app.put(&self)?;
        Ok(self)
    }

    /// What cargo knows of the app that was put there last: `cargo metadata`.
    ///
    /// # Errors
    /// When cargo fails.
    pub fn cargo_metadata(&self, words: &[&str]) -> Result<Value> {
        let manifest = format!("/{SOURCE}/Cargo.toml");
        let command = ["cargo", "metadata", "--format-version=1", "--offline", "--quiet", "--manifest-path", &manifest];
        let words = [&command[..], &from_registry_words(), words].concat();
        let said = self.run(User::Cnb, Network::None, cargo_variables(), &words)?.success()?;
        Ok(serde_json::from_str(said.log.trim())?)
    }
}
