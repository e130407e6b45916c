//! State: values under keys, in a declared store.

mod entry;
mod transaction;

pub use entry::{Entry, Page};
pub use transaction::Transaction;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::failed;
use crate::{
    error::Error,
    manifest,
    sidecar::{Change, Changes, ReadOptions, Scope, Sidecar, SidecarCode, SidecarError},
};

/// Keeps values under keys in a declared state; made by [`Context::state`](super::Context::state).
///
/// Values are JSON, or bytes by the methods whose names say so. What is chosen before an operation (`ttl`, `first_write`, …) is
/// for that operation; clones are cheap.
///
/// ```
/// # use functions_framework::{Context, Result};
/// use std::time::Duration;
///
/// async fn seen_before(ctx: Context, id: String) -> Result<bool> {
///     let seen = ctx.state("redis")?;
///     if seen.get::<bool>(&id).await?.is_some() {
///         return Ok(true);
///     }
///     seen.ttl(Duration::from_secs(3600)).save(&id, &true).await?;
///     Ok(false)
/// }
/// ```
///
/// A value that others may change meanwhile is written with the etag it was read with:
///
/// ```
/// # use functions_framework::{Context, Result, SidecarCode, SidecarError};
/// async fn count(ctx: Context) -> Result<u64> {
///     loop {
///         let state = ctx.state("redis")?;
///         let entry = state.get_entry::<u64>("count").await?;
///         let next = entry.value.unwrap_or(0) + 1;
///         let saved = state.first_write().etag_of(&entry).save("count", &next).await;
///         match saved {
///             Ok(()) => return Ok(next),
///             Err(error) if aborted(&error) => {} // another was faster: read again
///             Err(error) => return Err(error),
///         }
///     }
/// }
///
/// fn aborted(error: &functions_framework::Error) -> bool {
///     error.cause().downcast_ref::<SidecarError>().is_some_and(|cause| cause.code() == SidecarCode::Aborted)
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read or written until an operation is called and awaited"]
pub struct Store {
    declared: Arc<manifest::State>,
    sidecar: Arc<dyn Sidecar>,
    scope: Scope,
    etag: Option<String>,
    first_write: bool,
    strong: bool,
    ttl: Option<Duration>,
    metadata: BTreeMap<String, String>,
}

impl Store {
    pub(super) fn new(declared: Arc<manifest::State>, sidecar: Arc<dyn Sidecar>, scope: Scope) -> Self {
        let (etag, first_write, strong, ttl, metadata) = (None, false, false, None, BTreeMap::new());
        Self { declared, sidecar, scope, etag, first_write, strong, ttl, metadata }
    }

    /// Writes or deletes only when the value still has this etag; else the operation fails with [`SidecarCode::Aborted`].
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn replace(ctx: Context, etag: String) -> Result<()> {
    ///     ctx.state("redis")?.etag(etag).save("last", "new").await
    /// }
    /// ```
    pub fn etag(mut self, etag: impl Into<String>) -> Self {
        self.etag = Some(etag.into());
        self
    }

    /// Writes or deletes only when the value is still the one that was read.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn forget(ctx: Context) -> Result<()> {
    ///     let state = ctx.state("redis")?;
    ///     let old = state.get_entry::<String>("last").await?;
    ///     state.etag_of(&old).delete("last").await
    /// }
    /// ```
    pub fn etag_of<T>(mut self, entry: &Entry<T>) -> Self {
        self.etag.clone_from(&entry.etag);
        self
    }

    /// Lets the first of several writers win, and the others fail with [`SidecarCode::Aborted`]; without it the last one wins.
    ///
    /// Without an etag most stores then write only where there is nothing yet.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn claim(ctx: Context, owner: String) -> Result<()> {
    ///     ctx.state("redis")?.first_write().save("owner", &owner).await
    /// }
    /// ```
    pub fn first_write(mut self) -> Self {
        self.first_write = true;
        self
    }

    /// Reads what was written last, and writes to all replicas before the operation is done, where the store has several.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn exact(ctx: Context) -> Result<Option<u64>> {
    ///     ctx.state("redis")?.strong().get("balance").await
    /// }
    /// ```
    pub fn strong(mut self) -> Self {
        self.strong = true;
        self
    }

    /// Forgets what is saved after this time, in whole seconds and rounded up; not every store can.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn remember(ctx: Context, code: u32) -> Result<()> {
    ///     ctx.state("redis")?.ttl(std::time::Duration::from_secs(300)).save("code", &code).await
    /// }
    /// ```
    pub fn ttl(mut self, time: Duration) -> Self {
        self.ttl = Some(time);
        self
    }

    /// Adds metadata that the store knows, such as `partitionKey`.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn of_tenant(ctx: Context, tenant: String) -> Result<Option<String>> {
    ///     ctx.state("cosmos")?.metadata("partitionKey", tenant).get("name").await
    /// }
    /// ```
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Reads a value from JSON; none when there is none.
    ///
    /// # Errors
    /// A value that is no `T`, or a store that cannot be read.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn last(ctx: Context) -> Result<String> {
    ///     let last: Option<String> = ctx.state("redis")?.get("last").await?;
    ///     Ok(last.unwrap_or_default())
    /// }
    /// ```
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.get_entry(key).await.map(|entry| entry.value)
    }

