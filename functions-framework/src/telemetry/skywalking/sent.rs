//! What functions send and keep: a sidecar that makes spans on the way to another, and says in what is sent who sends it.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, header::HeaderName};

use crate::{
    event::{Event, inner::Wrapper},
    manifest::{ComponentKind, Manifest, Output},
    sidecar::{
        Answer, Batch, Changes, Message, Metadata, ReadOptions, Rejected, Reply, Scope, Sidecar, SidecarError, StateEntry,
        StatePage,
    },
    span::{
        Span,
        skywalking::{
            Exit, Leaving, SW8,
            protocol::{KeyStringValuePair, SpanLayer},
            unique,
        },
    },
};

/// Makes a span of every call for an invocation that is traced, and tells who is called of it.
#[derive(Debug)]
pub(super) struct Traced {
    inner: Arc<dyn Sidecar>,
    outputs: Vec<Output>,
    /// The types of the components that keep state.
    stores: BTreeMap<String, String>,
    wrapper: Wrapper,
}

/// The bindings that lead to a queue. What is sent there, and to topics, has an inner event around it.
const QUEUES: [&str; 9] = [
    "bindings.aws.kinesis",
    "bindings.aws.sqs",
    "bindings.azure.eventgrid",
    "bindings.azure.eventhubs",
    "bindings.azure.servicebusqueues",
    "bindings.azure.storagequeues",
    "bindings.gcp.pubsub",
    "bindings.kafka",
    "bindings.rabbitmq",
];

/// What a payload is that is a whole event.
const STRUCTURED: &str = "application/cloudevents+json";

impl Traced {
    pub(super) fn new(inner: Arc<dyn Sidecar>, manifest: &Manifest, namespace: Option<&str>) -> Self {
        let stores = manifest.states.iter().map(|state| (state.component.clone(), state.component_type.clone()));
        let (outputs, stores) = (manifest.outputs.clone(), stores.collect());
        Self { inner, outputs, stores, wrapper: Wrapper::new(namespace, &manifest.name) }
    }

    /// The output that a message goes to. Of several on one binding the one with its operation is it, else the first.
    fn output(&self, kind: ComponentKind, component: &str, address: &str) -> Option<&Output> {
        let mut of_component = self.outputs.iter().filter(|output| output.kind == kind && output.component == component);
        match kind {
            ComponentKind::PubSub => of_component.find(|output| output.topic.as_deref() == Some(address)),
            ComponentKind::Binding => {
                let operation = |output: &&Output| output.operation.as_deref() == Some(address);
                of_component.clone().find(operation).or_else(|| of_component.next())
            }
        }
    }

    /// Says in a payload, or in what goes with it, who sends it.
    fn carry(&self, output: Option<&Output>, leaving: &Leaving, message: &mut Carrier<'_>) {
        if message.content_type.starts_with(STRUCTURED) {
            // An event says it itself. What is none after all is for the sidecar to refuse.
            if let Ok(event) = Event::from_json(message.payload.clone()) {
                *message.payload = leaving.mark(event).to_json();
            }
            return;
        }
        // Nobody has said what is behind other components.
        let Some(output) = output else { return };
        let headers = leaving.headers();
        if output.component_type == "bindings.http" {
            let named = |name| if name == SW8 { "Sw8" } else { "Sw8-Correlation" };
            message.metadata.extend(headers.into_iter().map(|(name, value)| (named(name).to_owned(), value)));
            return;
        }
        let is_raw = message.raw || message.metadata.get("rawPayload").is_some_and(|raw| raw.eq_ignore_ascii_case("true"));
        let is_queue = output.kind == ComponentKind::PubSub || QUEUES.contains(&output.component_type.as_str());
        if is_queue && !is_raw {
            let (id, headers) = (unique(), headers.into_iter().collect());
            *message.payload = self.wrapper.wrap(&id, &output.name, &headers, message.payload);
            "application/json".clone_into(message.content_type);
        }
    }
}

/// What is sent, as far as it can say who sends it.
struct Carrier<'a> {
    payload: &'a mut Bytes,
    content_type: &'a mut String,
    metadata: &'a mut Metadata,
    raw: bool,
}

/// What leaves for an output, which is known by its name, or for something undeclared.
fn sending(output: Option<&Output>, otherwise: &str) -> Exit {
    let name = output.map_or(otherwise, |output| &output.name).to_owned();
    let tags = output.map(|output| KeyStringValuePair::new("component.type", output.component_type.as_str()));
    Exit { operation: name.clone(), peer: name, layer: SpanLayer::Faas, tags: tags.into_iter().collect() }
}

/// Begins the span of a call, and tells the sidecar of it.
fn begin(scope: &mut Scope, exit: impl FnOnce() -> Exit) -> Option<Leaving> {
    let Span::SkyWalking(segment) = &scope.span else { return None };
    let leaving = segment.leave(exit());
    scope.trace.others = leaving.headers().into_iter().map(|(name, value)| (name, value.into())).collect();
    Some(leaving)
}

/// Ends it when there is an answer.
fn end<'a, T: 'a>(
    leaving: Option<Leaving>,
    answer: Answer<'a, T>,
    look: impl FnOnce(&mut Leaving, &T) + Send + 'a,
) -> Answer<'a, T> {
    let Some(mut leaving) = leaving else { return answer };
    Box::pin(async move {
        let answered = answer.await;
        match &answered {
            Ok(answer) => look(&mut leaving, answer),
            Err(error) => leaving.fail(&kind(error), Some(&error.to_string())),
        }
        answered
    })
}

