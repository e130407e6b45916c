//! Several events in one delivery, each with a verdict of its own (contract dapr.md §1.5).

use ::http::{HeaderMap, header::CONTENT_TYPE};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{
    Incoming, Source,
    codec::{self, Origin},
};
use crate::{
    outcome::Verdict,
    sidecar::{Metadata, Trace},
};

/// The body of a bulk delivery.
#[derive(Debug, Deserialize)]
pub(super) struct Batch {
    #[serde(rename = "type")]
    ty: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "entryId")]
    id: String,
    /// An event, or Base64 where the subscription is raw.
    event: Box<RawValue>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

/// Reads a body that is a batch.
pub(super) fn parse(headers: &HeaderMap, body: &Bytes) -> Option<Batch> {
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let batch: Batch = is_json.then(|| serde_json::from_slice(body).ok()).flatten()?;
    (batch.ty == "com.dapr.event.sent.bulk").then_some(batch)
}

/// Delivers them at once, as far as there are places; answers the JSON that daprd reads. An entry that is not in it comes again.
pub(super) async fn deliver(source: &Source, route: Option<&str>, batch: Batch, trace: &Trace) -> String {
    let verdicts = batch.entries.into_iter().map(|entry| async move {
        let outcome = source.deliver(incoming(&entry.event, entry.metadata.unwrap_or_default(), route, trace)).await;
        json!({ "entryId": entry.id, "status": status(outcome.verdict) })
    });
    json!({ "statuses": join_all(verdicts).await }).to_string()
}

fn incoming(event: &RawValue, metadata: Metadata, route: Option<&str>, trace: &Trace) -> Incoming {
    let raw = serde_json::from_str::<String>(event.get()).ok();
    let incoming = match raw.and_then(|base64| BASE64_STANDARD.decode(base64).ok()) {
        Some(bytes) => Incoming { payload: bytes.into(), metadata, ..Incoming::default() },
        None => codec::topic_event(&Bytes::copy_from_slice(event.get().as_bytes()), metadata, Origin::Sidecar),
    };
    Incoming { route: route.map(str::to_owned), trace: trace.clone(), ..incoming }
}

fn status(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Success => "SUCCESS",
        Verdict::Retry => "RETRY",
        Verdict::Drop => "DROP",
    }
}
