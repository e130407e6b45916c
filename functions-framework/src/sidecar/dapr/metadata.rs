//! What a sidecar says about itself: the components it has, the subscriptions it keeps.

use dapr::dapr::proto::runtime::v1 as proto;

use super::{Dapr, call::Rpc};
use crate::sidecar::{Scope, SidecarError};

const GET_METADATA: Rpc = Rpc::repeatable("/dapr.proto.runtime.v1.Dapr/GetMetadata");

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Installed {
    /// Of daprd, such as 1.18.3.
    pub(crate) version: String,
    pub(crate) app_id: String,
    pub(crate) components: Vec<Component>,
    pub(crate) subscriptions: Vec<Subscription>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: String,
    /// Such as `bindings.cron`.
    pub(crate) kind: String,
    /// Such as `ETAG`, `TRANSACTIONAL`, `INPUT_BINDING`.
    pub(crate) capabilities: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) pubsub: String,
    pub(crate) topic: String,
    pub(crate) dead_letter_topic: Option<String>,
    pub(crate) origin: SubscriptionOrigin,
}

/// Who asked for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubscriptionOrigin {
    Unknown,
    /// A Subscription resource.
    Declarative,
    /// This app.
    Programmatic,
    Streaming,
}

impl Dapr {
    /// Asks the sidecar for its components and for the subscriptions that are active.
    pub(crate) async fn metadata(&self, scope: &Scope) -> Result<Installed, SidecarError> {
        let found: proto::GetMetadataResponse = self.rpc(GET_METADATA, &proto::GetMetadataRequest {}, None, scope).await?;
        let components = found.registered_components.into_iter().map(|component| Component {
            name: component.name,
            kind: component.r#type,
            capabilities: component.capabilities,
        });
        let subscriptions = found.subscriptions.into_iter().map(|subscription| Subscription {
            origin: origin(subscription.r#type()),
            pubsub: subscription.pubsub_name,
            topic: subscription.topic,
            dead_letter_topic: Some(subscription.dead_letter_topic).filter(|topic| !topic.is_empty()),
        });
        Ok(Installed {
            version: found.runtime_version,
            app_id: found.id,
            components: components.collect(),
            subscriptions: subscriptions.collect(),
        })
    }
}

fn origin(kind: proto::PubsubSubscriptionType) -> SubscriptionOrigin {
    match kind {
        proto::PubsubSubscriptionType::Declarative => SubscriptionOrigin::Declarative,
        proto::PubsubSubscriptionType::Programmatic => SubscriptionOrigin::Programmatic,
        proto::PubsubSubscriptionType::Streaming => SubscriptionOrigin::Streaming,
        proto::PubsubSubscriptionType::Unknown => SubscriptionOrigin::Unknown,
    }
}