fn kind(error: &SidecarError) -> String {
    format!("{:?}", error.code())
}

impl Traced {
    fn storing(&self, operation: &str, store: &str) -> Exit {
        let kind = self.stores.get(store).map_or("dapr", String::as_str);
        let tags = [("db.type", kind), ("db.instance", store), ("db.operation", operation)];
        Exit {
            operation: format!("{operation} {store}"),
            peer: store.to_owned(),
            layer: SpanLayer::Database,
            tags: tags.map(|(key, value)| KeyStringValuePair::new(key, value)).into(),
        }
    }

    fn message(&self, kind: ComponentKind, message: &mut Message, scope: &mut Scope) -> Option<Leaving> {
        let output = self.output(kind, &message.component, &message.address);
        let otherwise = if kind == ComponentKind::PubSub { &message.address } else { &message.component };
        let leaving = begin(scope, || sending(output, otherwise))?;
        let Message { payload, content_type, metadata, .. } = message;
        self.carry(output, &leaving, &mut Carrier { payload, content_type, metadata, raw: scope.raw });
        Some(leaving)
    }
}

impl Sidecar for Traced {
    fn publish(&self, mut message: Message, mut scope: Scope) -> Answer<'_, ()> {
        let leaving = self.message(ComponentKind::PubSub, &mut message, &mut scope);
        end(leaving, self.inner.publish(message, scope), |_, ()| {})
    }

    fn publish_bulk(&self, mut batch: Batch, mut scope: Scope) -> Answer<'_, Vec<Rejected>> {
        let output = self.output(ComponentKind::PubSub, &batch.component, &batch.topic);
        let leaving = begin(&mut scope, || sending(output, &batch.topic));
        if let Some(leaving) = &leaving {
            for entry in &mut batch.entries {
                let (payload, content_type) = (&mut entry.payload, &mut entry.content_type);
                let metadata = &mut entry.metadata;
                self.carry(output, leaving, &mut Carrier { payload, content_type, metadata, raw: scope.raw });
            }
        }
        end(leaving, self.inner.publish_bulk(batch, scope), |leaving, rejected| {
            if let Some(first) = rejected.first() {
                leaving.fail("rejected", Some(&first.why));
            }
        })
    }

    fn invoke_binding(&self, mut message: Message, mut scope: Scope) -> Answer<'_, Reply> {
        let leaving = self.message(ComponentKind::Binding, &mut message, &mut scope);
        end(leaving, self.inner.invoke_binding(message, scope), |_, _| {})
    }

    fn state(&self, store: &str, key: String, options: ReadOptions, mut scope: Scope) -> Answer<'_, StateEntry> {
        let leaving = begin(&mut scope, || self.storing("get", store));
        end(leaving, self.inner.state(store, key, options, scope), |_, _| {})
    }

    fn states(&self, store: &str, keys: Vec<String>, options: ReadOptions, mut scope: Scope) -> Answer<'_, Vec<StateEntry>> {
        let leaving = begin(&mut scope, || self.storing("get", store));
        end(leaving, self.inner.states(store, keys, options, scope), |_, _| {})
    }

    fn change_states(&self, store: &str, changes: Changes, mut scope: Scope) -> Answer<'_, ()> {
        let operation = if changes.transaction { "transaction" } else { "change" };
        let leaving = begin(&mut scope, || self.storing(operation, store));
        end(leaving, self.inner.change_states(store, changes, scope), |_, ()| {})
    }

    fn query_states(&self, store: &str, query: String, metadata: Metadata, mut scope: Scope) -> Answer<'_, StatePage> {
        let leaving = begin(&mut scope, || self.storing("query", store));
        end(leaving, self.inner.query_states(store, query, metadata, scope), |_, _| {})
    }

    fn secret(&self, store: &str, name: String, metadata: Metadata, mut scope: Scope) -> Answer<'_, BTreeMap<String, String>> {
        let leaving = begin(&mut scope, || {
            let operation = format!("secret {store}");
            Exit { operation, peer: store.to_owned(), layer: SpanLayer::Unknown, tags: Vec::new() }
        });
        end(leaving, self.inner.secret(store, name, metadata, scope), |_, _| {})
    }

    fn invoke(&self, app: &str, mut request: http::Request<Bytes>, mut scope: Scope) -> Answer<'_, http::Response<Bytes>> {
        let leaving = begin(&mut scope, || {
            let (method, path) = (request.method().as_str(), request.uri().path());
            let tags = [("http.method", method), ("url", path)].map(|(key, value)| KeyStringValuePair::new(key, value));
            let operation = format!("/{method}{path}");
            Exit { operation, peer: app.to_owned(), layer: SpanLayer::Http, tags: tags.into() }
        });
        for (name, value) in leaving.iter().flat_map(Leaving::headers) {
            // They are base64 and a few signs.
            if let Ok(value) = HeaderValue::try_from(value) {
                request.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        end(leaving, self.inner.invoke(app, request, scope), |leaving, response| {
            let status = response.status();
            leaving.tag("http.status_code", status.as_str().to_owned());
            if status.is_client_error() || status.is_server_error() {
                leaving.fail(status.as_str(), None);
            }
        })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        self.inner.as_any()
    }
}

#[cfg(test)]
mod tests;
