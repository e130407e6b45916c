//! What a function asks of the local backend.

use std::{collections::BTreeMap, future::Future, time::Instant};

use bytes::Bytes;
use serde_json::Value as Json;

use super::{
    Local,
    broker::Exchange,
    http::Answered,
    plan::{Part, StandIn},
    query::{Query, Row},
    record::{self, Record},
    sent::Outcome,
    state::{Prefix, Value},
    wrap::{self, Published},
};
use crate::sidecar::{
    Answer, Batch, BatchEntry, Changes, Message, Metadata, ReadOptions, Rejected, Reply, Scope, Sidecar, SidecarCode,
    SidecarError, StateEntry, StatePage,
};

impl Local {
    /// Publishes one message.
    pub(super) async fn send_to_topic(&self, message: Message, scope: &Scope) -> Result<(), SidecarError> {
        match self.record(&message, scope) {
            Ok(record) => self.send_all_to_topic(vec![message], vec![record]).await,
            Err(error) => {
                self.sent.add(&message, Outcome::Failed(error.to_string()));
                Err(error)
            }
        }
    }

    /// Publishes messages of one topic, with the records made of them: all or none.
    async fn send_all_to_topic(&self, messages: Vec<Message>, records: Vec<Record>) -> Result<(), SidecarError> {
        let Some(first) = messages.first() else { return Ok(()) };
        let exchange = Exchange::Topics { component: first.component.clone() };
        let sent = self.broker.send(&exchange, &first.address, records).await;
        for message in &messages {
            let outcome =
                sent.as_ref().map_or_else(|error| Outcome::Failed(error.to_string()), |inputs| Outcome::Waits(*inputs));
            self.sent.add(message, outcome);
        }
        sent.map(|_| ())
    }

    /// Publishes several messages on one topic; returns those that were not taken.
    pub(super) async fn send_batch(&self, batch: Batch, scope: &Scope) -> Result<Vec<Rejected>, SidecarError> {
        let Batch { component, topic, entries, metadata } = batch;
        self.check_pubsub(&component)?;
        let (mut rejected, mut ids, mut messages, mut records) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for BatchEntry { id, payload, content_type, metadata: own } in entries {
            let metadata: Metadata = metadata.clone().into_iter().chain(own).collect();
            let message = Message { component: component.clone(), address: topic.clone(), payload, content_type, metadata };
            // One that cannot be sent is no reason against the others.
            match self.record(&message, scope) {
                Ok(record) => {
                    ids.push(id);
                    messages.push(message);
                    records.push(record);
                }
                Err(error) => rejected.push(Rejected { id, why: error.to_string() }),
            }
        }
        if let Err(error) = self.send_all_to_topic(messages, records).await {
            rejected.extend(ids.into_iter().map(|id| Rejected { id, why: error.to_string() }));
        }
        Ok(rejected)
    }

    fn record(&self, message: &Message, scope: &Scope) -> Result<Record, SidecarError> {
        self.check_pubsub(&message.component)?;
        if message.address.is_empty() {
            return Err(invalid(format!("topic is empty in pubsub {}", message.component)));
        }
        let Message { component, address, payload, content_type, metadata } = message;
        let (app, trace) = (self.options.app.as_str(), &scope.trace);
        let wrapped = wrap::wrap(&Published { app, component, topic: address, content_type, payload, metadata, trace })?;
        let (address, metadata, sent) = (address.clone(), metadata.clone(), record::now());
        Ok(Record { address, sent, expires: wrapped.expires, metadata, payload: wrapped.bytes })
    }

    /// Fails unless this is a pub/sub component.
    pub(super) fn check_pubsub(&self, component: &str) -> Result<(), SidecarError> {
        match self.plan.parts.get(component) {
            Some(Part { stand_in: StandIn::Broker, .. }) => Ok(()),
            _ => Err(self.unknown("pubsub", component, |stand_in| matches!(stand_in, StandIn::Broker))),
        }
    }

    /// Calls an output binding; an answer that is no success is told apart from no answer.
    pub(super) async fn call_binding(&self, message: Message, scope: &Scope) -> Result<Answered, SidecarError> {
        let called = self.binding(&message, scope).await;
        let failed = called.as_ref().map_or_else(Some, |(answered, _)| answered.failed.as_ref());
        self.sent.add(
            &message,
            match (&called, failed) {
                (_, Some(error)) => Outcome::Failed(error.to_string()),
                (Ok((_, Some(inputs))), None) => Outcome::Waits(*inputs),
                _ => Outcome::Done,
            },
        );
        called.map(|(answered, _)| answered)
    }

