//! `/v1.0/state`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Pairs, Refusal, metadata_of, object};
use crate::sidecar::{Change, Changes, Metadata, SidecarCode, SidecarError, StateEntry, local::Local};

/// A value to save, or a key to delete.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(default)]
    key: String,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    options: Option<ItemOptions>,
}

#[derive(Default, Deserialize)]
struct ItemOptions {
    #[serde(default)]
    concurrency: String,
    #[serde(default)]
    consistency: String,
}

impl Item<'_> {
    fn change(self, deletes: bool, more: &Metadata) -> Result<Change, Refusal> {
        if self.key.is_empty() {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "ERR_MALFORMED_REQUEST", "\"key\" is a required field"));
        }
        let options = self.options.unwrap_or_default();
        for (name, value, known) in [
            ("concurrency", &options.concurrency, ["", "first-write", "last-write"]),
            ("consistency", &options.consistency, ["", "strong", "eventual"]),
        ] {
            if !known.contains(&value.as_str()) {
                let text = format!("options.{name} of key {:?}: {value:?}: expected {} or {}", self.key, known[1], known[2]);
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "ERR_MALFORMED_REQUEST", text));
            }
        }
        let value = self.value.map_or("null", RawValue::get);
        Ok(Change {
            key: self.key,
            value: (!deletes).then(|| Bytes::copy_from_slice(value.as_bytes())),
            etag: self.etag,
            first_write: options.concurrency == "first-write",
            strong: options.consistency == "strong",
            metadata: self.metadata.unwrap_or_default().into_iter().chain(more.clone()).collect(),
        })
    }
}

/// Refuses a store that is not there.
fn check(local: &Local, store: &str) -> Result<(), Refusal> {
    local.state_store(store).map(|_| ()).map_err(|error| match error.code() {
        SidecarCode::FailedPrecondition => {
            let what = format!("state store {store} is not configured");
            Refusal::of(StatusCode::INTERNAL_SERVER_ERROR, "ERR_STATE_STORE_NOT_CONFIGURED", &what, &error)
        }
        _ => Refusal::of(
            StatusCode::BAD_REQUEST,
            "ERR_STATE_STORE_NOT_FOUND",
            &format!("state store {store} is not found"),
            &error,
        ),
    })
}

