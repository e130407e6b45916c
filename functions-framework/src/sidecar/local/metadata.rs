//! The metadata of a component, with its secrets read where they are needed.
//!
//! What stands in for a broker needs no password of it, so a password that is not there is no obstacle.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    http::is_true,
    secrets::{Environment, Secrets},
};
use crate::manifest::component::{Component, MetadataValue};

/// The secret stores by name, for references to them.
pub(super) type SecretStores = BTreeMap<String, Secrets>;

/// Reads metadata of one component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) component: Option<&'a Component>,
    pub(super) stores: &'a SecretStores,
    pub(super) environment: Environment,
}

impl Reader<'_> {
    /// The value of an entry; none when it is not there or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(component) = self.component else { return Ok(None) };
        let mut entries = component.metadata.iter().rev();
        let Some((_, value)) = entries.find(|(known, _)| known.eq_ignore_ascii_case(name)) else { return Ok(None) };
        let text = match value {
            MetadataValue::Plain(text) => text.clone(),
            MetadataValue::Environment(variable) => {
                (self.environment)(variable).ok_or_else(|| format!("{name}: the environment variable {variable} is not set"))?
            }
            MetadataValue::Secret { name: secret, key } => {
                self.secret(component, secret, key).map_err(|why| format!("{name}: {why}"))?
            }
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The first of these entries that is there.
    pub(super) fn first(&self, names: &[&str]) -> Result<Option<String>, String> {
        names.iter().map(|name| self.text(name)).find(|text| !matches!(text, Ok(None))).unwrap_or(Ok(None))
    }

    fn secret(&self, component: &Component, secret: &str, key: &str) -> Result<String, String> {
        let store = match &component.secret_store {
            Some(name) => {
                let known = || self.stores.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                self.stores.get(name).ok_or_else(|| format!("no secret store is named {name:?} (there are: {})", known()))?
            }
            None if self.stores.len() == 1 => self.stores.values().next().ok_or("there is no secret store")?,
            None => return Err(format!("secret {secret:?}: auth.secretStore does not say which store has it")),
        };
        let values = store.get(secret, self.environment).map_err(|error| error.message().to_owned())?;
        let key = if key.is_empty() { secret } else { key };
        values.get(key).cloned().ok_or_else(|| format!("secret {secret:?} has no value {key:?}"))
    }
}

/// Opens the stores that are declared.
pub(super) fn secret_stores(components: &[Component], environment: Environment) -> Result<SecretStores, String> {
    let none = SecretStores::new();
    let mut stores = SecretStores::new();
    for component in components.iter().filter(|component| component.component_type.starts_with("secretstores.")) {
        // A secret store has its own metadata from nowhere else.
        let reader = Reader { component: Some(component), stores: &none, environment };
        let store =
            if component.component_type == "secretstores.local.file" { from_file(&reader) } else { from_environment(&reader) };
        let store = store.map_err(|why| format!("component {} ({}): {why}", component.name, component.component_type))?;
        stores.insert(component.name.clone(), store);
    }
    Ok(stores)
}

fn from_environment(reader: &Reader<'_>) -> Result<Secrets, String> {
    Ok(Secrets::Environment { prefix: reader.text("prefix")?.unwrap_or_default() })
}

fn from_file(reader: &Reader<'_>) -> Result<Secrets, String> {
    let path = reader.text("secretsFile")?.ok_or("secretsFile is missing")?;
    let separator = reader.text("nestedSeparator")?;
    let multi_valued = reader.text("multiValued")?.is_some_and(|text| is_true(&text));
    Secrets::from_file(&PathBuf::from(path), separator.as_deref().unwrap_or(":"), multi_valued)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        matches!(name, "PASSWORD" | "EMPTY").then(|| if name == "EMPTY" { String::new() } else { "p".to_owned() })
    }

    fn component(metadata: Vec<(&str, MetadataValue)>, secret_store: Option<&str>) -> Component {
        Component {
            name: "c".to_owned(),
            component_type: "bindings.http".to_owned(),
            version: "v1".to_owned(),
            metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            secret_store: secret_store.map(str::to_owned),
            scopes: Vec::new(),
        }
    }

    fn read(component: &Component, stores: &SecretStores, name: &str) -> Result<Option<String>, String> {
        Reader { component: Some(component), stores, environment }.text(name)
    }

    fn secret(name: &str, key: &str) -> MetadataValue {
        MetadataValue::Secret { name: name.to_owned(), key: key.to_owned() }
    }

    #[test]
    fn values_are_written_out_or_come_from_elsewhere() {
        let stores: SecretStores = [("env".to_owned(), Secrets::Environment { prefix: String::new() })].into();
        let plain = |text: &str| MetadataValue::Plain(text.to_owned());
        let component = component(
            vec![
                ("url", plain("first")),
                ("URL", plain("last")),
                ("token", secret("PASSWORD", "")),
                ("other", MetadataValue::Environment("PASSWORD".to_owned())),
                ("empty", MetadataValue::Environment("EMPTY".to_owned())),
                ("unset", MetadataValue::Environment("NOBODY".to_owned())),
                ("wrong", secret("PASSWORD", "x")),
                ("gone", secret("NOBODY", "NOBODY")),
            ],
            None,
        );
        let read = |name| read(&component, &stores, name);
        assert_eq!(read("Url").unwrap().as_deref(), Some("last"));
        assert_eq!(read("token").unwrap().as_deref(), Some("p"));
        assert_eq!(read("other").unwrap().as_deref(), Some("p"));
        assert_eq!((read("empty"), read("missing")), (Ok(None), Ok(None)));
        assert!(read("unset").unwrap_err().contains("NOBODY is not set"));
        assert!(read("wrong").unwrap_err().contains("has no value \"x\""));
        assert!(read("gone").unwrap_err().contains("gone: the environment variable NOBODY is not set"));
    }

    #[test]
    fn a_reference_needs_a_store() {
        let component = component(vec![("token", secret("PASSWORD", ""))], Some("vault"));
        assert!(read(&component, &SecretStores::new(), "token").unwrap_err().contains("no secret store is named \"vault\""));
        let component = Component { secret_store: None, ..component };
        assert!(read(&component, &SecretStores::new(), "token").unwrap_err().contains("auth.secretStore"));
    }
}
