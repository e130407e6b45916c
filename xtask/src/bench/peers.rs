//! Peers in other languages: their functions are in `benches/peers`, their frameworks come from the registries of their
//! languages, and each is built once for each version of its sources.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use super::server::Program;
use crate::{Result, workspace};

/// A framework of another language.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// The folder of its functions, and its name.
    folder: &'static str,
    /// What its title calls it.
    pub(crate) title: &'static str,
    language: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Go,
    Node,
    Java,
}

pub(crate) static OF_GO: Foreign = Foreign { folder: "of-go", title: "OpenFunction Go v0.5.0", language: Language::Go };
pub(crate) static GCP_GO: Foreign = Foreign { folder: "gcp-go", title: "GCP Go v1.9.2", language: Language::Go };
pub(crate) static GCP_NODE: Foreign = Foreign { folder: "gcp-node", title: "GCP Node 5.0.5", language: Language::Node };
pub(crate) static OF_JAVA: Foreign = Foreign { folder: "of-java", title: "OpenFunction Java 1.2.0", language: Language::Java };

impl Language {
    /// Programs that are needed to build and to run, where they may be besides `PATH`, and how to get them.
    const fn needs(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Go => (&["go"], "Go 1.24 or newer (https://go.dev/dl)"),
            Self::Node => (&["node", "npm"], "Node.js 20 or newer (Debian: apt-get install nodejs npm)"),
            Self::Java => (&["java", "mvn"], "a JDK and Maven (Debian: apt-get install openjdk-17-jdk-headless maven)"),
        }
    }

    /// What builds it, in a folder with its sources.
    const fn build(self) -> &'static [&'static str] {
        match self {
            Self::Go => &["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "peer", "."],
            Self::Node => &["npm", "ci", "--omit=dev", "--no-audit", "--no-fund"],
            Self::Java => &[
                "mvn",
                "-q",
                "-B",
                "package",
                "dependency:copy-dependencies",
                "-DincludeScope=runtime",
                "-DoutputDirectory=target/lib",
            ],
        }
    }

    /// What is shipped of the folder, besides a runtime that the language needs.
    const fn shipped(self) -> &'static [&'static str] {
        match self {
            Self::Go => &["peer"],
            Self::Node => &["index.js", "node_modules"],
            Self::Java => &["target/functions.jar", "target/lib"],
        }
    }
}

impl Foreign {
    /// Builds it where it is kept, unless it is there.
    pub(crate) fn build(&self) -> Result {
        let (programs, how) = self.language.needs();
        if let Some(missing) = programs.iter().find(|name| find(name).is_none()) {
            return Err(format!("{missing} is not in PATH; what brings it: {how}").into());
        }
        let folder = self.built()?;
        if folder.is_dir() {
            return Ok(());
        }
        eprintln!("{} is built", self.title);
        // In a folder of its own until it is whole: another run may look for it.
        let workshop = folder.with_extension(format!("built-by-{}", process::id()));
        let made = copy(&self.sources(), &workshop).map_err(Into::into).and_then(|()| self.build_in(&workshop));
        let kept = made.and_then(|()| match fs::rename(&workshop, &folder) {
            // Another run was quicker, and built the same.
            Err(_) if folder.is_dir() => Ok(()),
            moved => moved.map_err(|error| format!("cannot keep it in {}: {error}", folder.display()).into()),
        });
        // It is not there any more when all went well.
        let _ = fs::remove_dir_all(&workshop);
        kept
    }

