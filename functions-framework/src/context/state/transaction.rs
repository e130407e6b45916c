//! Changes that are made together.

use bytes::Bytes;
use serde::Serialize;

use super::{Store, json};
use crate::{error::Error, sidecar::Change};

/// Makes several changes, all of them or none; made by [`Store::transaction`].
///
/// Not every store can: one that cannot says so when the transaction is committed. What was chosen of the store before
/// (`ttl`, `first_write`, …) is for every change.
///
/// ```
/// # use functions_framework::{Context, Result};
/// async fn rename(ctx: Context, from: String, to: String) -> Result<()> {
///     let names = ctx.state("redis")?;
///     let old = names.get_bytes_entry(&from).await?;
///     let Some(value) = old.value.clone() else { return Ok(()) };
///     names.transaction().save_bytes(&to, value).delete_if(&from, old.etag.unwrap_or_default()).commit().await
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing is changed until `commit` is called and awaited"]
pub struct Transaction {
    store: Store,
    /// Or why one of them cannot be made.
    changes: Result<Vec<Change>, Error>,
}

impl Transaction {
    pub(super) const fn new(store: Store) -> Self {
        Self { store, changes: Ok(Vec::new()) }
    }

    fn with(mut self, change: impl FnOnce(&Store) -> Result<Change, Error>) -> Self {
        let store = &self.store;
        self.changes = self.changes.and_then(|mut changes| {
            changes.push(change(store)?);
            Ok(changes)
        });
        self
    }

    /// Saves a value as JSON; one that does not serialize fails the commit.
    pub fn save<T: Serialize + ?Sized>(self, key: &str, value: &T) -> Self {
        self.with(|store| store.write(key, Some(json(key, value)?)))
    }

    /// Saves a value as JSON if what is there still has this etag; else nothing of the transaction is done.
    pub fn save_if<T: Serialize + ?Sized>(self, key: &str, value: &T, etag: impl Into<String>) -> Self {
        self.with(|store| Ok(Change { etag: Some(etag.into()), ..store.write(key, Some(json(key, value)?))? }))
    }

    /// Saves bytes as they are.
    pub fn save_bytes(self, key: &str, value: impl Into<Bytes>) -> Self {
        self.with(|store| store.write(key, Some(value.into())))
    }

    /// Deletes a value.
    pub fn delete(self, key: &str) -> Self {
        self.with(|store| store.write(key, None))
    }

    /// Deletes a value if it still has this etag; else nothing of the transaction is done.
    pub fn delete_if(self, key: &str, etag: impl Into<String>) -> Self {
        self.with(|store| Ok(Change { etag: Some(etag.into()), ..store.write(key, None)? }))
    }

    /// Makes the changes.
    ///
    /// # Errors
    /// A value that does not serialize, an etag that does not fit, or a store that cannot: nothing is changed then.
    pub async fn commit(self) -> Result<(), Error> {
        let changes = self.changes?;
        let count = changes.len();
        self.store.change(changes, true, || format!("committing {count} changes")).await
    }
}