/// The status of what a store refused.
fn refused(code: &'static str, what: &str, error: &SidecarError) -> Refusal {
    let status = match error.code() {
        SidecarCode::Aborted => StatusCode::CONFLICT,
        SidecarCode::InvalidArgument => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::of(status, code, what, error)
}

pub(super) async fn read(
    State(local): State<Arc<Local>>,
    Path((store, key)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    check(&local, &store)?;
    let what = format!("fail to get {key} from state store {store}");
    let entry = local.read_state(&store, &key).map_err(|error| refused("ERR_STATE_GET", &what, &error))?;
    let Some(value) = entry.value else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let mut response = (StatusCode::OK, [(CONTENT_TYPE, "application/json")], value).into_response();
    let metadata = entry.metadata.into_iter().map(|(name, value)| (format!("metadata.{name}"), value));
    for (name, value) in entry.etag.map(|etag| ("etag".to_owned(), etag)).into_iter().chain(metadata) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

pub(super) async fn save(
    State(local): State<Arc<Local>>,
    Path(store): Path<String>,
    pairs: Pairs,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    check(&local, &store)?;
    let items: Vec<Item<'_>> = serde_json::from_slice(&body).map_err(|error| Refusal::malformed(&error))?;
    let more = metadata_of(&pairs);
    let changes = items.into_iter().map(|item| item.change(false, &more)).collect::<Result<_, _>>()?;
    let what = format!("failed saving state in state store {store}");
    let saved = local.write_states(&store, Changes { changes, ..Changes::default() }).await;
    saved.map(|()| StatusCode::NO_CONTENT).map_err(|error| refused("ERR_STATE_SAVE", &what, &error))
}

pub(super) async fn delete(
    State(local): State<Arc<Local>>,
    Path((store, key)): Path<(String, String)>,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    check(&local, &store)?;
    let said = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let options = ItemOptions { concurrency: said("concurrency"), consistency: said("consistency") };
    let etag = headers.get("if-match").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let what = format!("failed deleting state with key {key}");
    let item = Item { key, value: None, etag, metadata: None, options: Some(options) };
    let changes = vec![item.change(true, &metadata_of(&pairs))?];
    let deleted = local.write_states(&store, Changes { changes, ..Changes::default() }).await;
    deleted.map(|()| StatusCode::NO_CONTENT).map_err(|error| refused("ERR_STATE_DELETE", &what, &error))
}

#[derive(Deserialize)]
struct Keys {
    #[serde(default)]
    keys: Vec<String>,
}

/// A value among others.
#[derive(Serialize)]
struct Found {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<StateEntry> for Found {
    fn from(entry: StateEntry) -> Self {
        let StateEntry { key, value, etag, metadata, mut error } = entry;
        let data = value.and_then(|value| {
            let json = serde_json::from_slice(&value);
            if json.is_err() {
                error = Some("the value is no JSON: it can be read by itself only".to_owned());
            }
            json.ok()
        });
        Self { key, data, etag, metadata, error }
    }
}

pub(super) async fn bulk(State(local): State<Arc<Local>>, Path(store): Path<String>, body: Bytes) -> Result<Response, Refusal> {
    check(&local, &store)?;
    let Keys { keys } = object(&body)?;
    let found: Result<Vec<Found>, _> = keys.iter().map(|key| local.read_state(&store, key).map(Found::from)).collect();
    let what = format!("fail to get values from state store {store}");
    found.map(|found| Json(found).into_response()).map_err(|error| refused("ERR_STATE_BULK_GET", &what, &error))
}

#[derive(Deserialize)]
struct Transaction<'a> {
    #[serde(borrow, default)]
    operations: Vec<Operation<'a>>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Operation<'a> {
    operation: String,
    #[serde(borrow)]
    request: Item<'a>,
}

pub(super) async fn transaction(
    State(local): State<Arc<Local>>,
    Path(store): Path<String>,
    pairs: Pairs,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    check(&local, &store)?;
    let Transaction { operations, metadata } = object(&body)?;
    let more = metadata.unwrap_or_default().into_iter().chain(metadata_of(&pairs)).collect();
    let mut changes = Vec::with_capacity(operations.len());
    for Operation { operation, request } in operations {
        let deletes = match operation.as_str() {
            "upsert" => false,
            "delete" => true,
            other => {
                let text = format!("operation type {other} not supported: expected upsert or delete");
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "ERR_NOT_SUPPORTED_STATE_OPERATION", text));
            }
        };
        changes.push(request.change(deletes, &more)?);
    }
    let written = local.write_states(&store, Changes { changes, transaction: true, ..Changes::default() }).await;
    written.map(|()| StatusCode::NO_CONTENT).map_err(|error| {
        let what = "error while executing state transaction";
        Refusal::of(StatusCode::INTERNAL_SERVER_ERROR, "ERR_STATE_TRANSACTION", what, &error)
    })
}

#[derive(Serialize)]
struct Page {
    results: Vec<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

pub(super) async fn query(
    State(local): State<Arc<Local>>,
    Path(store): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    check(&local, &store)?;
    let failed = |why: &str| {
        let text = format!("state store {store} query failed: {why}");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "ERR_STATE_QUERY", text)
    };
    let text = std::str::from_utf8(&body).map_err(|error| failed(&error.to_string()))?;
    let page = local.query_state(&store, text).map_err(|error| failed(error.message()))?;
    if page.entries.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let results = page.entries.into_iter().map(Found::from).collect();
    Ok(Json(Page { results, token: page.token }).into_response())
}
