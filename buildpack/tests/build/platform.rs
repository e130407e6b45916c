//! A platform in a folder: it calls the buildpack as the lifecycle does.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

/// An app, the layers of its builds, and what is said about them.
pub(crate) struct Platform {
    root: TempDir,
    app: &'static str,
}

/// What a phase came to.
pub(crate) struct Phase {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Platform {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["layers", "platform/env", "buildpack"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("plan.toml"), "").unwrap();
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("buildpack.toml"), root.path().join("buildpack/buildpack.toml"))
            .unwrap();
        let platform = Self { root, app: "app" };
        for (path, text) in files {
            platform.write(path, text);
        }
        platform
    }

    pub(crate) fn app(&self) -> PathBuf {
        self.root.path().join(self.app)
    }

    pub(crate) fn layers(&self) -> PathBuf {
        self.root.path().join("layers")
    }

    pub(crate) fn layer(&self, path: &str) -> String {
        let path = self.layers().join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes a file of the app.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.app().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Sets a variable, as `pack build --env` does.
    pub(crate) fn set(&self, name: &str, value: &str) -> &Self {
        fs::write(self.root.path().join("platform/env").join(name), value).unwrap();
        self
    }

    pub(crate) fn unset(&self, name: &str) {
        fs::remove_file(self.root.path().join("platform/env").join(name)).unwrap();
    }

    /// Brings the app to another folder.
    pub(crate) fn move_app(&mut self, to: &'static str) {
        fs::rename(self.app(), self.root.path().join(to)).unwrap();
        self.app = to;
    }

    /// Times after a restore: those of the cache are of its extraction, those of the source of 1980.
    pub(crate) fn forget_times(&self) {
        set_times(&self.app(), UNIX_EPOCH + Duration::from_secs(315_532_801));
        set_times(&self.layers(), SystemTime::now());
    }

    pub(crate) fn detect(&self) -> Phase {
        self.run("detect", &["platform", "found.toml"])
    }

    pub(crate) fn build(&self) -> Phase {
        self.run("build", &["layers", "platform", "plan.toml"])
    }

    /// Builds, and says what went wrong when it does not.
    pub(crate) fn built(&self) -> Phase {
        let phase = self.build();
        assert_eq!(phase.code, Some(0), "{}\n{}", phase.output, phase.errors);
        phase
    }

    /// Runs the program of the image.
    pub(crate) fn program(&self, name: &str) -> String {
        let output = Command::new(self.layers().join("bin/bin").join(name)).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn run(&self, phase: &str, paths: &[&str]) -> Phase {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rust-buildpack"));
        command.arg0(phase).args(paths.iter().map(|path| self.root.path().join(path))).current_dir(self.app()).env_clear();
        // What the lifecycle passes on, and what tells the rustup of this machine which toolchain tests run with.
        for name in ["PATH", "HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("CNB_BUILDPACK_DIR", self.root.path().join("buildpack"));
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        command.env("CNB_TARGET_OS", "linux").env("CNB_TARGET_ARCH", arch);
        command.env("CNB_TARGET_DISTRO_NAME", "debian").env("CNB_TARGET_DISTRO_VERSION", "12");
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Phase { code: status.code(), output: text(stdout), errors: text(stderr) }
    }
}

impl Phase {
    /// Which packages cargo compiled, in alphabetical order.
    pub(crate) fn compiled(&self) -> Vec<&str> {
        let lines = self.errors.lines().filter_map(|line| line.trim().strip_prefix("Compiling "));
        let mut names: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn assert_says(&self, text: &str) {
        assert!(
            self.output.contains(text) || self.errors.contains(text),
            "`{text}` is not in\n{}\n{}",
            self.output,
            self.errors
        );
    }
}

fn set_times(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_times(&path, time);
        }
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    }
}
