//! The story of a build, from the source to what is in the image.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    cargo::{Built, Cargo},
    configuration, detect,
    environment::{Environment, strangers},
    error::{Error, Result},
    freshness::{self, Freshness, State},
    graph::{self, Edges},
    launch, library,
    listing::{self, Listing},
    manifest::{self, FRAMEWORK},
    metadata::{Metadata, Package, WRITTEN},
    plan::{BuildPlan, Entry, plan},
    report, sbom,
    shape::Program,
    source,
    target::{self, Target, Wanted},
    toolchain::{self, Compiler, Toolchain, is_version},
};

/// A build whose toolchain is known, and whose layers are yet to be made.
#[derive(Debug)]
pub struct Build {
    app: PathBuf,
    /// As the platform names it.
    arch: String,
    environment: Environment,
    variables: BTreeMap<String, String>,
    folder: PathBuf,
    toolchain: Toolchain,
    /// What compiles: what another compiled is of no use.
    pub compiler: Compiler,
}

/// The folders of the layers.
#[derive(Debug, Clone)]
pub struct Layers {
    /// What cargo downloads.
    pub cargo_home: PathBuf,
    /// What it compiles.
    pub target: PathBuf,
    /// What is in the image.
    pub bin: PathBuf,
}

/// What the image is told.
#[derive(Debug, Clone)]
pub struct Image {
    /// The command of the process `web`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its variables, as far as nothing else is said.
    pub variables: BTreeMap<&'static str, String>,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// What is in the program.
    pub sbom: String,
}

impl Build {
    /// Reads the variables and finds the toolchain.
    ///
    /// # Errors
    /// A variable is wrong, or there is no toolchain, or not the one that is wanted.
    pub fn begin(app: &Path, arch: &str, mut variables: BTreeMap<String, String>) -> Result<Self> {
        let environment = Environment::read(&variables)?;
        strangers(variables.keys().map(String::as_str)).into_iter().for_each(report::warning);
        let folder = detect::source_folder(app, &environment)?;
        report::heading("Toolchain");
        let wanted = environment.runtime_version.as_deref();
        let toolchain = Toolchain::find(&variables, wanted)?;
        variables.extend(toolchain.variables.clone());
        let compiler = toolchain.compiler(&variables, &folder)?;
        if let Some(wanted) = wanted.filter(|wanted| !toolchain.rustup && !compiler.is(wanted)) {
            return Err(Error::new(format!(
                "FUNC_RUNTIME_VERSION is `{wanted}`, and the toolchain of the build image is {}; it has no rustup to get another: \
                 leave the variable out, or use a builder with that toolchain",
                compiler.release
            )));
        }
        let by = if toolchain.rustup { "by rustup" } else { "of the build image" };
        report::line(format!("rustc {} {by}", compiler.release));
        if let Some((file, channel)) = toolchain::channel(&[&folder, app]).filter(|_| !toolchain.rustup)
            && !compiler.is(&channel)
        {
            let file = file.strip_prefix(app).unwrap_or(&file).display();
            report::warning(format!(
                "{file} names {channel}, but the build image has no rustup: rustc {} is used",
                compiler.release
            ));
        }
        Ok(Self { app: app.to_owned(), arch: arch.to_owned(), environment, variables, folder, toolchain, compiler })
    }

    /// Builds.
    ///
    /// # Errors
    /// The source does not say what to build, or does not compile, or does not have the functions that are named.
    pub fn run(mut self, layers: &Layers) -> Result<Image> {
        let lent = self.lend_configuration(layers)?;
        let done = self.image(layers);
        // Credentials are for this build, not for a cache.
        for file in lent {
            fs::remove_file(&file).map_err(|error| Error::file("remove", &file, &error))?;
        }
        done
    }

