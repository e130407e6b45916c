//! `/v1.0/bindings` and `/v1.0/secrets`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Refusal, object, scope};
use crate::sidecar::{
    Message, Metadata, SidecarCode, SidecarError,
    local::{Local, http::Answered},
};

/// What is asked of a binding.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    operation: String,
}

pub(super) async fn call(
    State(local): State<Arc<Local>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Call { data, metadata, operation } = object(&body)?;
    // As with Dapr the data stays JSON: a text keeps its quotes.
    let payload = Bytes::copy_from_slice(data.map_or("null", RawValue::get).as_bytes());
    let (component, content_type, metadata) = (name.clone(), "application/json".to_owned(), metadata.unwrap_or_default());
    let message = Message { component, address: operation, payload, content_type, metadata };
    let failed = |error: &SidecarError| {
        let what = format!("error invoking output binding {name}");
        Refusal::of(StatusCode::INTERNAL_SERVER_ERROR, "ERR_INVOKE_OUTPUT_BINDING", &what, error)
    };
    let Answered { reply, failed: no_success } =
        local.call_binding(message, &scope(&headers)).await.map_err(|error| failed(&error))?;
    let empty = reply.data.is_empty() && reply.metadata.is_empty();
    let mut response = match no_success {
        Some(error) => failed(&error).into_response(),
        None if empty => StatusCode::NO_CONTENT.into_response(),
        None => (StatusCode::OK, [(CONTENT_TYPE, "application/json")], reply.data).into_response(),
    };
    for (name, value) in &reply.metadata {
        let name = HeaderName::from_bytes(format!("metadata.{name}").as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

pub(super) async fn secret(
    State(local): State<Arc<Local>>,
    Path((store, key)): Path<(String, String)>,
) -> Result<Json<BTreeMap<String, String>>, Refusal> {
    local.secret_store(&store).map_err(|error| no_store(&store, &error))?;
    local.read_secret(&store, &key).map(Json).map_err(|error| {
        if error.code() == SidecarCode::PermissionDenied {
            let what = format!("access denied by policy to get {key:?} from {store:?}");
            return Refusal::of(StatusCode::FORBIDDEN, "ERR_PERMISSION_DENIED", &what, &error);
        }
        let what = format!("failed getting secret with key {key} from secret store {store}");
        Refusal::of(StatusCode::INTERNAL_SERVER_ERROR, "ERR_SECRET_GET", &what, &error)
    })
}

pub(super) async fn secrets(
    State(local): State<Arc<Local>>,
    Path(store): Path<String>,
) -> Result<Json<BTreeMap<String, BTreeMap<String, String>>>, Refusal> {
    local.secret_store(&store).map(|secrets| Json(secrets.all())).map_err(|error| no_store(&store, &error))
}

fn no_store(store: &str, error: &SidecarError) -> Refusal {
    if error.code() == SidecarCode::FailedPrecondition {
        let what = "secret store is not configured";
        return Refusal::of(StatusCode::INTERNAL_SERVER_ERROR, "ERR_SECRET_STORES_NOT_CONFIGURED", what, error);
    }
    let what = format!("failed finding secret store with key {store}");
    Refusal::of(StatusCode::UNAUTHORIZED, "ERR_SECRET_STORE_NOT_FOUND", &what, error)
}