    /// Reads a value as the bytes that are stored.
    ///
    /// # Errors
    /// A store that cannot be read.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn picture(ctx: Context) -> Result<Vec<u8>> {
    ///     Ok(ctx.state("redis")?.get_bytes("picture").await?.unwrap_or_default().into())
    /// }
    /// ```
    pub async fn get_bytes(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.get_bytes_entry(key).await.map(|entry| entry.value)
    }

    /// Reads a value with its etag, for a write that fails when another was faster.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn version(ctx: Context) -> Result<Option<String>> {
    ///     Ok(ctx.state("redis")?.get_entry::<u64>("count").await?.etag)
    /// }
    /// ```
    pub async fn get_entry<T: DeserializeOwned>(&self, key: &str) -> Result<Entry<T>, Error> {
        self.get_bytes_entry(key).await?.decode(&self.declared.name)
    }

    /// Reads a value as the bytes that are stored, with its etag.
    ///
    /// # Errors
    /// As [`get_bytes`](Self::get_bytes).
    pub async fn get_bytes_entry(&self, key: &str) -> Result<Entry<Bytes>, Error> {
        let found = self.sidecar.state(&self.declared.component, key.to_owned(), self.reading(), self.scope.clone());
        let found = found.await.map_err(|error| self.failed(error, || format!("reading `{key}`")))?;
        Entry::of(found, &self.declared.name)
    }

    /// Reads several values in one call, in the order of their keys.
    ///
    /// # Errors
    /// As [`get`](Self::get), for the first value that cannot be read.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn total(ctx: Context) -> Result<u64> {
    ///     let parts = ctx.state("redis")?.get_many::<u64>(["north", "south"]).await?;
    ///     Ok(parts.iter().filter_map(|part| part.value).sum())
    /// }
    /// ```
    pub async fn get_many<T: DeserializeOwned>(
        &self,
        keys: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<Entry<T>>, Error> {
        let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let count = keys.len();
        let found = self.sidecar.states(&self.declared.component, keys, self.reading(), self.scope.clone());
        let found = found.await.map_err(|error| self.failed(error, || format!("reading {count} values")))?;
        let name = &self.declared.name;
        found.into_iter().map(|found| Entry::of(found, name)?.decode(name)).collect()
    }

    /// Saves a value as JSON.
    ///
    /// # Errors
    /// A value that does not serialize, an etag that does not fit, or a store that cannot be written.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// # #[derive(serde::Serialize)] struct Order { id: u32 }
    /// async fn keep(ctx: Context) -> Result<()> {
    ///     ctx.state("redis")?.save("last", &Order { id: 7 }).await
    /// }
    /// ```
    pub async fn save<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        let value = json(key, value)?;
        self.save_bytes(key, value).await
    }

    /// Saves bytes as they are.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn keep(ctx: Context, picture: Vec<u8>) -> Result<()> {
    ///     ctx.state("redis")?.save_bytes("picture", picture).await
    /// }
    /// ```
    pub async fn save_bytes(&self, key: &str, value: impl Into<Bytes>) -> Result<(), Error> {
        let change = self.write(key, Some(value.into()))?;
        self.change(vec![change], false, || format!("saving `{key}`")).await
    }

    /// Saves several values as JSON, in one call but not all or none: for that there is [`transaction`](Self::transaction).
    ///
    /// # Errors
    /// As [`save`](Self::save); and an etag, which can belong to one value only.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn reset(ctx: Context) -> Result<()> {
    ///     ctx.state("redis")?.save_many([("north", 0), ("south", 0)]).await
    /// }
    /// ```
    pub async fn save_many<K: Into<String>, T: Serialize>(
        &self,
        values: impl IntoIterator<Item = (K, T)>,
    ) -> Result<(), Error> {
        let encoded = values.into_iter().map(|(key, value)| {
            let key = key.into();
            let value = json(&key, &value)?;
            self.write_of_many(&key, Some(value))
        });
        let changes: Vec<_> = encoded.collect::<Result<_, _>>()?;
        let count = changes.len();
        self.change(changes, false, || format!("saving {count} values")).await
    }