    fn image(&self, layers: &Layers) -> Result<Image> {
        let cargo = self.cargo()?;
        report::heading("Program");
        let mut workspace = cargo.workspace()?;
        let plan = plan(&workspace, &self.environment, &self.folder)?;
        self.tell(&plan);
        if plan.program == Program::Library {
            self.write_program(&plan, &cargo)?;
            workspace = cargo.workspace()?;
        }
        self.check_lock(&workspace, &cargo)?;
        let (target, metadata) = self.target(&plan, &cargo)?;
        let feature_words = plan.arguments.graph.join(" ");
        report::line(format!("target {} ({})", target.triple, target.because));
        report::line(format!("profile {}{}{feature_words}", plan.profile, if feature_words.is_empty() { "" } else { ", " }));

        report::heading("Compilation");
        let built = self.compile(&plan, &target, &workspace, cargo, layers)?;
        let programs = install(&plan, &built, layers)?;

        report::heading("Functions");
        let listing = self.listed(&plan, &target, &metadata, &programs)?;

        report::heading("Image");
        let command = match &plan.entry {
            Entry::Path(path) => path.to_string_lossy().into_owned(),
            Entry::Bin(bin) => layers.bin.join("bin").join(bin).to_string_lossy().into_owned(),
        };
        report::line(format!("web: {} {}", command, plan.args.join(" ")).trim_end());
        let lock = manifest::read(&workspace.workspace_root.join("Cargo.lock"))?;
        let bom = sbom::cyclonedx(&metadata, &plan.package.id, &built.packages, &sbom::checksums(&lock));
        let components = bom["components"].as_array().map_or(0, Vec::len);
        report::line(format!("bill of materials: {components} packages in the program"));
        let labels = launch::labels(&plan.package, listing.as_ref(), &self.environment);
        if self.environment.clear_source {
            let kept = source::clear(&self.app, plan.package.folder(), &self.environment.keep_source)?;
            report::line(format!("source cleared, {kept} files kept"));
        }
        Ok(Image { command, args: plan.args, variables: launch::variables(&self.environment), labels, sbom: bom.to_string() })
    }

    fn tell(&self, plan: &BuildPlan) {
        report::line(format!("package {} {} ({})", plan.package.name, plan.package.version, plan.because));
        for bin in &plan.bins {
            report::line(format!("program {bin}"));
        }
        if !self.environment.functions.is_empty() {
            report::line(format!("functions {} (FUNC_NAME)", self.environment.functions.join(", ")));
        }
    }

    fn cargo(&self) -> Result<Cargo> {
        let registry =
            self.environment.registry.as_deref().map(|value| configuration::registry(value, &self.app)).transpose()?;
        Ok(Cargo {
            toolchain: self.toolchain.clone(),
            variables: self.variables.clone(),
            folder: self.folder.clone(),
            config: registry.unwrap_or_default(),
            debug: self.environment.debug,
        })
    }

