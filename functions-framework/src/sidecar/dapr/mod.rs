//! The way to a Dapr sidecar: its gRPC API, and its HTTP API for calls of other apps.
//!
//! The messages are the generated ones of the `dapr` crate. The calls are made here, on one HTTP/2 connection: that keeps causes,
//! copies no payload, and knows after a broken connection whether a call may be repeated.

mod body;
mod call;
mod client;
pub(super) mod dial;
mod invoke;
mod link;
pub(crate) mod metadata;
mod send;
mod state;
mod status;
#[cfg(test)]
mod tests;

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::AtomicBool},
};

use bytes::Bytes;
use dapr::dapr::proto::runtime::v1 as proto;
use http::HeaderValue;

use super::{Answer, Batch, Changes, Message, Metadata, ReadOptions, Rejected, Reply, Scope, Sidecar, StateEntry, StatePage};
use crate::settings;
pub use client::{Channel, Client};
use link::Link;

/// A sidecar, which need not be there yet.
#[derive(Debug)]
pub(crate) struct Dapr {
    grpc: Arc<Link>,
    http: Link,
    token: Option<HeaderValue>,
    /// The largest payload, both ways.
    largest: usize,
    /// It is older than 1.17, where bulk publishing has another name.
    bulk_is_alpha: AtomicBool,
}

impl Dapr {
    /// Looks at no network: the first call does.
    ///
    /// # Errors
    /// An endpoint that this build cannot reach, in words for who set it.
    pub(crate) fn new(settings: &settings::Dapr, largest: usize) -> Result<Self, String> {
        let token = settings.api_token.as_ref().map(|token| HeaderValue::from_str(&token.0)).transpose();
        let mut token = token.map_err(|_| "DAPR_API_TOKEN has characters that no header can hold".to_owned())?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        Ok(Self {
            grpc: Arc::new(Link::new(settings.grpc(), "DAPR_GRPC_ENDPOINT, or DAPR_HOST and DAPR_GRPC_PORT,")?),
            http: Link::new(settings.http(), "DAPR_HTTP_ENDPOINT, or DAPR_HOST and DAPR_HTTP_PORT,")?,
            token,
            largest,
            bulk_is_alpha: AtomicBool::new(false),
        })
    }
}

impl Sidecar for Dapr {
    fn publish(&self, message: Message, scope: Scope) -> Answer<'_, ()> {
        Box::pin(async move { self.publish_event(message, &scope).await })
    }

    fn publish_bulk(&self, batch: Batch, scope: Scope) -> Answer<'_, Vec<Rejected>> {
        Box::pin(async move { self.publish_events(batch, &scope).await })
    }

    fn invoke_binding(&self, message: Message, scope: Scope) -> Answer<'_, Reply> {
        Box::pin(async move { self.call_binding(message, &scope).await })
    }

    fn state(&self, store: &str, key: String, options: ReadOptions, scope: Scope) -> Answer<'_, StateEntry> {
        let store = store.to_owned();
        Box::pin(async move { self.get_state(store, key, options, &scope).await })
    }

    fn states(&self, store: &str, keys: Vec<String>, options: ReadOptions, scope: Scope) -> Answer<'_, Vec<StateEntry>> {
        let store = store.to_owned();
        Box::pin(async move { self.get_states(store, keys, options, &scope).await })
    }

    fn change_states(&self, store: &str, changes: Changes, scope: Scope) -> Answer<'_, ()> {
        let store = store.to_owned();
        Box::pin(async move { self.change(store, changes, &scope).await })
    }

    fn query_states(&self, store: &str, query: String, metadata: Metadata, scope: Scope) -> Answer<'_, StatePage> {
        let store = store.to_owned();
        Box::pin(async move { self.query(store, query, metadata, &scope).await })
    }

    fn secret(&self, store: &str, name: String, metadata: Metadata, scope: Scope) -> Answer<'_, BTreeMap<String, String>> {
        let store_name = store.to_owned();
        Box::pin(async move {
            let request = proto::GetSecretRequest { store_name, key: name, metadata: map(metadata) };
            let found: proto::GetSecretResponse = self.rpc(GET_SECRET, &request, None, &scope).await?;
            Ok(found.data.into_iter().collect())
        })
    }

    fn invoke(&self, app: &str, request: http::Request<Bytes>, scope: Scope) -> Answer<'_, http::Response<Bytes>> {
        let app = app.to_owned();
        Box::pin(async move { self.call_app(&app, request, &scope).await })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

const GET_SECRET: call::Rpc = call::Rpc::repeatable("/dapr.proto.runtime.v1.Dapr/GetSecret");

/// Metadata as the generated messages have it.
fn map(metadata: Metadata) -> HashMap<String, String> {
    metadata.into_iter().collect()
}