    /// Also tells for how many inputs a message waits that was sent to a queue.
    async fn binding(&self, message: &Message, scope: &Scope) -> Result<(Answered, Option<usize>), SidecarError> {
        let Message { component, address: operation, payload, metadata, .. } = message;
        let part = self.plan.parts.get(component);
        let done = |reply| (Answered { reply, failed: None }, None);
        match part.map(|part| (&part.stand_in, part.component_type.as_str())) {
            Some((StandIn::Http(target), _)) => {
                let answered = self.client.call(target, operation, payload.clone(), metadata, &scope.trace).await?;
                Ok((answered, None))
            }
            Some((StandIn::Files(root), _)) => {
                let (root, operation, data) = (root.clone(), operation.clone(), payload.clone());
                let name = metadata.get("fileName").filter(|name| !name.is_empty()).cloned();
                let invoke = move || root.invoke(&operation, name.as_deref(), &data);
                let reply = tokio::task::spawn_blocking(invoke).await;
                reply.map_err(|error| SidecarError::new(SidecarCode::Internal, error.to_string()))?.map(done)
            }
            Some((StandIn::Queue(queue), component_type)) => {
                if operation != "create" {
                    let text =
                        format!("a queue stands in for {component} ({component_type}): it knows create, not {operation:?}");
                    return Err(invalid(text));
                }
                let exchange = Exchange::Queues { component_type: component_type.to_owned() };
                let (metadata, payload, sent) = (metadata.clone(), payload.clone(), record::now());
                let record = Record { address: queue.clone(), sent, expires: None, metadata, payload };
                let inputs = self.broker.send(&exchange, queue, vec![record]).await?;
                Ok((done(Reply::default()).0, Some(inputs)))
            }
            Some((stand_in @ StandIn::Undeclared, _)) => {
                Err(SidecarError::new(SidecarCode::FailedPrecondition, format!("binding {component}: {stand_in}")))
            }
            Some((StandIn::Clock(_), _)) => Err(invalid(format!("binding {component} is an input: nothing can be sent to it"))),
            _ => Err(self.unknown("output binding", component, |stand_in| {
                matches!(stand_in, StandIn::Http(_) | StandIn::Files(_) | StandIn::Queue(_))
            })),
        }
    }

    /// The prefix of the keys of a store, when there is such a store.
    pub(super) fn state_store(&self, store: &str) -> Result<&Prefix, SidecarError> {
        match self.plan.parts.get(store) {
            Some(Part { stand_in: StandIn::State(prefix), .. }) => Ok(prefix),
            _ => Err(self.unknown("state store", store, |stand_in| matches!(stand_in, StandIn::State(_)))),
        }
    }

    pub(super) fn read_state(&self, store: &str, key: &str) -> Result<StateEntry, SidecarError> {
        let found = self.states.get(store, &self.state_store(store)?.stored(key)?)?;
        Ok(found
            .map_or_else(|| StateEntry { key: key.to_owned(), ..StateEntry::default() }, |value| value.entry(key.to_owned())))
    }