    /// Moves cargo into the layers, with what the build image has configured for it.
    fn lend_configuration(&mut self, layers: &Layers) -> Result<Vec<PathBuf>> {
        let home = self.variables.get("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| self.variables.get("HOME").map(|home| Path::new(home).join(".cargo")));
        let mut lent = Vec::new();
        for name in ["config", "config.toml", "credentials", "credentials.toml"] {
            let (from, to) = (home.as_ref().map(|home| home.join(name)), layers.cargo_home.join(name));
            if fs::symlink_metadata(&to).is_ok() {
                fs::remove_file(&to).map_err(|error| Error::file("remove", &to, &error))?;
            }
            if let Some(from) = from.filter(|from| from.is_file()) {
                std::os::unix::fs::symlink(&from, &to).map_err(|error| Error::file("link", &to, &error))?;
                lent.push(to);
            }
        }
        let mut set = |name: &str, value: &str| self.variables.insert(name.to_owned(), value.to_owned());
        set("CARGO_HOME", &layers.cargo_home.to_string_lossy());
        set("CARGO_TARGET_DIR", &layers.target.to_string_lossy());
        set("CARGO_INCREMENTAL", "0");
        set("CARGO_TERM_COLOR", "never");
        self.variables.entry("CARGO_NET_RETRY".to_owned()).or_insert_with(|| "5".to_owned());
        Ok(lent)
    }

    /// Writes the program of a library.
    fn write_program(&self, plan: &BuildPlan, cargo: &Cargo) -> Result<()> {
        let (Some(target), Some(framework)) = (plan.package.library(), plan.package.framework()) else {
            return Err(Error::new(format!("package `{}` has no library of functions", plan.package.name)));
        };
        let name = target.name.replace('-', "_");
        let found = library::read(&target.src_path)?;
        let functions = library::pick(&name, &found, &self.environment.functions)?;
        let names: Vec<&str> = functions.iter().map(|function| function.name.as_str()).collect();
        report::line(format!("written for the functions {} of library {name}", names.join(", ")));
        let left: Vec<&str> =
            found.iter().map(|function| function.name.as_str()).filter(|name| !names.contains(name)).collect();
        if self.environment.functions.is_empty() && !left.is_empty() {
            report::warning(format!("left out, since they have a #[cfg]: {}; name them with FUNC_NAME", left.join(", ")));
        }
        let folder = plan.package.folder().join("src/bin");
        fs::create_dir_all(&folder).map_err(|error| Error::file("make", &folder, &error))?;
        let file = folder.join(format!("{WRITTEN}.rs"));
        let text = library::program(framework, &name, &functions);
        fs::write(&file, text).map_err(|error| Error::file("write", &file, &error))?;
        // Where cargo does not look for programs (`autobins = false`) it is told.
        let again = cargo.workspace()?;
        let seen = again.package(&plan.package.id).is_some_and(Package::has_written);
        if !seen {
            let path = &plan.package.manifest_path;
            let text = fs::read_to_string(path).map_err(|error| Error::file("read", path, &error))?;
            let table = format!("{}\n\n[[bin]]\nname = \"{WRITTEN}\"\npath = \"src/bin/{WRITTEN}.rs\"\n", text.trim_end());
            fs::write(path, table).map_err(|error| Error::file("write", path, &error))?;
        }
        Ok(())
    }

    /// Sees to it that there is a lock, and that it is of the framework that is wanted.
    fn check_lock(&self, workspace: &Metadata, cargo: &Cargo) -> Result<()> {
        let file = workspace.workspace_root.join("Cargo.lock");
        if !file.is_file() {
            report::warning(
                "there is no Cargo.lock: the newest versions that fit are taken, and the next build may take others; commit one",
            );
            cargo.lock(&workspace.workspace_root)?;
        }
        let Some(wanted) = self.environment.framework_version.as_deref() else { return Ok(()) };
        let lock = manifest::read(&file)?;
        let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
        let locked: Vec<&str> = packages
            .filter(|package| package.get("name").and_then(toml::Value::as_str) == Some(FRAMEWORK))
            .filter_map(|package| package.get("version")?.as_str())
            .collect();
        if !locked.iter().any(|version| is_version(wanted, version)) {
            let locked = if locked.is_empty() { "none".to_owned() } else { locked.join(", ") };
            report::warning(format!("FUNC_FRAMEWORK_VERSION is {wanted}, Cargo.lock has {locked}: the lock decides"));
        }
        Ok(())
    }

    /// Decides on the target, and reads the graph for it.
    fn target(&self, plan: &BuildPlan, cargo: &Cargo) -> Result<(Target, Metadata)> {
        let wanted = Wanted::read(self.environment.target.as_deref())?;
        let candidates = wanted.candidates(&self.arch);
        let mut installed = BTreeMap::new();
        for triple in &candidates {
            installed.insert(triple.clone(), self.toolchain.has(triple, &self.variables, &self.folder)?);
        }
        let graph = |triple: &str| cargo.graph(&plan.package.manifest_path, triple, &plan.arguments.graph);
        let first = target::choose(&wanted, &self.arch, &installed, None)?;
        let metadata = graph(&first.triple)?;
        let target = target::choose(&wanted, &self.arch, &installed, target::c_in(&metadata, &plan.package.id))?;
        let metadata = if target.triple == first.triple { metadata } else { graph(&target.triple)? };
        Ok((target, metadata))
    }

    fn compile(
        &self,
        plan: &BuildPlan,
        target: &Target,
        workspace: &Metadata,
        mut cargo: Cargo,
        layers: &Layers,
    ) -> Result<Built> {
        let files = configuration::files(&self.folder, Some(&layers.cargo_home))?;
        let mut own = Vec::new();
        if target.crt_static && !configuration::decides_on_linking(&self.variables, &files) {
            own.push("-Ctarget-feature=+crt-static".to_owned());
        }
        let vendored =
            self.environment.registry.as_deref().filter(|value| !value.contains("://")).map(|value| self.app.join(value));
        let hidden = [(Some(&layers.cargo_home), "/cargo"), (Some(&layers.target), "/target"), (vendored.as_ref(), "/vendor")];
        for (folder, name) in hidden {
            own.extend(folder.map(|folder| format!("--remap-path-prefix={}={name}", folder.display())));
        }
        let flags = configuration::add_flags(&own, &target.triple, &self.variables, &files);
        cargo.config.extend(flags.config);
        cargo.variables.retain(|name, _| !flags.unset.contains(name));
        cargo.variables.extend(flags.set);
        let manifest = manifest::read(&workspace.workspace_root.join("Cargo.toml"))?;
        let is_for_debugging = matches!(plan.profile.as_str(), "dev" | "test");
        if !is_for_debugging && !configuration::decides_on_strip(&plan.profile, &manifest, &self.variables, &files) {
            cargo.config.push(format!("profile.{}.strip=\"symbols\"", configuration::quoted(&plan.profile)));
        }
        let mut arguments = vec!["--target".to_owned(), target.triple.clone(), "--profile".to_owned(), plan.profile.clone()];
        for bin in &plan.bins {
            arguments.extend(["--bin".to_owned(), bin.clone()]);
        }
        if self.environment.debug {
            arguments.push("--verbose".to_owned());
        }
        arguments.extend(plan.arguments.graph.iter().chain(&plan.arguments.build).cloned());

        let checkouts = layers.cargo_home.join("git/checkouts");
        let outputs = [("target", layers.target.as_path()), ("checkouts", checkouts.as_path())];
        let ledger = layers.target.join("openfunction-ledger.json");
        let freshness = self.restore(&outputs, &ledger)?;
        let built = cargo.build(&plan.package.manifest_path, &arguments)?;
        tell_compiled(&built, workspace);
        // They are in `registry/cache` too, and packed.
        let unpacked = layers.cargo_home.join("registry/src");
        remove(&unpacked)?;
        freshness.record(&outputs, &ledger)?;
        Ok(built)
    }

    fn restore(&self, outputs: &[(&str, &Path)], ledger: &Path) -> Result<Freshness> {
        let freshness = freshness::restore(&self.app, outputs, ledger)?;
        match &freshness.state {
            State::Unknown => report::line("no cache of this source"),
            State::Moved => report::line("the cache is of a source in another folder: its packages are compiled anew"),
            State::Known { changed } => report::line(format!("cache found, {changed} files differ from it")),
            State::Useless(why) => {
                report::warning(format!("{why}: the cache is emptied, for it could not be told what of it is out of date"));
                for (_, folder) in outputs {
                    remove(folder)?;
                    fs::create_dir_all(folder).map_err(|error| Error::file("make", folder, &error))?;
                }
            }
        }
        Ok(freshness)
    }

    /// Asks the program for its functions.
    fn listed(
        &self,
        plan: &BuildPlan,
        target: &Target,
        metadata: &Metadata,
        programs: &BTreeMap<String, PathBuf>,
    ) -> Result<Option<Listing>> {
        let runs = target.triple.contains("-linux-") && target.triple.split('-').next() == self.compiler.host.split('-').next();
        if !runs {
            report::warning(format!("a program for {} cannot be asked for its functions here", target.triple));
            return Ok(None);
        }
        let Some(program) = programs.get(&plan.bin) else { return Ok(None) };
        let names = &self.environment.functions;
        match listing::ask(program, listing::PATIENCE) {
            Ok(listing) => {
                for function in &listing.functions {
                    let path = function.path.as_ref().map_or_else(String::new, |path| format!(" {path}"));
                    report::line(format!("{} ({}){path}", function.name, function.kind));
                }
                let remarks = listing.check(names, self.environment.signature.as_deref())?;
                remarks.into_iter().for_each(report::warning);
                Ok(Some(listing))
            }
            Err(silence) => {
                let reached = graph::reach(metadata, &plan.package.id, Edges::Program);
                let has_framework =
                    reached.iter().filter_map(|id| metadata.package(id)).any(|package| package.name == FRAMEWORK);
                if has_framework && silence.usage {
                    return Err(Error::new(format!("the program cannot be started: {}", silence.why)));
                }
                let unchecked = if names.is_empty() { "" } else { "; whether it has what FUNC_NAME says is not known" };
                report::warning(format!("the program does not say which functions it has, {}{unchecked}", silence.why));
                Ok(None)
            }
        }
    }
}

fn tell_compiled(built: &Built, workspace: &Metadata) {
    let own: Vec<&str> =
        workspace.members().filter(|one| built.compiled.contains(&one.id)).map(|one| one.name.as_str()).collect();
    let (compiled, all) = (built.compiled.len(), built.packages.len());
    report::line(format!("{compiled} of {all} packages compiled, {} from the cache", all - compiled));
    if !own.is_empty() {
        report::line(format!("of the source: {}", own.join(", ")));
    }
}

/// Copies the programs into the layer.
fn install(plan: &BuildPlan, built: &Built, layers: &Layers) -> Result<BTreeMap<String, PathBuf>> {
    let folder = layers.bin.join("bin");
    fs::create_dir_all(&folder).map_err(|error| Error::file("make", &folder, &error))?;
    let mut programs = BTreeMap::new();
    for bin in &plan.bins {
        let from = built.programs.get(bin).ok_or_else(|| Error::new(format!("cargo did not say where program `{bin}` is")))?;
        let to = folder.join(bin);
        let size = fs::copy(from, &to).map_err(|error| Error::file("copy", from, &error))?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755))
            .map_err(|error| Error::file("make executable", &to, &error))?;
        report::line(format!("{bin}: {}", report::size(size)));
        programs.insert(bin.clone(), to);
    }
    Ok(programs)
}

/// Removes a folder, when it is there.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", folder, &error)),
        _ => Ok(()),
    }
}
