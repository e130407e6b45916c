//! Secrets.

use std::{collections::BTreeMap, fmt};

use crate::{
    error::Error,
    sidecar::{SidecarCode, SidecarError},
};

/// Holds a secret; made by [`Context::secret`](super::Context::secret).
///
/// It has one value in most stores, several in some. Its `Debug` shows none of them.
///
/// ```
/// # use functions_framework::{Context, Result};
/// async fn connect(ctx: Context) -> Result<()> {
///     let secret = ctx.secret("vault", "database").await?;
///     let (user, password) = (secret.get("user").unwrap_or("app"), secret.value()?);
///     # let _ = (user, password);
///     Ok(())
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    name: String,
    values: BTreeMap<String, String>,
}

impl Secret {
    pub(super) const fn new(name: String, values: BTreeMap<String, String>) -> Self {
        Self { name, values }
    }

    /// Returns its only value, or of several the one that is called like the secret.
    ///
    /// # Errors
    /// A secret without a value, or with several of which none is called like it: the error lists their names.
    pub fn value(&self) -> Result<&str, Error> {
        let only = self.values.values().next().filter(|_| self.values.len() == 1);
        let namesake = || self.values.get(&self.name);
        only.or_else(namesake).map(String::as_str).ok_or_else(|| {
            let names: Vec<_> = self.values.keys().map(String::as_str).collect();
            let text = format!("the secret `{}` has {} values, none called so: {}", self.name, names.len(), names.join(", "));
            SidecarError::new(SidecarCode::NotFound, text).into()
        })
    }

    /// Returns one of its values.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns the names of its values, and the values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("name", &self.name).field("values", &self.values.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(values: &[(&str, &str)]) -> Secret {
        let values = values.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Secret::new("db".to_owned(), values)
    }

    #[test]
    fn the_value_is_the_only_one_or_the_one_called_like_it() {
        assert_eq!(secret(&[("any", "x")]).value().unwrap(), "x");
        assert_eq!(secret(&[("a", "1"), ("db", "2")]).value().unwrap(), "2");
        let text = secret(&[("a", "1"), ("b", "2")]).value().unwrap_err().to_string();
        assert!(text.contains("a, b") && !text.contains('1'), "{text}");
        assert!(secret(&[]).value().is_err());
    }

    #[test]
    fn no_value_is_shown() {
        assert_eq!(format!("{:?}", secret(&[("user", "ada")])), r#"Secret { name: "db", values: ["user"], .. }"#);
    }
}