    /// Deletes a value; one that is not there is no error.
    ///
    /// # Errors
    /// An etag that does not fit, or a store that cannot be written.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn forget(ctx: Context) -> Result<()> {
    ///     ctx.state("redis")?.delete("last").await
    /// }
    /// ```
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let change = self.write(key, None)?;
        self.change(vec![change], false, || format!("deleting `{key}`")).await
    }

    /// Deletes several values, in one call but not all or none.
    ///
    /// # Errors
    /// As [`delete`](Self::delete); and an etag, which can belong to one value only.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn forget(ctx: Context) -> Result<()> {
    ///     ctx.state("redis")?.delete_many(["north", "south"]).await
    /// }
    /// ```
    pub async fn delete_many(&self, keys: impl IntoIterator<Item = impl Into<String>>) -> Result<(), Error> {
        let changes = keys.into_iter().map(|key| self.write_of_many(&key.into(), None));
        let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
        let count = changes.len();
        self.change(changes, false, || format!("deleting {count} values")).await
    }

    /// Begins a transaction: changes that are made together or not at all.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// async fn transfer(ctx: Context, from: u64, to: u64) -> Result<()> {
    ///     ctx.state("redis")?.transaction().save("from", &from).save("to", &to).delete("pending").commit().await
    /// }
    /// ```
    pub fn transaction(self) -> Transaction {
        Transaction::new(self)
    }

    /// Looks values up by a query in Dapr's query language, in the stores that can.
    ///
    /// # Errors
    /// A query the store does not take, a value that is no `T`, or a store that cannot be read.
    ///
    /// ```
    /// # use functions_framework::{Context, Result};
    /// use serde_json::json;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Order { total: u64 }
    ///
    /// async fn open_orders(ctx: Context) -> Result<u64> {
    ///     let query = json!({ "filter": { "EQ": { "state": "open" } } });
    ///     let page = ctx.state("mongo")?.query::<Order>(query).await?;
    ///     Ok(page.entries.iter().filter_map(|entry| entry.value.as_ref()).map(|order| order.total).sum())
    /// }
    /// ```
    pub async fn query<T: DeserializeOwned>(&self, query: impl fmt::Display) -> Result<Page<T>, Error> {
        let name = &self.declared.name;
        let component = &self.declared.component;
        let found = self.sidecar.query_states(component, query.to_string(), self.metadata.clone(), self.scope.clone());
        let found = found.await.map_err(|error| self.failed(error, || "querying".to_owned()))?;
        let entries = found.entries.into_iter().map(|found| Entry::of(found, name)?.decode(name));
        Ok(Page { entries: entries.collect::<Result<_, _>>()?, token: found.token })
    }

    fn reading(&self) -> ReadOptions {
        ReadOptions { strong: self.strong, metadata: self.metadata.clone() }
    }

    /// A value to write, or to delete, with what was chosen.
    fn write(&self, key: &str, value: Option<Bytes>) -> Result<Change, Error> {
        let mut metadata = self.metadata.clone();
        if let (Some(time), Some(_)) = (self.ttl, &value) {
            let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
            if seconds == 0 {
                return Err(self.wrong(format!("a value `{key}` that lives for no time: the ttl must be longer than 0 s")));
            }
            metadata.insert("ttlInSeconds".to_owned(), seconds.to_string());
        }
        let (key, etag, first_write, strong) = (key.to_owned(), self.etag.clone(), self.first_write, self.strong);
        Ok(Change { key, value, etag, first_write, strong, metadata })
    }

    fn write_of_many(&self, key: &str, value: Option<Bytes>) -> Result<Change, Error> {
        if self.etag.is_some() {
            return Err(self.wrong("an etag belongs to one value, not to several: use a transaction".to_owned()));
        }
        self.write(key, value)
    }

    async fn change(
        &self,
        changes: Vec<Change>,
        transaction: bool,
        doing: impl FnOnce() -> String + Send,
    ) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        // Of a change each has its own already.
        let metadata = if transaction { self.metadata.clone() } else { BTreeMap::new() };
        let changes = Changes { changes, transaction, metadata };
        let done = self.sidecar.change_states(&self.declared.component, changes, self.scope.clone());
        done.await.map_err(|error| self.failed(error, doing))
    }

    fn failed(&self, error: SidecarError, doing: impl FnOnce() -> String + Send) -> Error {
        let manifest::State { name, component, .. } = &*self.declared;
        failed(error, &format!("{} in state `{name}` (component `{component}`)", doing()))
    }

    fn wrong(&self, text: String) -> Error {
        self.failed(SidecarError::new(SidecarCode::InvalidArgument, text), || "writing".to_owned())
    }
}

fn json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Bytes, Error> {
    let text =
        serde_json::to_vec(value).map_err(|error| Error::from(error).context(format!("the value of `{key}` is no JSON")));
    text.map(Bytes::from)
}
