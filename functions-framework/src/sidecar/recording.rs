//! A sidecar for tests: it keeps what was sent, and answers as it was told.

use std::{
    collections::BTreeMap,
    fmt,
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{
    Answer, Batch, Change, Changes, Message, Metadata, ReadOptions, Rejected, Reply, Scope, Sidecar, SidecarCode, SidecarError,
    StateEntry, StatePage,
};

/// Remembers every message in the order it was sent, and keeps state in memory.
#[derive(Default)]
pub(crate) struct Recording {
    /// What a binding answers, by the name of its component.
    pub(crate) replies: BTreeMap<String, Reply>,
    /// What fails, by the name of its component, and how.
    pub(crate) failing: BTreeMap<String, SidecarCode>,
    /// By store and name.
    pub(crate) secrets: BTreeMap<(String, String), BTreeMap<String, String>>,
    pub(crate) apps: BTreeMap<String, App>,
    messages: Mutex<Vec<Message>>,
    states: Mutex<States>,
}

/// An app as a test plays it.
pub(crate) type App = Box<dyn Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync>;

#[derive(Debug, Clone, Default)]
struct States {
    /// By store and key, each with the number of the write that made it: its etag.
    values: BTreeMap<(String, String), (Bytes, u64)>,
    writes: u64,
}

impl Recording {
    pub(crate) fn messages(&self) -> Vec<Message> {
        lock(&self.messages).clone()
    }

    /// Puts a value in place before the test.
    pub(crate) fn store(&self, store: &str, key: &str, bytes: Bytes) {
        lock(&self.states).set((store.to_owned(), key.to_owned()), Some(bytes));
    }

    pub(crate) fn stored(&self, store: &str, key: &str) -> Option<Bytes> {
        lock(&self.states).values.get(&(store.to_owned(), key.to_owned())).map(|(bytes, _)| bytes.clone())
    }

    /// Fails if the test said so.
    fn reach(&self, component: &str) -> Result<(), SidecarError> {
        let Some(&code) = self.failing.get(component) else { return Ok(()) };
        Err(SidecarError::new(code, format!("the test lets `{component}` fail")))
    }

    fn take(&self, message: Message) -> Result<(), SidecarError> {
        self.reach(&message.component)?;
        lock(&self.messages).push(message);
        Ok(())
    }

    fn read(&self, store: &str, key: String) -> Result<StateEntry, SidecarError> {
        self.reach(store)?;
        let (value, etag) = match lock(&self.states).values.get(&(store.to_owned(), key.clone())) {
            Some((bytes, write)) => (Some(bytes.clone()), Some(write.to_string())),
            None => (None, None),
        };
        Ok(StateEntry { key, value, etag, ..StateEntry::default() })
    }

    fn change(&self, store: &str, changes: Vec<Change>) -> Result<(), SidecarError> {
        self.reach(store)?;
        let mut states = lock(&self.states);
        // All or nothing, also where a real store would have done a part.
        let mut draft = states.clone();
        for Change { key, value, etag, first_write, .. } in changes {
            let place = (store.to_owned(), key);
            let current = draft.values.get(&place).map(|(_, write)| write.to_string());
            let fits = if etag.is_some() { etag == current } else { !first_write || current.is_none() };
            if !fits {
                let text = format!("another has written `{}` meanwhile: its etag is {current:?}", place.1);
                return Err(SidecarError::new(SidecarCode::Aborted, text));
            }
            draft.set(place, value);
        }
        *states = draft;
        Ok(())
    }

    fn find_secret(&self, store: &str, name: &str) -> Result<BTreeMap<String, String>, SidecarError> {
        self.reach(store)?;
        let found = self.secrets.get(&(store.to_owned(), name.to_owned())).cloned();
        found.ok_or_else(|| {
            let text = format!("the test has no secret `{name}` in `{store}`: add `.secret(\"{store}\", \"{name}\", ..)`");
            SidecarError::new(SidecarCode::NotFound, text)
        })
    }

    fn call(&self, app: &str, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, SidecarError> {
        self.reach(app)?;
        let played = self.apps.get(app).ok_or_else(|| {
            let text = format!("the test has no app `{app}`: add `.app(\"{app}\", ..)`");
            SidecarError::new(SidecarCode::Unavailable, text)
        })?;
        Ok(played(request))
    }
}

impl States {
    fn set(&mut self, place: (String, String), value: Option<Bytes>) {
        self.writes += 1;
        match value {
            Some(bytes) => self.values.insert(place, (bytes, self.writes)),
            None => self.values.remove(&place),
        };
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer<T: Send + 'static>(answer: Result<T, SidecarError>) -> Answer<'static, T> {
    Box::pin(ready(answer))
}

impl Sidecar for Recording {
    fn publish(&self, message: Message, _: Scope) -> Answer<'_, ()> {
        answer(self.take(message))
    }

    fn publish_bulk(&self, batch: Batch, _: Scope) -> Answer<'_, Vec<Rejected>> {
        let taken = batch.entries.into_iter().try_for_each(|entry| {
            let (component, address) = (batch.component.clone(), batch.topic.clone());
            let (payload, content_type, metadata) = (entry.payload, entry.content_type, entry.metadata);
            self.take(Message { component, address, payload, content_type, metadata })
        });
        answer(taken.map(|()| Vec::new()))
    }

    fn invoke_binding(&self, message: Message, _: Scope) -> Answer<'_, Reply> {
        let reply = self.replies.get(&message.component).cloned().unwrap_or_default();
        answer(self.take(message).map(|()| reply))
    }

    fn state(&self, store: &str, key: String, _: ReadOptions, _: Scope) -> Answer<'_, StateEntry> {
        answer(self.read(store, key))
    }

    fn states(&self, store: &str, keys: Vec<String>, _: ReadOptions, _: Scope) -> Answer<'_, Vec<StateEntry>> {
        answer(keys.into_iter().map(|key| self.read(store, key)).collect())
    }

    fn change_states(&self, store: &str, changes: Changes, _: Scope) -> Answer<'_, ()> {
        answer(self.change(store, changes.changes))
    }

    fn query_states(&self, _: &str, _: String, _: Metadata, _: Scope) -> Answer<'_, StatePage> {
        answer(Err(SidecarError::new(SidecarCode::Unimplemented, "the state of the test kit answers no queries")))
    }

    fn secret(&self, store: &str, name: String, _: Metadata, _: Scope) -> Answer<'_, BTreeMap<String, String>> {
        answer(self.find_secret(store, &name))
    }

    fn invoke(&self, app: &str, request: http::Request<Bytes>, _: Scope) -> Answer<'_, http::Response<Bytes>> {
        answer(self.call(app, request))
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("messages", &self.messages).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(value: Option<&'static str>, etag: Option<&str>, first_write: bool) -> Change {
        let (key, value, etag) = ("a".to_owned(), value.map(Bytes::from), etag.map(str::to_owned));
        Change { key, value, etag, first_write, strong: false, metadata: Metadata::new() }
    }

    #[test]
    fn state_has_etags_as_real_stores_have() {
        let recording = Recording::default();
        let etag = || recording.read("s", "a".to_owned()).unwrap().etag;
        let write = |changes| recording.change("s", changes).map_err(|error| error.code());
        assert_eq!(etag(), None);
        assert_eq!(write(vec![change(Some("1"), Some("1"), false)]), Err(SidecarCode::Aborted), "nothing has no etag");
        write(vec![change(Some("1"), None, true)]).unwrap();
        assert_eq!(write(vec![change(Some("2"), None, true)]), Err(SidecarCode::Aborted), "another was the first");
        let first = etag().unwrap();
        write(vec![change(Some("2"), Some(&first), true)]).unwrap();
        assert_eq!(write(vec![change(None, Some(&first), false)]), Err(SidecarCode::Aborted), "it was written again");
        write(vec![change(None, None, false)]).unwrap();
        write(vec![change(Some("3"), None, false)]).unwrap();
        assert_ne!(etag().unwrap(), first, "a new value is not the old one");
    }

    #[test]
    fn changes_are_made_together_or_not_at_all() {
        let recording = Recording::default();
        assert!(recording.change("s", vec![change(Some("1"), None, false), change(Some("2"), Some("x"), false)]).is_err());
        assert_eq!(recording.stored("s", "a"), None);
    }
}
