//! State stores: values by key, with etags and an end.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes};
use jiff::Timestamp;
use redb::ReadableTable;

use super::{
    record::now,
    store::{EXPIRY, Failed, STATE, Store, Tables, Written},
};
use crate::sidecar::{Change, Metadata, SidecarCode, SidecarError, StateEntry};

/// All state stores of the process.
#[derive(Debug)]
pub(super) struct States {
    store: Arc<Store>,
}

/// What comes before the keys of a store: whoever shares it does not share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix(Option<String>);

/// Stands between what comes before a key and the key.
const SEPARATOR: &str = "||";

impl Prefix {
    /// Reads `keyPrefix`: `appid`, `name`, `namespace`, `none`, or the prefix itself.
    pub(super) fn parse(text: Option<&str>, app: &str, component: &str, namespace: Option<&str>) -> Result<Self, String> {
        let text = text.unwrap_or_default();
        if text.contains(SEPARATOR) {
            return Err(format!("keyPrefix {text:?}: {SEPARATOR} cannot be in it"));
        }
        Ok(Self(match text.to_ascii_lowercase().as_str() {
            "" | "appid" => Some(app.to_owned()),
            "name" => Some(component.to_owned()),
            "namespace" => Some(namespace.map_or_else(|| app.to_owned(), |namespace| format!("{namespace}.{app}"))),
            "none" => None,
            _ => Some(text.to_owned()),
        }))
    }

    /// The key as it is stored.
    pub(super) fn stored(&self, key: &str) -> Result<String, SidecarError> {
        if key.is_empty() || key.contains(SEPARATOR) {
            let text = format!("state key {key:?}: it cannot be empty, and {SEPARATOR} cannot be in it");
            return Err(SidecarError::new(SidecarCode::InvalidArgument, text));
        }
        Ok(match &self.0 {
            Some(prefix) if !prefix.is_empty() => format!("{prefix}{SEPARATOR}{key}"),
            _ => key.to_owned(),
        })
    }

    /// The key as it was given.
    pub(super) fn given(stored: &str) -> &str {
        stored.split_once(SEPARATOR).map_or(stored, |(_, key)| key)
    }
}

/// What a store has for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    etag: u64,
    /// Milliseconds since 1970.
    expires: Option<u64>,
    pub(super) bytes: Bytes,
}

