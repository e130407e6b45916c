//! The messages of single events, whose fields are parts of what was read. The generated types would copy each of them.

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use prost::Message;
use prost_types::Struct;

/// `TopicEventRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TopicEvent {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) source: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) ty: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    pub(super) data_content_type: Bytes,
    #[prost(bytes = "bytes", tag = "6")]
    pub(super) topic: Bytes,
    #[prost(bytes = "bytes", tag = "7")]
    pub(super) data: Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    pub(super) pubsub_name: Bytes,
    #[prost(bytes = "bytes", tag = "9")]
    pub(super) path: Bytes,
    /// A [`Struct`], not looked into: few functions ask.
    #[prost(bytes = "bytes", tag = "10")]
    extensions: Bytes,
}

impl TopicEvent {
    /// The attributes that have no field of their own. An event whose others can be read has at least those.
    pub(super) fn extensions(&self) -> Struct {
        Struct::decode(self.extensions.clone()).unwrap_or_else(|error| {
            tracing::debug!(%error, "the extensions of an event cannot be read");
            Struct::default()
        })
    }
}

/// A field that holds text.
pub(super) fn text(field: &Bytes) -> Cow<'_, str> {
    String::from_utf8_lossy(field)
}

/// `BindingEventRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BindingEvent {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) data: Bytes,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(super) metadata: BTreeMap<String, String>,
}

/// `BindingEventResponse`, of which nothing else is answered.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BindingReply {
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) data: Bytes,
}

#[cfg(test)]
mod tests {
    use dapr::dapr::proto::runtime::v1::{BindingEventRequest, BindingEventResponse, TopicEventRequest};
    use prost_types::{Value, value::Kind};

    use super::*;

    fn read<T: Message + Default>(message: &impl Message) -> T {
        T::decode(Bytes::from(message.encode_to_vec())).unwrap()
    }

    #[test]
    fn an_event_of_a_topic_is_read_as_it_is_generated() {
        let extensions = Struct { fields: [("n".to_owned(), Value { kind: Some(Kind::NumberValue(1.0)) })].into() };
        let sent = TopicEventRequest {
            id: "id".into(),
            source: "source".into(),
            r#type: "type".into(),
            spec_version: "1.0".into(),
            data_content_type: "content type".into(),
            data: b"\0\xff".into(),
            topic: "topic".into(),
            pubsub_name: "component".into(),
            path: "path".into(),
            extensions: Some(extensions.clone()),
        };
        let got: TopicEvent = read(&sent);
        let texts = [&got.id, &got.source, &got.ty, &got.data_content_type, &got.topic, &got.pubsub_name, &got.path];
        assert_eq!(texts.map(text), ["id", "source", "type", "content type", "topic", "component", "path"]);
        assert_eq!((&got.data[..], got.extensions()), (&b"\0\xff"[..], extensions));
        assert_eq!(TopicEvent { extensions: "no struct".into(), ..got }.extensions(), Struct::default());
        assert_eq!(read::<TopicEvent>(&TopicEventRequest::default()).extensions(), Struct::default());
    }

    #[test]
    fn an_event_of_a_binding_and_its_reply_are_as_they_are_generated() {
        let metadata = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        let sent = BindingEventRequest { name: "tick".into(), data: b"x".into(), metadata: metadata.clone().into() };
        assert_eq!(
            read::<BindingEvent>(&sent),
            BindingEvent { name: "tick".into(), data: "x".into(), metadata: metadata.into() }
        );
        let reply: BindingEventResponse = read(&BindingReply { data: "reply".into() });
        assert_eq!(reply, BindingEventResponse { data: b"reply".into(), ..BindingEventResponse::default() });
    }
}
