//! `/v1.0/publish`.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{Pairs, Refusal, content_type, metadata_of, scope};
use crate::sidecar::{
    Batch, BatchEntry, Message, Metadata, SidecarCode, SidecarError,
    local::{Local, wrap},
};

/// Refuses a message that says no topic.
pub(super) async fn nowhere(Path(component): Path<String>) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "ERR_TOPIC_EMPTY", format!("topic is empty in pubsub {component}"))
}

pub(super) async fn one(
    State(local): State<Arc<Local>>,
    Path((component, address)): Path<(String, String)>,
    pairs: Pairs,
    headers: HeaderMap,
    payload: Bytes,
) -> Result<StatusCode, Refusal> {
    let metadata = metadata_of(&pairs);
    check(&local, &component, &metadata)?;
    let content_type = content_type(&headers).to_owned();
    let message = Message { component, address, payload, content_type, metadata };
    let what = format!("error when publishing to topic {} in pubsub {}", message.address, message.component);
    local.send_to_topic(message, &scope(&headers)).await.map(|()| StatusCode::NO_CONTENT).map_err(|error| match error.code() {
        // All that is wrong with a message once its metadata is right.
        SidecarCode::InvalidArgument => {
            Refusal::of(StatusCode::INTERNAL_SERVER_ERROR, "ERR_PUBSUB_CLOUD_EVENTS_SER", "cannot create cloudevent", &error)
        }
        _ => Refusal::of(StatusCode::INTERNAL_SERVER_ERROR, "ERR_PUBSUB_PUBLISH_MESSAGE", &what, &error),
    })
}

fn check(local: &Local, component: &str, metadata: &Metadata) -> Result<(), Refusal> {
    local.check_pubsub(component).map_err(|error| unknown(component, &error))?;
    wrap::check(metadata).map_err(|error| {
        let what = "failed deserializing metadata. Error";
        Refusal::of(StatusCode::BAD_REQUEST, "ERR_PUBSUB_REQUEST_METADATA", what, &error)
    })
}

fn unknown(component: &str, error: &SidecarError) -> Refusal {
    if error.code() == SidecarCode::FailedPrecondition {
        return Refusal::of(StatusCode::BAD_REQUEST, "ERR_PUBSUB_NOT_CONFIGURED", "pubsub is not configured", error);
    }
    Refusal::of(StatusCode::NOT_FOUND, "ERR_PUBSUB_NOT_FOUND", &format!("pubsub {component} not found"), error)
}

/// One message of many.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(rename = "entryId", default)]
    id: String,
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(default)]
    content_type: String,
    #[serde(default)]
    metadata: Option<Metadata>,
}

pub(super) async fn several(
    State(local): State<Arc<Local>>,
    Path((component, topic)): Path<(String, String)>,
    pairs: Pairs,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let metadata = metadata_of(&pairs);
    check(&local, &component, &metadata)?;
    let wrong = |why: String| {
        let text = format!("error when unmarshaling the request for topic {topic} pubsub {component}: {why}");
        Refusal::new(StatusCode::BAD_REQUEST, "ERR_PUBSUB_EVENTS_SER", text)
    };
    let given: Vec<Entry<'_>> = serde_json::from_slice(&body).map_err(|error| wrong(error.to_string()))?;
    let (mut ids, mut entries) = (BTreeSet::new(), Vec::with_capacity(given.len()));
    for Entry { id, event, content_type, metadata } in given {
        if id.is_empty() || !ids.insert(id.clone()) {
            return Err(wrong(format!("entryId {id:?} is duplicated or not present for entry")));
        }
        let payload = payload(event, &content_type).map_err(|why| wrong(format!("entry {id}: {why}")))?;
        entries.push(BatchEntry { id, payload, content_type, metadata: metadata.unwrap_or_default() });
    }
    let (component, topic) = (component.clone(), topic.clone());
    let batch = Batch { component: component.clone(), topic, entries, metadata };
    let rejected = local.send_batch(batch, &scope(&headers)).await.map_err(|error| unknown(&component, &error))?;
    if rejected.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let failed: Vec<_> = rejected.iter().map(|entry| json!({ "entryId": entry.id, "error": entry.why })).collect();
    let body = json!({ "failedEntries": failed, "errorCode": "ERR_PUBSUB_PUBLISH_MESSAGE" });
    Ok((StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response())
}

/// The bytes that an event stands for in JSON: what they are says its content type.
fn payload(event: &RawValue, content_type: &str) -> Result<Bytes, String> {
    let text = || serde_json::from_str::<String>(event.get());
    let json = || Bytes::copy_from_slice(event.get().as_bytes());
    let is = |expected| wrap::is_type(content_type, expected);
    if is("application/octet-stream") {
        let text = text().map_err(|_| "expected Base64 in a text, as the content type says")?;
        return BASE64_STANDARD.decode(text).map(Bytes::from).map_err(|error| format!("unable to decode base64: {error}"));
    }
    if is("application/json") || is("application/cloudevents+json") {
        return Ok(json());
    }
    let is_text = content_type.to_ascii_lowercase().starts_with("text/") || is("application/xml");
    match text() {
        Ok(text) => Ok(text.into()),
        Err(_) if is_text => Err("expected a text, as the content type says".to_owned()),
        Err(_) => Ok(json()),
    }
}
