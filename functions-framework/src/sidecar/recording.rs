//! A sidecar that keeps what was sent, for tests.

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

use super::{
    Answer, Batch, Changes, Message, Metadata, ReadOptions, Rejected, Reply, Scope, Sidecar, SidecarCode, SidecarError,
    StateEntry, StatePage,
};

/// Remembers every message in the order it was sent.
#[derive(Debug, Default)]
pub(crate) struct Recording(Mutex<Vec<Message>>);

impl Recording {
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, message: Message) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }
}

fn not_here<T: Send + 'static>(what: &str) -> Answer<'static, T> {
    let error = SidecarError::new(SidecarCode::Unimplemented, format!("the test kit has no {what}"));
    Box::pin(ready(Err(error)))
}

impl Sidecar for Recording {
    fn publish(&self, message: Message, _: Scope) -> Answer<'_, ()> {
        self.record(message);
        Box::pin(ready(Ok(())))
    }

    fn publish_bulk(&self, batch: Batch, _: Scope) -> Answer<'_, Vec<Rejected>> {
        for entry in batch.entries {
            let (component, address) = (batch.component.clone(), batch.topic.clone());
            let (payload, content_type, metadata) = (entry.payload, entry.content_type, entry.metadata);
            self.record(Message { component, address, payload, content_type, metadata });
        }
        Box::pin(ready(Ok(Vec::new())))
    }

    fn invoke_binding(&self, message: Message, _: Scope) -> Answer<'_, Reply> {
        self.record(message);
        Box::pin(ready(Ok(Reply::default())))
    }

    fn state(&self, _: &str, _: String, _: ReadOptions, _: Scope) -> Answer<'_, StateEntry> {
        not_here("state")
    }

    fn states(&self, _: &str, _: Vec<String>, _: ReadOptions, _: Scope) -> Answer<'_, Vec<StateEntry>> {
        not_here("state")
    }

    fn change_states(&self, _: &str, _: Changes, _: Scope) -> Answer<'_, ()> {
        not_here("state")
    }

    fn query_states(&self, _: &str, _: String, _: Metadata, _: Scope) -> Answer<'_, StatePage> {
        not_here("state")
    }

    fn secret(&self, _: &str, _: String, _: Metadata, _: Scope) -> Answer<'_, BTreeMap<String, String>> {
        not_here("secrets")
    }

    fn invoke(&self, _: &str, _: http::Request<Bytes>, _: Scope) -> Answer<'_, http::Response<Bytes>> {
        not_here("other apps")
    }
}
