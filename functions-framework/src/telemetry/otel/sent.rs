//! What functions send and keep: a sidecar that makes spans on the way to another.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use opentelemetry::{KeyValue, trace::SpanKind};

use crate::{
    sidecar::{
        Answer, Batch, Changes, Message, Metadata, ReadOptions, Rejected, Reply, Scope, Sidecar, SidecarError, StateEntry,
        StatePage,
    },
    span::Child,
};

/// Makes a span of every call for an invocation that is traced, and tells the sidecar of it.
#[derive(Debug)]
pub(super) struct Traced(Arc<dyn Sidecar>);

impl Traced {
    pub(super) fn new(inner: Arc<dyn Sidecar>) -> Self {
        Self(inner)
    }
}

/// Begins the span of a call, whose trace is then that of the call.
fn begin(scope: &mut Scope, kind: SpanKind, describe: impl FnOnce() -> (String, Vec<KeyValue>)) -> Option<Child> {
    let child = scope.span.child("call", kind)?;
    child.describe(describe);
    scope.trace = child.trace();
    Some(child)
}

/// Ends it when there is an answer.
fn end<'a, T: 'a>(child: Option<Child>, answer: Answer<'a, T>, look: impl FnOnce(&Child, &T) + Send + 'a) -> Answer<'a, T> {
    let Some(child) = child else { return answer };
    Box::pin(async move {
        let answered = answer.await;
        match &answered {
            Ok(answer) => look(&child, answer),
            Err(error) => child.fail(&kind(error), Some(&error.to_string())),
        }
        answered
    })
}

fn kind(error: &SidecarError) -> String {
    format!("{:?}", error.code())
}

fn text(key: &'static str, value: &str) -> KeyValue {
    KeyValue::new(key, value.to_owned())
}

fn sending(component: &str, topic: &str) -> (String, Vec<KeyValue>) {
    let attributes = vec![
        KeyValue::new("messaging.system", "dapr"),
        KeyValue::new("messaging.operation.name", "publish"),
        KeyValue::new("messaging.operation.type", "send"),
        text("messaging.destination.name", topic),
        text("dapr.component", component),
    ];
    (format!("publish {topic}"), attributes)
}

fn storing(operation: &'static str, store: &str) -> (String, Vec<KeyValue>) {
    let attributes = vec![
        KeyValue::new("db.system.name", "dapr"),
        KeyValue::new("db.operation.name", operation),
        text("db.collection.name", store),
        text("dapr.component", store),
    ];
    (format!("{operation} {store}"), attributes)
}

impl Sidecar for Traced {
    fn publish(&self, message: Message, mut scope: Scope) -> Answer<'_, ()> {
        let child = begin(&mut scope, SpanKind::Producer, || sending(&message.component, &message.address));
        end(child, self.0.publish(message, scope), |_, ()| {})
    }

    fn publish_bulk(&self, batch: Batch, mut scope: Scope) -> Answer<'_, Vec<Rejected>> {
        let child = begin(&mut scope, SpanKind::Producer, || {
            let (name, mut attributes) = sending(&batch.component, &batch.topic);
            let count = i64::try_from(batch.entries.len()).unwrap_or(i64::MAX);
            attributes.push(KeyValue::new("messaging.batch.message_count", count));
            (name, attributes)
        });
        end(child, self.0.publish_bulk(batch, scope), |child, rejected| {
            if let Some(first) = rejected.first() {
                child.fail("rejected", Some(&first.why));
            }
        })
    }

    fn invoke_binding(&self, message: Message, mut scope: Scope) -> Answer<'_, Reply> {
        let child = begin(&mut scope, SpanKind::Client, || {
            let (component, operation) = (&message.component, &message.address);
            let attributes = vec![text("dapr.component", component), text("dapr.operation", operation)];
            (format!("{operation} {component}").trim_start().to_owned(), attributes)
        });
        end(child, self.0.invoke_binding(message, scope), |_, _| {})
    }

    fn state(&self, store: &str, key: String, options: ReadOptions, mut scope: Scope) -> Answer<'_, StateEntry> {
        let child = begin(&mut scope, SpanKind::Client, || storing("get", store));
        end(child, self.0.state(store, key, options, scope), |_, _| {})
    }

    fn states(&self, store: &str, keys: Vec<String>, options: ReadOptions, mut scope: Scope) -> Answer<'_, Vec<StateEntry>> {
        let child = begin(&mut scope, SpanKind::Client, || storing("get", store));
        end(child, self.0.states(store, keys, options, scope), |_, _| {})
    }

    fn change_states(&self, store: &str, changes: Changes, mut scope: Scope) -> Answer<'_, ()> {
        let operation = if changes.transaction { "transaction" } else { "change" };
        let child = begin(&mut scope, SpanKind::Client, || storing(operation, store));
        end(child, self.0.change_states(store, changes, scope), |_, ()| {})
    }

    fn query_states(&self, store: &str, query: String, metadata: Metadata, mut scope: Scope) -> Answer<'_, StatePage> {
        let child = begin(&mut scope, SpanKind::Client, || storing("query", store));
        end(child, self.0.query_states(store, query, metadata, scope), |_, _| {})
    }

    fn secret(&self, store: &str, name: String, metadata: Metadata, mut scope: Scope) -> Answer<'_, BTreeMap<String, String>> {
        let child = begin(&mut scope, SpanKind::Client, || (format!("secret {store}"), vec![text("dapr.component", store)]));
        end(child, self.0.secret(store, name, metadata, scope), |_, _| {})
    }

    fn invoke(&self, app: &str, request: http::Request<Bytes>, mut scope: Scope) -> Answer<'_, http::Response<Bytes>> {
        let child = begin(&mut scope, SpanKind::Client, || {
            let method = request.method().to_string();
            let name = format!("{method} {app}");
            let path = text("url.path", request.uri().path());
            (name, vec![KeyValue::new("http.request.method", method), text("server.address", app), path])
        });
        end(child, self.0.invoke(app, request, scope), |child, response| {
            let status = response.status();
            child.set(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
            if status.is_client_error() || status.is_server_error() {
                child.fail(status.as_str(), None);
            }
        })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        self.0.as_any()
    }
}
