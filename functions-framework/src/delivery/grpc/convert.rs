//! The messages of Dapr's protocol, and what the framework makes of them.

use std::collections::HashMap;

use bytes::Bytes;
use dapr::dapr::proto::runtime::v1::{
    BulkSubscribeConfig, TopicEventBulkRequestEntry, TopicEventCeRequest, TopicRoutes, TopicRule, TopicSubscription,
    topic_event_bulk_request_entry::Event as EntryEvent,
};
use prost_types::{Struct, Value, value::Kind};

use super::message::{self, TopicEvent};
use crate::{
    delivery::{Incoming, Source, codec::Attributes, discovery},
    event::{Event, LateEvent},
    sidecar::Trace,
};

/// A single event. Its attributes are read when somebody asks for them.
pub(super) fn topic_event(given: TopicEvent) -> Incoming {
    let payload = given.data.clone();
    let event = LateEvent::of(move || {
        let [id, source, ty, content_type] =
            [&given.id, &given.source, &given.ty, &given.data_content_type].map(|field| message::text(field).into_owned());
        event([id, source, ty, content_type], given.extensions(), given.data)
    });
    Incoming { payload, event, ..Incoming::default() }
}

/// One event of a batch.
pub(super) fn entry(entry: TopicEventBulkRequestEntry, trace: Trace) -> Incoming {
    let metadata = entry.metadata.into_iter().collect();
    match entry.event {
        Some(EntryEvent::CloudEvent(given)) => {
            let TopicEventCeRequest { id, source, r#type, data_content_type, data, extensions, .. } = given;
            let payload = Bytes::from(data);
            let event = event([id, source, r#type, data_content_type], extensions.unwrap_or_default(), payload.clone());
            Incoming { payload, event: event.into(), metadata, trace, ..Incoming::default() }
        }
        Some(EntryEvent::Bytes(payload)) => Incoming { payload: payload.into(), metadata, trace, ..Incoming::default() },
        None => Incoming { metadata, trace, ..Incoming::default() },
    }
}

/// An event of the attributes that the protocol has fields for, in this order, and of its other ones.
fn event([id, source, ty, content_type]: [String; 4], extensions: Struct, payload: Bytes) -> Option<Event> {
    let mut attributes = Attributes::default();
    for (name, text) in [("id", id), ("source", source), ("type", ty), ("datacontenttype", content_type)] {
        attributes.set(name, text);
    }
    for (name, value) in extensions.fields {
        if let Some(text) = text(value) {
            attributes.set(&name, text);
        }
    }
    attributes.event(Some(payload).filter(|payload| !payload.is_empty()))
}

/// An extension as text, whatever its publisher made it.
fn text(value: Value) -> Option<String> {
    match value.kind? {
        Kind::NullValue(_) => None,
        Kind::StringValue(text) => Some(text),
        Kind::BoolValue(truth) => Some(truth.to_string()),
        Kind::NumberValue(number) => Some(number.to_string()),
        other @ (Kind::StructValue(_) | Kind::ListValue(_)) => Some(json(Value { kind: Some(other) }).to_string()),
    }
}

fn json(value: Value) -> serde_json::Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::BoolValue(truth)) => truth.into(),
        Some(Kind::NumberValue(number)) => number.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json).collect(),
        Some(Kind::StructValue(object)) => object.fields.into_iter().map(|(name, value)| (name, json(value))).collect(),
    }
}

/// A subscription, as the answer to `ListTopicSubscriptions` has it; none for an input that is a binding.
pub(super) fn subscription(source: &Source) -> Option<TopicSubscription> {
    let terms = &source.subscription;
    let rules = terms
        .rules
        .iter()
        .map(|rule| TopicRule { r#match: rule.matches.clone(), path: discovery::path(source, Some(&rule.path)) });
    let number = |number: Option<u32>| number.and_then(|number| i32::try_from(number).ok()).unwrap_or_default();
    Some(TopicSubscription {
        pubsub_name: source.declared.component.clone(),
        topic: source.declared.topic.clone()?,
        metadata: terms.metadata.clone().into_iter().collect::<HashMap<_, _>>(),
        routes: Some(TopicRoutes { rules: rules.collect(), default: discovery::path(source, terms.default_path.as_deref()) }),
        dead_letter_topic: terms.dead_letter_topic.clone().unwrap_or_default(),
        bulk_subscribe: terms.bulk.map(|bulk| BulkSubscribeConfig {
            enabled: true,
            max_messages_count: number(bulk.max_messages),
            max_await_duration_ms: number(bulk.max_await_ms),
        }),
    })
}
