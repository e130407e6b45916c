//! Programs that tests start beside a function: which there are, and where they are found.
//!
//! `cargo xtask tools` brings them and the tests start them; both ask here, so that one finds what the other has brought.

mod built;

use std::{
    env,
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
};

pub use built::Built;

/// A program that tests or the benchmark start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Dapr's sidecar, built of the folder `daprd` beside this.
    Daprd,
    /// Redis, of the system's package.
    Redis,
    /// NATS with `JetStream`, of the system's package.
    Nats,
    /// The MQTT broker, of the system's package.
    Mosquitto,
    /// What reads metrics and answers queries, of the system's package.
    Prometheus,
    /// What sends requests for the benchmark, of the system's package.
    Wrk,
    /// What counts instructions, of the system's package.
    Valgrind,
    /// The lifecycle of Cloud Native Buildpacks, built of the folder `lifecycle` beside this: its phases and its launcher.
    Lifecycle,
}

impl Tool {
    /// Every one.
    pub const ALL: [Self; 8] =
        [Self::Daprd, Self::Redis, Self::Nats, Self::Mosquitto, Self::Prometheus, Self::Wrk, Self::Valgrind, Self::Lifecycle];

    /// Those that tests start.
    pub const OF_TESTS: [Self; 6] = [Self::Daprd, Self::Redis, Self::Nats, Self::Mosquitto, Self::Prometheus, Self::Lifecycle];

    /// The name of its program, and of its package where it is one of the system.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daprd => "daprd",
            Self::Redis => "redis-server",
            Self::Nats => "nats-server",
            Self::Mosquitto => "mosquitto",
            Self::Prometheus => "prometheus",
            Self::Wrk => "wrk",
            Self::Valgrind => "valgrind",
            Self::Lifecycle => "lifecycle",
        }
    }

    /// What it is built of, if it is not a package of the system.
    ///
    /// # Errors
    /// When its sources cannot be read.
    pub fn built(self) -> Option<io::Result<Built>> {
        match self {
            Self::Daprd => Some(Built::daprd()),
            Self::Lifecycle => Some(Built::lifecycle()),
            Self::Redis | Self::Nats | Self::Mosquitto | Self::Prometheus | Self::Wrk | Self::Valgrind => None,
        }
    }

    /// Finds the program.
    ///
    /// # Errors
    /// When it is not there: the error says where it was looked for, and how to get it.
    pub fn find(self) -> Result<PathBuf, Missing> {
        let places = match self.built() {
            Some(built) => {
                let program = built.and_then(|built| built.program());
                vec![program.map_err(|error| Missing { tool: self, why: error.to_string() })?]
            }
            None => system_folders().map(|folder| folder.join(self.name())).collect(),
        };
        let found = places.iter().find(|place| place.is_file()).cloned();
        found.ok_or_else(|| {
            let folders: Vec<_> =
                places.iter().filter_map(|place| place.parent()).map(|folder| folder.display().to_string()).collect();
            Missing { tool: self, why: format!("it is not in {}", folders.join(", ")) }
        })
    }
}

/// A tool that is not there.
#[derive(Debug)]
pub struct Missing {
    tool: Tool,
    why: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{0} is needed, and {1}: run `cargo xtask tools {0}`", self.tool.name(), self.why)
    }
}

impl std::error::Error for Missing {}

/// Where programs of the system are: a user's `PATH` has no `sbin`, where Debian puts brokers.
fn system_folders() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    path.into_iter().chain(["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from))
}

/// The folder in which tools are kept that are built here: outside of `target`, since they outlive a checkout.
///
/// # Errors
/// When nothing in the environment says where it could be.
pub fn cache() -> io::Result<PathBuf> {
    cache_said_by(|name| env::var_os(name)).ok_or_else(|| {
        io::Error::other("neither FUNCTIONS_FRAMEWORK_TOOLS, XDG_CACHE_HOME nor HOME says where tools can be kept; set the first to a folder")
    })
}

fn cache_said_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name| variable(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if let Some(chosen) = folder("FUNCTIONS_FRAMEWORK_TOOLS") {
        // Tests run in the folder of their package and the command in that of the workspace: both mean the same.
        return Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(chosen));
    }
    // A relative one is to be ignored, says its specification.
    let caches = folder("XDG_CACHE_HOME").filter(|folder| folder.is_absolute());
    let caches = caches.or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
    Some(caches.join("functions-framework-tools"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache_of(variables: &[(&str, &str)]) -> Option<PathBuf> {
        cache_said_by(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_cache_is_where_the_first_variable_says() {
        let (own, xdg, home) = (("FUNCTIONS_FRAMEWORK_TOOLS", "/own"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/me"));
        assert_eq!(cache_of(&[own, xdg, home]), Some("/own".into()));
        assert_eq!(cache_of(&[xdg, home]), Some("/xdg/functions-framework-tools".into()));
        assert_eq!(cache_of(&[("XDG_CACHE_HOME", "x"), home]), Some("/me/.cache/functions-framework-tools".into()));
        assert_eq!(cache_of(&[("FUNCTIONS_FRAMEWORK_TOOLS", ""), home]), Some("/me/.cache/functions-framework-tools".into()));
        assert_eq!(cache_of(&[]), None);
    }

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        let missing = Missing { tool: Tool::Nats, why: "it is not in /usr/sbin".to_owned() };
        assert_eq!(
            missing.to_string(),
            "nats-server is needed, and it is not in /usr/sbin: run `cargo xtask tools nats-server`"
        );
    }
}