    fn build_in(&self, folder: &Path) -> Result {
        let [program, arguments @ ..] = self.language.build() else { return Err("nothing builds it".into()) };
        let mut command = Command::new(find(program).unwrap_or_else(|| program.into()));
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        // The toolchain that is here, not one that go would fetch; and no C compiler.
        command.env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local").env_remove("GOOS").env_remove("GOARCH");
        let output = command.output().map_err(|error| format!("cannot run {program}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        let command = format!("cd benches/peers/{} && {}", self.folder, self.language.build().join(" "));
        let otherwise = match self.language {
            Language::Java => ", after `mvn install` in a checkout of the framework where the registry has it not",
            Language::Go | Language::Node => "",
        };
        Err(format!("it could not be built: {}; to try by hand: `{command}`{otherwise}", complaint(&said)).into())
    }

    /// How it is started, to do what `mode` says.
    pub(crate) fn program(&self, mode: &'static str, context: Option<&str>) -> Result<Program> {
        let folder = self.built()?;
        let context = context.unwrap_or(r#"{"name":"bench","version":"v1","runtime":"Knative"}"#);
        // The port is among what the platform says, and for these frameworks nowhere else.
        let context = context.replacen('{', "{\"port\":\"{port}\",", 1);
        let target = ("FUNCTION_TARGET", mode.to_owned());
        let path = |name: &str| folder.join(name).display().to_string();
        let (binary, arguments, environment) = match self.language {
            Language::Go => {
                (folder.join("peer"), vec![], vec![target, ("CONTEXT_MODE", "self-host".to_owned()), ("FUNC_CONTEXT", context)])
            }
            Language::Node => {
                let main = path("node_modules/@google-cloud/functions-framework/build/src/main.js");
                let arguments = vec![main, format!("--source={}", folder.display()), "--port={port}".to_owned()];
                (runtime("node")?, arguments, vec![target, ("NODE_ENV", "production".to_owned())])
            }
            Language::Java => {
                let jars = [path("target/lib/*"), path("target/functions.jar")];
                let arguments = vec!["-cp".to_owned(), jars.join(":"), "dev.openfunction.invoker.Runner".to_owned()];
                let class = ("FUNCTION_TARGET", class(mode));
                (runtime("java")?, arguments, vec![class, ("FUNCTION_CLASSPATH", jars[1].clone()), ("FUNC_CONTEXT", context)])
            }
        };
        Ok(Program { binary, arguments, environment })
    }

    /// The bytes that are shipped, without a runtime.
    pub(crate) fn size(&self) -> Result<u64> {
        let folder = self.built()?;
        let sizes = self.language.shipped().iter().map(|name| size(&folder.join(name)));
        Ok(sizes.sum::<io::Result<u64>>()?)
    }

    /// How long it takes until it is as fast as it gets, in seconds.
    pub(crate) const fn warm(&self) -> u32 {
        match self.language {
            Language::Go => 0,
            Language::Node => 1,
            Language::Java => 5,
        }
    }

    fn sources(&self) -> PathBuf {
        workspace::root().join("benches/peers").join(self.folder)
    }

    /// Where it is kept: outside of `target`, since it outlives a checkout.
    fn built(&self) -> Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        let mut files = files(&self.sources())?;
        files.sort();
        for file in files {
            file.strip_prefix(self.sources()).unwrap_or(&file).hash(&mut hasher);
            fs::read(&file)?.hash(&mut hasher);
        }
        self.language.build().hash(&mut hasher);
        Ok(::tools::cache()?.join(format!("peer-{}-{:016x}", self.folder, hasher.finish())))
    }
}

/// The class of a mode: `hello` is in `peer.Hello`.
fn class(mode: &str) -> String {
    let (first, rest) = mode.split_at(mode.len().min(1));
    format!("peer.{}{rest}", first.to_uppercase())
}

/// The sentence that says why, of all that a program says when it fails. Where it looked is its own affair.
fn complaint(said: &str) -> String {
    let told = |line: &&str| line.to_lowercase().contains("error") || line.contains("could not") || line.contains("cannot");
    let line = said.lines().find(told).or_else(|| said.lines().next_back()).unwrap_or("it said nothing");
    let (_, line) = line.split_once("ERROR]").unwrap_or(("", line));
    let sentence = line.split(". ").next().unwrap_or_default().split(" -> ").next().unwrap_or_default();
    let words = sentence.split_whitespace().map(|word| if word.contains("://") { "its registry" } else { word });
    words.collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

fn runtime(name: &str) -> Result<PathBuf> {
    find(name).ok_or_else(|| format!("{name} is not in PATH").into())
}

/// Finds a program, in `PATH` or where Go's own installer puts it.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).chain([PathBuf::from("/usr/local/go/bin")]).map(|folder| folder.join(name));
    places.find(|place| place.is_file())
}

/// The sources, without what a build by hand leaves beside them.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    const LEFT_BY_BUILDS: [&str; 3] = ["node_modules", "target", "peer"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !LEFT_BY_BUILDS.iter().any(|name| entry.file_name() == *name) {
            walk(&entry.path(), &mut found)?;
        }
    }
    Ok(found)
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        return fs::read_dir(path)?.try_for_each(|entry| walk(&entry?.path(), found));
    }
    found.push(path.to_owned());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for file in files(from)? {
        let copied = to.join(file.strip_prefix(from).unwrap_or(&file));
        fs::create_dir_all(copied.parent().unwrap_or(to))?;
        fs::copy(&file, copied)?;
    }
    Ok(())
}

fn size(path: &Path) -> io::Result<u64> {
    let there = fs::symlink_metadata(path)?;
    if !there.is_dir() {
        return Ok(there.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_a_title_is_the_one_that_is_built() {
        for (foreign, manifest) in [(&OF_GO, "go.mod"), (&GCP_GO, "go.mod"), (&GCP_NODE, "package.json"), (&OF_JAVA, "pom.xml")]
        {
            let text = fs::read_to_string(foreign.sources().join(manifest)).unwrap();
            let version = foreign.title.rsplit(' ').next().unwrap();
            assert!(
                text.lines().any(|line| line.contains("functions-framework") && line.contains(version))
                    || text.contains(&format!("<version>{version}</version>")),
                "{}",
                foreign.title
            );
        }
    }

    #[test]
    fn what_a_build_complains_of_is_one_line() {
        let said = "[INFO] x\n\u{1b}[0m[ERROR] a:b:jar:1 is not in https://x/y -> [Help 1]\n[ERROR] more\n";
        assert_eq!(complaint(said), "a:b:jar:1 is not in its registry");
        assert_eq!(complaint("one\nlast.\n"), "last");
        assert_eq!(complaint(""), "it said nothing");
    }

    #[test]
    fn the_port_is_in_the_function_context() {
        let context = OF_GO.program("hello", None).unwrap().environment;
        let context = &context.iter().find(|(name, _)| *name == "FUNC_CONTEXT").unwrap().1;
        assert_eq!(context, r#"{"port":"{port}","name":"bench","version":"v1","runtime":"Knative"}"#);
        assert_eq!(class("hello"), "peer.Hello");
    }
}
