//! Where the manifest comes from: the platform's two variables, or a file at a desk.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{Manifest, v1beta1, v1beta2};
#[cfg(feature = "local")]
use super::{component::Resources, file::File, function_yaml, resources, subscriptions};

/// All that was declared about the function, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Declaration {
    pub(crate) manifest: Manifest,
    /// Of a Function manifest and of a folder of resources, for whoever stands in for the sidecar.
    #[cfg(feature = "local")]
    pub(crate) resources: Resources,
    /// The environment that a Function manifest gives to its function.
    pub(crate) params: BTreeMap<String, String>,
    /// The Function manifest that was read.
    pub(crate) file: Option<PathBuf>,
    /// Whether there is a function context or a Function manifest at all.
    pub(crate) is_there: bool,
    /// What a person should know of how it was read.
    pub(crate) remarks: Vec<String>,
}

/// How what a person wrote is read. It takes YAML, which is a good part of a small program: so [`Declaration::read`] is given it,
/// and a program that has no use for it links none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    /// Reads a Function manifest and a folder of resources.
    files: fn(Option<&Path>, Option<&Path>) -> Result<Declaration, String>,
    /// Adds what the resources say to the manifest, wherever that is from.
    join: fn(&mut Declaration) -> Result<(), String>,
}

impl Declaration {
    /// Reads the file that is named; else the platform's variables; else, at a desk, the `function.yaml` beside `Cargo.toml`.
    ///
    /// A file that somebody names wins over the variables as every flag wins over what the platform sets. One that is only found
    /// must not: what the platform says of components is true there and nowhere else.
    ///
    /// Where there is no reader it is told why: a file that is named is an error then, one that is found no reason not to start.
    pub(crate) fn read(
        file: Option<&Path>,
        resources: Option<&Path>,
        environment: impl Fn(&str) -> Option<OsString>,
        reader: Result<Reader, &'static str>,
    ) -> Result<Self, String> {
        let v1 = context(v1beta1::VARIABLE, &environment)?;
        let v2 = context(v1beta2::VARIABLE, &environment)?;
        let mut set = Vec::new();
        set.extend(v1.as_ref().map(|_| v1beta1::VARIABLE));
        set.extend(v2.as_ref().map(|_| v1beta2::VARIABLE));
        let found = if file.is_none() && set.is_empty() { beside_cargo_toml(&environment)? } else { None };
        let not_read = |path: &Path, why: &str| format!("{}: not read: {why}", path.display());
        let mut declaration = match (reader, file.or(resources)) {
            (Ok(reader), _) => (reader.files)(file.or(found.as_deref()), resources)?,
            (Err(why), Some(named)) => return Err(not_read(named, why)),
            (Err(why), None) => {
                let remarks = found.map(|path| not_read(&path, why)).into_iter().collect();
                Self { remarks, ..Self::default() }
            }
        };
        if declaration.file.is_none() {
            declaration.manifest = Manifest::from_contexts(v1.as_deref(), v2.as_deref())?;
        } else if !set.is_empty() {
            let unread = set.join(" and ");
            declaration.remarks.push(format!("{unread}: not read, because --manifest or FUNCTION_MANIFEST names a file"));
        }
        declaration.is_there = declaration.file.is_some() || !set.is_empty();
        if let Ok(reader) = reader {
            (reader.join)(&mut declaration)?;
        }
        Ok(declaration)
    }
}

#[cfg(feature = "local")]
impl Reader {
    /// The one there is.
    pub(crate) const YAML: Self = Self { files, join: subscriptions::join };
}

/// Reads a Function manifest, and a folder of resources.
#[cfg(feature = "local")]
fn files(file: Option<&Path>, folder: Option<&Path>) -> Result<Declaration, String> {
    let mut resources = folder.map(resources::read).transpose()?.unwrap_or_default();
    let Some(path) = file else { return Ok(Declaration { resources, ..Declaration::default() }) };
    let file = File::read(path)?;
    for document in &file.documents {
        resources::take(&mut resources, document).map_err(|mistake| file.explain(document, &mistake))?;
    }
    let function_yaml::Function { manifest, components, params, mut remarks } = function_yaml::read(&file, &resources)?;
    for component in components {
        let prefix = |component_type: &str| component_type.split('.').next().map(str::to_owned);
        match resources.components.iter().find(|known| known.name == component.name) {
            None => resources.components.push(component),
            Some(other) if prefix(&other.component_type) == prefix(&component.component_type) => {
                let name = &component.name;
                remarks.push(format!("the component `{name}` of the resources is used, not that of the Function manifest"));
            }
            Some(other) => {
                return Err(file.wrong(&format!(
                    "its component `{}` is of type {}, one of the resources with this name is of type {}: rename one",
                    component.name, component.component_type, other.component_type
                )));
            }
        }
    }
    Ok(Declaration { manifest, resources, params, file: Some(path.to_owned()), remarks, ..Declaration::default() })
}

/// The text of a variable; one without text counts as not set.
fn context(variable: &str, environment: impl Fn(&str) -> Option<OsString>) -> Result<Option<String>, String> {
    let Some(value) = environment(variable) else { return Ok(None) };
    let text = value.into_string().map_err(|_| format!("{variable}: no UTF-8: expected a JSON object"))?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

/// The `function.yaml` of the package that `cargo run` runs, or of the folder that is a package.
fn beside_cargo_toml(environment: impl Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>, String> {
    let is_set = |variable| environment(variable).is_some_and(|value| !value.is_empty());
    if is_set("KUBERNETES_SERVICE_HOST") {
        return Ok(None);
    }
    let folder = environment("CARGO_MANIFEST_DIR").filter(|folder| !folder.is_empty());
    let folder = folder.map_or_else(PathBuf::new, PathBuf::from);
    for name in ["Cargo.toml", "function.yaml"] {
        let path = folder.join(name);
        let exists = path.try_exists().map_err(|error| format!("{}: cannot look for it: {error}", path.display()))?;
        if !exists {
            return Ok(None);
        }
    }
    Ok(Some(folder.join("function.yaml")))
}