    pub(super) async fn write_states(&self, store: &str, changes: Changes) -> Result<(), SidecarError> {
        let prefix = self.state_store(store)?;
        let Changes { mut changes, transaction, metadata } = changes;
        for change in &mut changes {
            for (name, value) in &metadata {
                change.metadata.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        self.states.change(store, prefix, changes, transaction).await
    }

    pub(super) fn query_state(&self, store: &str, query: &str) -> Result<StatePage, SidecarError> {
        self.state_store(store)?;
        let query = Query::parse(query).map_err(invalid)?;
        let row = |(key, value): (String, Value)| {
            // A value that is no JSON is found by a query without a filter.
            let json = serde_json::from_slice(&value.bytes).unwrap_or(Json::Null);
            Row { of: value.entry(Prefix::given(&key).to_owned()), value: json }
        };
        let (rows, token) = query.run(self.states.all(store)?.into_iter().map(row).collect()).map_err(invalid)?;
        Ok(StatePage { entries: rows.into_iter().map(|row| row.of).collect(), token })
    }

    pub(super) fn read_secret(&self, store: &str, name: &str) -> Result<BTreeMap<String, String>, SidecarError> {
        self.secret_store(store)?.get(name, self.options.environment)
    }

    pub(super) fn secret_store(&self, store: &str) -> Result<&super::secrets::Secrets, SidecarError> {
        match self.plan.parts.get(store) {
            Some(Part { stand_in: StandIn::Secrets(secrets), .. }) => Ok(secrets),
            _ => Err(self.unknown("secret store", store, |stand_in| matches!(stand_in, StandIn::Secrets(_)))),
        }
    }

    /// Says that there is no such component, and which there are.
    fn unknown(&self, what: &str, name: &str, fits: impl Fn(&StandIn) -> bool) -> SidecarError {
        let known: Vec<_> =
            self.plan.parts.iter().filter(|(_, part)| fits(&part.stand_in)).map(|(name, _)| name.as_str()).collect();
        if known.is_empty() {
            return SidecarError::new(
                SidecarCode::FailedPrecondition,
                format!("{what} {name:?} is not there: no {what} is declared"),
            );
        }
        invalid(format!("{what} {name:?} is not there (declared: {})", known.join(", ")))
    }
}

fn invalid(text: String) -> SidecarError {
    SidecarError::new(SidecarCode::InvalidArgument, text)
}

/// Ends a call when nobody needs its answer any more.
async fn in_time<T>(deadline: Option<Instant>, call: impl Future<Output = Result<T, SidecarError>>) -> Result<T, SidecarError> {
    let late = || SidecarError::new(SidecarCode::DeadlineExceeded, "the invocation has no time left");
    match deadline {
        None => call.await,
        Some(deadline) if deadline <= Instant::now() => Err(late()),
        Some(deadline) => tokio::time::timeout_at(deadline.into(), call).await.unwrap_or_else(|_| Err(late())),
    }
}

impl Sidecar for Local {
    fn publish(&self, message: Message, scope: Scope) -> Answer<'_, ()> {
        Box::pin(in_time(scope.deadline, async move { self.send_to_topic(message, &scope).await }))
    }

    fn publish_bulk(&self, batch: Batch, scope: Scope) -> Answer<'_, Vec<Rejected>> {
        Box::pin(in_time(scope.deadline, async move { self.send_batch(batch, &scope).await }))
    }

    fn invoke_binding(&self, message: Message, scope: Scope) -> Answer<'_, Reply> {
        Box::pin(in_time(scope.deadline, async move {
            let Answered { reply, failed } = self.call_binding(message, &scope).await?;
            failed.map_or(Ok(reply), Err)
        }))
    }

    fn state(&self, store: &str, key: String, _: ReadOptions, scope: Scope) -> Answer<'_, StateEntry> {
        let store = store.to_owned();
        Box::pin(in_time(scope.deadline, async move { self.read_state(&store, &key) }))
    }

    fn states(&self, store: &str, keys: Vec<String>, _: ReadOptions, scope: Scope) -> Answer<'_, Vec<StateEntry>> {
        let store = store.to_owned();
        Box::pin(in_time(scope.deadline, async move { keys.iter().map(|key| self.read_state(&store, key)).collect() }))
    }

    fn change_states(&self, store: &str, changes: Changes, scope: Scope) -> Answer<'_, ()> {
        let store = store.to_owned();
        Box::pin(in_time(scope.deadline, async move { self.write_states(&store, changes).await }))
    }

    fn query_states(&self, store: &str, query: String, _: Metadata, scope: Scope) -> Answer<'_, StatePage> {
        let store = store.to_owned();
        Box::pin(in_time(scope.deadline, async move { self.query_state(&store, &query) }))
    }

    fn secret(&self, store: &str, name: String, _: Metadata, scope: Scope) -> Answer<'_, BTreeMap<String, String>> {
        let store = store.to_owned();
        Box::pin(in_time(scope.deadline, async move { self.read_secret(&store, &name) }))
    }

    fn invoke(&self, app: &str, request: ::http::Request<Bytes>, scope: Scope) -> Answer<'_, ::http::Response<Bytes>> {
        let app = app.to_owned();
        Box::pin(in_time(scope.deadline, async move { self.call_app(&app, request, &scope).await }))
    }
}