impl Value {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.bytes.len());
        out.put_u64_le(self.etag);
        out.put_u64_le(self.expires.unwrap_or(0));
        out.extend_from_slice(&self.bytes);
        out
    }

    /// Reads what [`encode`](Self::encode) wrote, unless its end has come.
    fn decode(stored: &[u8], now: u64) -> Option<Self> {
        let (etag, rest) = stored.split_first_chunk()?;
        let (expires, bytes) = rest.split_first_chunk()?;
        let expires = Some(u64::from_le_bytes(*expires)).filter(|end| *end > 0);
        let there = expires.is_none_or(|end| end > now);
        there.then(|| Self { etag: u64::from_le_bytes(*etag), expires, bytes: Bytes::copy_from_slice(bytes) })
    }

    /// What the caller of a store gets.
    pub(super) fn entry(self, key: String) -> StateEntry {
        let end = self.expires.and_then(|end| Timestamp::from_millisecond(i64::try_from(end).ok()?).ok());
        let metadata = end.map(|end| ("ttlExpireTime".to_owned(), end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
        let (value, etag) = (Some(self.bytes), Some(self.etag.to_string()));
        StateEntry { key, value, etag, metadata: metadata.into_iter().collect(), error: None }
    }
}

/// One change, checked as far as it can be without the store.
struct Step {
    key: String,
    /// None deletes it.
    value: Option<Bytes>,
    etag: Option<u64>,
    first_write: bool,
    expires: Option<u64>,
}

impl Step {
    fn new(change: Change, prefix: &Prefix) -> Result<Self, SidecarError> {
        let Change { key, value, etag, first_write, metadata, .. } = change;
        let etag = match etag.filter(|etag| !etag.is_empty()) {
            None => None,
            Some(etag) => Some(etag.parse().map_err(|_| {
                SidecarError::new(SidecarCode::InvalidArgument, format!("etag {etag:?} of key {key:?} is none of this store"))
            })?),
        };
        let expires = end(&metadata)?;
        Ok(Self { key: prefix.stored(&key)?, value, etag, first_write, expires })
    }
}

/// Reads `ttlInSeconds`: from 1, or -1 for no end.
fn end(metadata: &Metadata) -> Result<Option<u64>, SidecarError> {
    let Some(text) = metadata.get("ttlInSeconds").filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong = || {
        let text = format!("metadata ttlInSeconds: {text:?}: expected a number of seconds, or -1 for no end");
        SidecarError::new(SidecarCode::InvalidArgument, text)
    };
    let seconds: i64 = text.parse().map_err(|_| wrong())?;
    match u64::try_from(seconds) {
        Ok(0) | Err(_) if seconds != -1 => Err(wrong()),
        Err(_) => Ok(None),
        Ok(seconds) => Ok(Some(now().saturating_add(seconds.saturating_mul(1000)))),
    }
}

impl States {
    pub(super) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Reads one value; `key` as it is stored.
    pub(super) fn get(&self, component: &str, key: &str) -> Result<Option<Value>, SidecarError> {
        self.store.read(|transaction| {
            let found = transaction.open_table(STATE)?.get((component, key))?;
            Ok(found.and_then(|stored| Value::decode(stored.value(), now())))
        })
    }

    /// Reads all values of a store, with their keys as they are stored.
    pub(super) fn all(&self, component: &str) -> Result<Vec<(String, Value)>, SidecarError> {
        self.store.read(|transaction| {
            let (table, now) = (transaction.open_table(STATE)?, now());
            let mut values = Vec::new();
            for entry in table.range((component, "")..)? {
                let (key, stored) = entry?;
                let (of, key) = key.value();
                if of != component {
                    break;
                }
                values.extend(Value::decode(stored.value(), now).map(|value| (key.to_owned(), value)));
            }
            Ok(values)
        })
    }

    /// Writes and deletes: all or nothing, or each by itself.
    pub(super) async fn change(
        &self,
        component: &str,
        prefix: &Prefix,
        changes: Vec<Change>,
        transaction: bool,
    ) -> Result<(), SidecarError> {
        let steps = changes.into_iter().map(|change| Step::new(change, prefix)).collect::<Result<Vec<_>, _>>()?;
        let component = component.to_owned();
        self.store
            .write(
                move |tables| {
                    if transaction { all_or_nothing(tables, &component, steps) } else { each(tables, &component, steps) }
                },
            )
            .await
    }

    /// Removes what has ended.
    pub(super) fn purge(&self) {
        let first = self.store.read(|transaction| Ok(transaction.open_table(EXPIRY)?.first()?.map(|(key, _)| key.value().0)));
        // Mostly there is nothing, and a commit would write all the same.
        if !matches!(first, Ok(Some(end)) if end <= now()) {
            return;
        }
        self.store.write_soon("the end of old values", |tables| {
            let mut ended = Vec::new();
            // What ends at this moment has ended.
            for entry in tables.expiry.range(..(now().saturating_add(1), "", ""))? {
                let key = entry?.0;
                let (end, component, key) = key.value();
                ended.push((end, component.to_owned(), key.to_owned()));
            }
            for (end, component, key) in ended {
                tables.expiry.remove((end, component.as_str(), key.as_str()))?;
                let place = (component.as_str(), key.as_str());
                let gone = tables.state.get(place)?.is_some_and(|stored| Value::decode(stored.value(), end).is_none());
                if gone {
                    tables.state.remove(place)?;
                }
            }
            Ok(Ok(()))
        });
    }
}

fn all_or_nothing(tables: &mut Tables<'_>, component: &str, steps: Vec<Step>) -> Written<()> {
    for step in &steps {
        if let Err(refused) = check(tables, component, step)? {
            return Ok(Err(refused));
        }
    }
    for step in steps {
        apply(tables, component, &step)?;
    }
    Ok(Ok(()))
}

fn each(tables: &mut Tables<'_>, component: &str, steps: Vec<Step>) -> Written<()> {
    let (mut first, mut refused, count) = (None, Vec::new(), steps.len());
    for step in steps {
        match check(tables, component, &step)? {
            Ok(()) => apply(tables, component, &step)?,
            Err(error) => {
                refused.push(error.message().to_owned());
                first.get_or_insert(error);
            }
        }
    }
    Ok(match first {
        None => Ok(()),
        Some(error) if count == 1 => Err(error),
        Some(error) => {
            let text = format!("{} of {count} changes were refused: {}", refused.len(), refused.join("; "));
            Err(SidecarError::new(error.code(), text))
        }
    })
}

/// Tells whether a change may be made: whether the value is still the one that the etag says.
fn check(tables: &Tables<'_>, component: &str, step: &Step) -> Written<()> {
    if step.etag.is_none() && !step.first_write {
        return Ok(Ok(()));
    }
    let there = current(tables, component, &step.key)?;
    let key = Prefix::given(&step.key);
    let why = match (step.etag, there.map(|value| value.etag)) {
        (None, None) => return Ok(Ok(())),
        (Some(expected), Some(etag)) if expected == etag => return Ok(Ok(())),
        (None, Some(etag)) => format!("key {key:?} is there already, with etag {etag}, and no etag was given"),
        (Some(expected), None) => format!("key {key:?} has no value: etag {expected} does not fit"),
        (Some(expected), Some(etag)) => format!("key {key:?} has etag {etag}: etag {expected} does not fit"),
    };
    Ok(Err(SidecarError::new(SidecarCode::Aborted, format!("possible etag mismatch: {why}"))))
}

fn current(tables: &Tables<'_>, component: &str, key: &str) -> Result<Option<Value>, Failed> {
    Ok(tables.state.get((component, key))?.and_then(|stored| Value::decode(stored.value(), now())))
}

fn apply(tables: &mut Tables<'_>, component: &str, step: &Step) -> Result<(), Failed> {
    let place = (component, step.key.as_str());
    // Ended or not: what it leaves in the list of ends goes with it.
    let old = tables.state.get(place)?.and_then(|stored| Value::decode(stored.value(), 0)?.expires);
    if let Some(end) = old {
        tables.expiry.remove((end, component, step.key.as_str()))?;
    }
    let Some(bytes) = &step.value else {
        tables.state.remove(place)?;
        return Ok(());
    };
    let value = Value { etag: tables.number("etag")?, expires: step.expires, bytes: bytes.clone() };
    tables.state.insert(place, &value.encode()[..])?;
    if let Some(end) = step.expires {
        tables.expiry.insert((end, component, step.key.as_str()), ())?;
    }
    Ok(())
}
