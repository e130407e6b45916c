//! The build image, as a folder whose mounts only the processes in it see.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
};

use crate::{
    Doing, Error, Folder, Result, Workshop, folder,
    run_image::{GROUP, PASSWD},
};

/// The user of build and run images: OpenFunction's build strategy runs the lifecycle as this one.
pub(crate) const USER: u32 = 1000;

/// Where the source is.
pub(crate) const SOURCE: &str = "workspace/source";
/// Where crates come from, in a build environment.
pub(crate) const REGISTRY: &str = "/vendor";

/// Mounts what is of this machine, and goes inside. The folders of the machine are read-only there; what is in `/usr/local` is not to
/// be seen, except for the toolchain, as in an image that has nothing but that and the compiler of the system.
const INSIDE: &str = r#"
root=$1 toolchain=$2 lifecycle=$3 buildpacks=$4 registry=$5 user=$6
shift 6
see() { mount --bind "$1" "$root$2" && mount -o remount,bind,ro "$root$2"; }
see /usr /usr
mount -t tmpfs -o mode=755 tmpfs "$root/usr/local"
mkdir "$root/usr/local/rust"
see "$toolchain" /usr/local/rust
see "$lifecycle" /cnb/lifecycle
see "$buildpacks" /cnb/buildpacks
see "$registry" /vendor
for folder in /bin /sbin /lib /lib32 /lib64 /etc/alternatives /etc/ssl; do
    if [ -d "$root$folder" ] && [ ! -L "$root$folder" ]; then see "$folder" "$folder"; fi
done
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
cd /
exec chroot --userspec="$user:$user" --groups= "$root" "$@"
"#;

/// Who runs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// The user of the build image, as on OpenFunction.
    Cnb,
    /// Root.
    Root,
}

/// What of the network is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Nothing.
    None,
    /// What this machine sees.
    Machine,
}

/// A build image, with the folders that a platform mounts.
#[derive(Debug)]
pub struct BuildEnvironment<'w> {
    workshop: &'w Workshop,
    root: Folder,
}

impl<'w> BuildEnvironment<'w> {
    /// Makes one whose cache is empty; the name is for whoever finds its folder.
    ///
    /// # Errors
    /// When a folder of it cannot be made.
    pub fn new(workshop: &'w Workshop, name: &str) -> Result<Self> {
        let root = Folder::new(&workshop.passing(), name)?;
        let path = root.path();
        for folder in [
            "usr",
            "dev",
            "proc",
            "etc/ssl",
            "etc/alternatives",
            "tmp",
            "home/cnb",
            "platform/env",
            "vendor",
            "cnb/lifecycle",
            "cnb/buildpacks",
            "workspace",
            "cache",
            "layout/index.docker.io/openfunction/run-rust",
        ] {
            let folder = path.join(folder);
            fs::create_dir_all(&folder).doing(|| format!("make the folder {}", folder.display()))?;
        }
        for name in ["bin", "sbin", "lib", "lib32", "lib64"] {
            match fs::read_link(Path::new("/").join(name)) {
                Ok(link) => std::os::unix::fs::symlink(link, path.join(name))?,
                Err(_) if Path::new("/").join(name).is_dir() => fs::create_dir(path.join(name))?,
                Err(_) => {}
            }
        }
        folder::run(Command::new("chmod").arg("1777").arg(path.join("tmp")))?;
        folder::write(&path.join("etc/passwd"), PASSWD)?;
        folder::write(&path.join("etc/group"), GROUP)?;
        for name in ["resolv.conf", "hosts", "os-release"] {
            if let Ok(text) = fs::read(Path::new("/etc").join(name)) {
                folder::write(&path.join("etc").join(name), text)?;
            }
        }
        folder::write(&path.join("cnb/order.toml"), workshop.buildpack().order())?;
        folder::write(&path.join("cnb/run.toml"), "[[images]]\nimage = \"openfunction/run-rust:tiny\"\n")?;
        folder::copy(workshop.run_image(), &path.join("layout/index.docker.io/openfunction/run-rust/tiny"))?;
        folder::give(&path.join("home/cnb"), USER)?;
        folder::give(&path.join("layout"), USER)?;
        folder::give(&path.join("cache"), USER)?;
        Ok(Self { workshop, root })
    }

    /// Takes the cache of another, as it is now.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn with_cache_of(self, other: &BuildEnvironment<'_>) -> Result<Self> {
        folder::remove(&self.path("cache"))?;
        folder::copy(&other.path("cache"), &self.path("cache"))?;
        Ok(self)
    }

    /// The folder of the buildpack, inside.
    pub fn buildpack(&self) -> String {
        format!("/cnb/buildpacks/{}", self.workshop.buildpack().place())
    }

    /// Where something of it is on this machine.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside.trim_start_matches('/'))
    }

    /// Runs a program in it, with these variables and no others.
    ///
    /// # Errors
    /// When it cannot be started. How it ended is the answer.
    pub fn run<'a>(
        &self,
        user: User,
        network: Network,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        words: &[&str],
    ) -> Result<Ended> {
        let number = match user {
            User::Cnb => USER.to_string(),
            User::Root => "0".to_owned(),
        };
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]);
        if network == Network::None {
            command.arg("--net");
        }
        command.args(["sh", "-euc", INSIDE, "sh"]).arg(self.root.path()).arg(self.workshop.toolchain());
        command.arg(self.workshop.lifecycle()).arg(self.workshop.buildpack().folder()).arg(self.workshop.registry());
        command.arg(number).args(words);
        command.env_clear().env("PATH", "/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin").envs(variables);
        Ended::of(&mut command)
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output and standard error, as they came.
    pub log: String,
}

impl Ended {
    fn of(command: &mut Command) -> Result<Self> {
        /// One after the other: they would take one another's time.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);

        let (mut reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn().doing(|| format!("run {}", command.get_program().display()))?;
        // Else this end stays open, and reading does not end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut log = Vec::new();
        reader.read_to_end(&mut log)?;
        Ok(Self { code: child.wait()?.code(), log: String::from_utf8_lossy(&log).into_owned() })
    }

    /// Fails, with all that was said, unless it ended with success.
    ///
    /// # Errors
    /// When it did not.
    pub fn success(self) -> Result<Self> {
        if self.code == Some(0) { Ok(self) } else { Err(Error::new(format!("it ended with {:?}:\n{}", self.code, self.log))) }
    }

    /// The packages that cargo said it compiled, in the order it began with them.
    pub fn compiled(&self) -> Vec<&str> {
        let lines = self.log.lines().filter_map(|line| line.split_once("Compiling "));
        lines.filter_map(|(_, package)| package.split(' ').next()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compiled_is_read_from_the_log() {
        let log = "===> BUILDING\n   Compiling tokio v1.0.0\n[x]    Compiling my-fn v0.1.0 (/workspace/source)\n    Finished\n";
        let ended = Ended { code: Some(0), log: log.to_owned() };
        assert_eq!(ended.compiled(), ["tokio", "my-fn"]);
        let said = Ended { code: Some(51), log: log.to_owned() }.success().unwrap_err().to_string();
        assert!(said.contains("51") && said.contains("Finished"), "{said}");
    }
}
