//! What a store has for a key.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{
    error::Error,
    sidecar::{SidecarCode, SidecarError, StateEntry},
};

/// Holds what a store has for a key, read by [`Store::get_entry`](super::Store::get_entry) and its like.
///
/// ```
/// # use functions_framework::{Context, Result};
/// async fn age(ctx: Context) -> Result<String> {
///     let entry = ctx.state("redis")?.get_entry::<u32>("age").await?;
///     Ok(format!("{:?}, version {:?}", entry.value, entry.etag))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<T> {
    /// The key.
    pub key: String,
    /// The value; none when there is none.
    pub value: Option<T>,
    /// What changes with every write, in stores that have it.
    pub etag: Option<String>,
    /// What the store says about the value, such as `ttlExpireTime`.
    pub metadata: BTreeMap<String, String>,
}

/// Holds one page of what a query found; made by [`Store::query`](super::Store::query).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// What was found, in the order of the query.
    pub entries: Vec<Entry<T>>,
    /// What a query for the next page names as its `page.token`; none after the last.
    pub token: Option<String>,
}

impl Entry<Bytes> {
    pub(super) fn of(found: StateEntry, state: &str) -> Result<Self, Error> {
        let StateEntry { key, value, etag, metadata, error } = found;
        if let Some(text) = error {
            let error = Error::from(SidecarError::new(SidecarCode::Internal, text));
            return Err(error.context(format!("while reading `{key}` in state `{state}`")));
        }
        Ok(Self { key, value, etag, metadata })
    }

    pub(super) fn decode<T: DeserializeOwned>(self, state: &str) -> Result<Entry<T>, Error> {
        let Self { key, value, etag, metadata } = self;
        let value = match value {
            None => None,
            Some(text) => {
                let mut json = serde_json::Deserializer::from_slice(&text);
                let decoded = serde_path_to_error::deserialize(&mut json).map_err(Error::from);
                let decoded = decoded.and_then(|value| json.end().map(|()| value).map_err(Error::from));
                Some(decoded.map_err(|error| {
                    error.context(format!("the value of `{key}` in state `{state}` is not what is expected"))
                })?)
            }
        };
        Ok(Entry { key, value, etag, metadata })
    }
}
