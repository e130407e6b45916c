//! Publishing, and output bindings.

use std::sync::atomic::Ordering::Relaxed;

use dapr::dapr::proto::runtime::v1 as proto;

use super::{Dapr, call::Rpc, map};
use crate::sidecar::{Batch, BatchEntry, Message, Rejected, Reply, Scope, SidecarCode, SidecarError};

/// A message may be published twice: topics deliver at least once anyway, and a function that failed here would be called
/// again, with all that it had done before.
const PUBLISH: Rpc = Rpc::repeatable("/dapr.proto.runtime.v1.Dapr/PublishEvent");
const PUBLISH_BULK: Rpc = Rpc::repeatable("/dapr.proto.runtime.v1.Dapr/BulkPublishEvent");
const PUBLISH_BULK_ALPHA: Rpc = Rpc::repeatable("/dapr.proto.runtime.v1.Dapr/BulkPublishEventAlpha1");

/// What a binding does may cost money.
const INVOKE_BINDING: Rpc = Rpc::once("/dapr.proto.runtime.v1.Dapr/InvokeBinding");

/// The numbers of the fields that hold the payload.
const PUBLISH_DATA: u32 = 3;
const BINDING_DATA: u32 = 2;

impl Dapr {
    pub(super) async fn publish_event(&self, message: Message, scope: &Scope) -> Result<(), SidecarError> {
        let Message { component, address, payload, content_type, metadata } = message;
        let request = proto::PublishEventRequest {
            pubsub_name: component,
            topic: address,
            data: Vec::new(),
            data_content_type: content_type,
            metadata: map(metadata),
        };
        self.rpc(PUBLISH, &request, Some((PUBLISH_DATA, payload)), scope).await
    }

    pub(super) async fn publish_events(&self, batch: Batch, scope: &Scope) -> Result<Vec<Rejected>, SidecarError> {
        let Batch { component, topic, entries, metadata } = batch;
        let entries = entries.into_iter().map(|entry| {
            let BatchEntry { id, payload, content_type, metadata } = entry;
            proto::BulkPublishRequestEntry { entry_id: id, event: payload.into(), content_type, metadata: map(metadata) }
        });
        let request =
            proto::BulkPublishRequest { pubsub_name: component, topic, entries: entries.collect(), metadata: map(metadata) };
        let answered: Result<proto::BulkPublishResponse, _> = if self.bulk_is_alpha.load(Relaxed) {
            self.rpc(PUBLISH_BULK_ALPHA, &request, None, scope).await
        } else {
            match self.rpc(PUBLISH_BULK, &request, None, scope).await {
                Err(error) if is_unknown_method(&error) => {
                    let answered = self.rpc(PUBLISH_BULK_ALPHA, &request, None, scope).await;
                    self.bulk_is_alpha.store(answered.is_ok(), Relaxed);
                    answered
                }
                answered => answered,
            }
        };
        let failed = answered?.failed_entries.into_iter();
        Ok(failed.map(|entry| Rejected { id: entry.entry_id, why: entry.error }).collect())
    }

    pub(super) async fn call_binding(&self, message: Message, scope: &Scope) -> Result<Reply, SidecarError> {
        let Message { component, address, payload, content_type: _, metadata } = message;
        let request =
            proto::InvokeBindingRequest { name: component, data: Vec::new(), metadata: map(metadata), operation: address };
        let answered: proto::InvokeBindingResponse =
            self.rpc(INVOKE_BINDING, &request, Some((BINDING_DATA, payload)), scope).await?;
        Ok(Reply { data: answered.data.into(), metadata: answered.metadata.into_iter().collect() })
    }
}

/// Older sidecars take a method they do not know for one of an app, and cannot tell which.
fn is_unknown_method(error: &SidecarError) -> bool {
    error.code() == SidecarCode::Unimplemented
        || error.code() == SidecarCode::Unknown && error.message().contains("failed to proxy request")
}
