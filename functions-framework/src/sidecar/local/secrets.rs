//! Secret stores: the environment, or a file.

use std::{collections::BTreeMap, fmt, path::Path};

use serde_json::Value;

use crate::sidecar::{SidecarCode, SidecarError};

/// Where secrets come from.
#[derive(Clone)]
pub(super) enum Secrets {
    /// Variables whose names begin like this; without it they are asked for.
    Environment { prefix: String },
    /// By name, each with one value or more.
    File(BTreeMap<String, BTreeMap<String, String>>),
}

/// Looks a variable of the environment up.
pub(super) type Environment = fn(&str) -> Option<String>;

impl Secrets {
    /// Reads the file of a `secretstores.local.file`.
    pub(super) fn from_file(path: &Path, separator: &str, multi_valued: bool) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("secretsFile {}: {error}", path.display()))?;
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|error| format!("secretsFile {}: no JSON: {error}", path.display()))?;
        let Value::Object(members) = value else {
            return Err(format!("secretsFile {}: expected a JSON object", path.display()));
        };
        let mut secrets = BTreeMap::new();
        for (name, value) in members {
            let mut flat = BTreeMap::new();
            match (multi_valued, value) {
                (true, Value::Object(members)) => {
                    for (key, value) in members {
                        flatten(key, value, separator, &mut flat);
                    }
                    secrets.insert(name, flat);
                }
                (_, value) => {
                    flatten(name, value, separator, &mut flat);
                    secrets.extend(flat.into_iter().map(|(name, value)| (name.clone(), [(name, value)].into())));
                }
            }
        }
        Ok(Self::File(secrets))
    }

    /// Reads one secret, which may have several values.
    pub(super) fn get(&self, name: &str, environment: Environment) -> Result<BTreeMap<String, String>, SidecarError> {
        match self {
            Self::Environment { prefix } => {
                let variable = format!("{prefix}{name}");
                if !is_allowed(&variable) {
                    let text = format!("the variable {variable} belongs to the sidecar and is no secret of the function");
                    return Err(SidecarError::new(SidecarCode::PermissionDenied, text));
                }
                let value = environment(&variable).ok_or_else(|| {
                    SidecarError::new(SidecarCode::NotFound, format!("the environment variable {variable} is not set"))
                })?;
                Ok([(name.to_owned(), value)].into())
            }
            Self::File(secrets) => secrets
                .get(name)
                .cloned()
                .ok_or_else(|| SidecarError::new(SidecarCode::NotFound, format!("secret {name} not found"))),
        }
    }

    /// Reads all secrets there are.
    pub(super) fn all(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        match self {
            Self::Environment { prefix } => std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(name, _)| is_allowed(name))
                .filter_map(|(name, value)| {
                    let name = name.strip_prefix(prefix.as_str()).filter(|name| !name.is_empty())?.to_owned();
                    Some((name.clone(), [(name, value)].into()))
                })
                .collect(),
            Self::File(secrets) => secrets.clone(),
        }
    }
}

/// The sidecar's own variables are not for the function.
fn is_allowed(variable: &str) -> bool {
    let upper = variable.to_ascii_uppercase();
    upper != "APP_API_TOKEN" && !upper.starts_with("DAPR_")
}

/// Makes names of paths: the members of an object, and the places in an array, follow after the separator.
fn flatten(name: String, value: Value, separator: &str, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            members.into_iter().for_each(|(key, value)| flatten(format!("{name}{separator}{key}"), value, separator, flat));
        }
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            items.for_each(|(index, value)| flatten(format!("{name}{separator}{index}"), value, separator, flat));
        }
        Value::String(text) => {
            flat.insert(name, text);
        }
        Value::Null => {
            flat.insert(name, String::new());
        }
        other @ (Value::Bool(_) | Value::Number(_)) => {
            flat.insert(name, other.to_string());
        }
    }
}

/// Secrets are not for logs.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment { prefix } => f.debug_struct("Environment").field("prefix", prefix).finish(),
            Self::File(secrets) => f.debug_tuple("File").field(&secrets.len()).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sidecar::local::tests::Folder;

    fn environment(name: &str) -> Option<String> {
        matches!(name, "TOKEN" | "SHOP_TOKEN" | "DAPR_API_TOKEN" | "App_Api_Token").then(|| format!("value of {name}"))
    }

    fn file(text: &str, multi_valued: bool) -> Result<Secrets, String> {
        let folder = Folder::new();
        let path = folder.path().join("secrets.json");
        std::fs::write(&path, text).unwrap();
        Secrets::from_file(&path, ":", multi_valued)
    }

    #[test]
    fn a_variable_is_a_secret_unless_it_is_the_sidecars() {
        let all = Secrets::Environment { prefix: String::new() };
        assert_eq!(all.get("TOKEN", environment).unwrap(), [("TOKEN".to_owned(), "value of TOKEN".to_owned())].into());
        assert_eq!(all.get("OTHER", environment).unwrap_err().code(), SidecarCode::NotFound);
        for own in ["DAPR_API_TOKEN", "App_Api_Token"] {
            assert_eq!(all.get(own, environment).unwrap_err().code(), SidecarCode::PermissionDenied);
        }
        let some = Secrets::Environment { prefix: "SHOP_".to_owned() };
        assert_eq!(some.get("TOKEN", environment).unwrap()["TOKEN"], "value of SHOP_TOKEN");
        let dapr = Secrets::Environment { prefix: "DAPR_".to_owned() };
        assert!(dapr.get("API_TOKEN", environment).is_err());
    }

    #[test]
    fn members_of_members_have_long_names() {
        let text = r#"{"plain":"p","redis":{"password":"r","ports":[1,2]},"on":true,"none":null}"#;
        let secrets = file(text, false).unwrap();
        for (name, value) in [("plain", "p"), ("redis:password", "r"), ("redis:ports:1", "2"), ("on", "true"), ("none", "")] {
            assert_eq!(secrets.get(name, environment).unwrap()[name], value);
        }
        assert_eq!(secrets.get("redis", environment).unwrap_err().code(), SidecarCode::NotFound);
        assert_eq!(secrets.all().len(), 6);
    }

    #[test]
    fn a_secret_may_have_several_values() {
        let secrets = file(r#"{"redis":{"user":"u","deep":{"er":"d"}},"plain":"p"}"#, true).unwrap();
        let redis = secrets.get("redis", environment).unwrap();
        assert_eq!((redis["user"].as_str(), redis["deep:er"].as_str()), ("u", "d"));
        assert_eq!(secrets.get("plain", environment).unwrap()["plain"], "p");
    }

    #[test]
    fn a_file_that_is_wrong_is_named() {
        assert!(file("{", false).unwrap_err().contains("secrets.json: no JSON"));
        assert!(file("[]", false).unwrap_err().contains("expected a JSON object"));
        let missing = Secrets::from_file(Path::new("/nowhere/secrets.json"), ":", false).unwrap_err();
        assert!(missing.contains("/nowhere/secrets.json"), "{missing}");
        assert!(!format!("{:?}", file(r#"{"a":"hidden"}"#, false).unwrap()).contains("hidden"));
    }
}
