//! What functions send: a sidecar that counts on the way to another.

use std::{any::Any, collections::BTreeMap, sync::Arc, time::Instant};

use bytes::Bytes;
use metrics::{counter, histogram};

use super::{SEND_DURATION, SENDS};
use crate::{
    current,
    manifest::Manifest,
    sidecar::{Answer, Batch, Changes, Message, Metadata, ReadOptions, Rejected, Reply, Scope, Sidecar, StateEntry, StatePage},
};

/// Counts what goes to outputs, by their names; what is not declared has none, so that no label is made up by a function.
#[derive(Debug)]
pub(super) struct Counted {
    inner: Arc<dyn Sidecar>,
    /// By component and topic; a binding has no topic.
    outputs: BTreeMap<(String, String), Arc<str>>,
}

const UNDECLARED: &str = "(undeclared)";

impl Counted {
    pub(super) fn new(inner: Arc<dyn Sidecar>, manifest: &Manifest) -> Self {
        let outputs = manifest
            .outputs
            .iter()
            .map(|output| ((output.component.clone(), output.topic.clone().unwrap_or_default()), output.name.as_str().into()));
        Self { inner, outputs: outputs.collect() }
    }

    fn name(&self, component: &str, topic: &str) -> Arc<str> {
        let output = self.outputs.get(&(component.to_owned(), topic.to_owned()));
        output.map_or_else(|| UNDECLARED.into(), Arc::clone)
    }

    /// Counts `count` payloads once it is known which of them were not taken.
    fn count<'a, T: 'a>(
        output: Arc<str>,
        count: u64,
        sending: Answer<'a, T>,
        refused: impl Fn(&T) -> u64 + Send + 'a,
    ) -> Answer<'a, T> {
        let function = current::look(|current| current.and_then(|current| current.function().map(str::to_owned)));
        let (function, started) = (function.unwrap_or_default(), Instant::now());
        Box::pin(async move {
            let sent = sending.await;
            let failed = sent.as_ref().map_or(count, refused);
            for (result, count) in [("success", count.saturating_sub(failed)), ("error", failed)] {
                if count > 0 {
                    let (function, output) = (function.clone(), output.to_string());
                    counter!(SENDS, "function" => function, "output" => output, "result" => result).increment(count);
                }
            }
            let labels = [("function", function), ("output", output.to_string())];
            histogram!(SEND_DURATION, &labels).record(started.elapsed().as_secs_f64());
            sent
        })
    }
}

impl Sidecar for Counted {
    fn publish(&self, message: Message, scope: Scope) -> Answer<'_, ()> {
        let output = self.name(&message.component, &message.address);
        Self::count(output, 1, self.inner.publish(message, scope), |()| 0)
    }

    fn publish_bulk(&self, batch: Batch, scope: Scope) -> Answer<'_, Vec<Rejected>> {
        let (output, count) = (self.name(&batch.component, &batch.topic), batch.entries.len() as u64);
        Self::count(output, count, self.inner.publish_bulk(batch, scope), |rejected| rejected.len() as u64)
    }

    fn invoke_binding(&self, message: Message, scope: Scope) -> Answer<'_, Reply> {
        let output = self.name(&message.component, "");
        Self::count(output, 1, self.inner.invoke_binding(message, scope), |_| 0)
    }

    fn state(&self, store: &str, key: String, options: ReadOptions, scope: Scope) -> Answer<'_, StateEntry> {
        self.inner.state(store, key, options, scope)
    }

    fn states(&self, store: &str, keys: Vec<String>, options: ReadOptions, scope: Scope) -> Answer<'_, Vec<StateEntry>> {
        self.inner.states(store, keys, options, scope)
    }

    fn change_states(&self, store: &str, changes: Changes, scope: Scope) -> Answer<'_, ()> {
        self.inner.change_states(store, changes, scope)
    }

    fn query_states(&self, store: &str, query: String, metadata: Metadata, scope: Scope) -> Answer<'_, StatePage> {
        self.inner.query_states(store, query, metadata, scope)
    }

    fn secret(&self, store: &str, name: String, metadata: Metadata, scope: Scope) -> Answer<'_, BTreeMap<String, String>> {
        self.inner.secret(store, name, metadata, scope)
    }

    fn invoke(&self, app: &str, request: http::Request<Bytes>, scope: Scope) -> Answer<'_, http::Response<Bytes>> {
        self.inner.invoke(app, request, scope)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        self.inner.as_any()
    }
}
