//! The bodies of requests to a sidecar.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len},
};

/// What a request sends.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// One message of gRPC.
    Grpc(Framed),
    /// The body of a plain request; none once it is sent.
    Whole(Option<Bytes>),
    /// Of the generated client.
    Generated(tonic::body::Body),
}

/// A message with its length before it, in two parts so that a large payload is not copied.
#[derive(Debug, Clone)]
pub(super) struct Framed {
    head: Bytes,
    payload: Bytes,
}

/// A payload of up to this size is copied: an own frame of HTTP/2 would cost more.
const SMALL: usize = 8 << 10;

impl Framed {
    /// Encodes a message. `payload` is the field of this number, which `message` leaves empty: it goes to the end, and fields
    /// may come in any order.
    ///
    /// None for a message too large for the protocol.
    pub(super) fn new(message: &impl Message, payload: Option<(u32, Bytes)>) -> Option<Self> {
        let (field, payload) = payload.filter(|(_, bytes)| !bytes.is_empty()).unwrap_or_default();
        let mut length = message.encoded_len();
        if !payload.is_empty() {
            length += key_len(field) + encoded_len_varint(payload.len() as u64) + payload.len();
        }
        let small = payload.len() <= SMALL;
        let mut head = BytesMut::with_capacity(5 + length - if small { 0 } else { payload.len() });
        // Not compressed.
        head.put_u8(0);
        head.put_u32(u32::try_from(length).ok()?);
        message.encode(&mut head).ok()?;
        if !payload.is_empty() {
            encode_key(field, WireType::LengthDelimited, &mut head);
            encode_varint(payload.len() as u64, &mut head);
        }
        if small {
            head.put_slice(&payload);
            return Some(Self { head: head.freeze(), payload: Bytes::new() });
        }
        Some(Self { head: head.freeze(), payload })
    }

    fn next(&mut self) -> Option<Bytes> {
        let part = if self.head.is_empty() { &mut self.payload } else { &mut self.head };
        Some(std::mem::take(part)).filter(|part| !part.is_empty())
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let part = match self.get_mut() {
            Self::Grpc(framed) => framed.next(),
            Self::Whole(body) => body.take(),
            Self::Generated(body) => return Pin::new(body).poll_frame(context),
        };
        Poll::Ready(part.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Grpc(Framed { head, payload }) => head.is_empty() && payload.is_empty(),
            Self::Whole(body) => body.as_ref().is_none_or(Bytes::is_empty),
            Self::Generated(body) => body.is_end_stream(),
        }
    }

    /// Only of a plain body: of a message it would become a header, and a sidecar gives every header to the component.
    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Self::Grpc(_) | Self::Generated(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use dapr::dapr::proto::runtime::v1::PublishEventRequest;

    use super::*;

    fn sent(size: usize) -> Vec<Bytes> {
        let request = PublishEventRequest { pubsub_name: "kafka".into(), topic: "orders".into(), ..Default::default() };
        let mut framed = Framed::new(&request, Some((3, Bytes::from(vec![7; size])))).unwrap();
        std::iter::from_fn(|| framed.next()).collect()
    }

    #[test]
    fn a_message_is_that_of_the_generated_type_with_its_length_before_it() {
        for size in [0, 1, SMALL, SMALL + 1, 1 << 20] {
            let parts = sent(size);
            assert_eq!(parts.len(), if size > SMALL { 2 } else { 1 });
            let mut whole = Bytes::from(parts.concat());
            let prefix = whole.split_to(5);
            assert_eq!((prefix[0], &prefix[1..]), (0, &u32::try_from(whole.len()).unwrap().to_be_bytes()[..]));
            let request = PublishEventRequest::decode(whole).unwrap();
            assert_eq!((request.topic.as_str(), request.data), ("orders", vec![7; size]));
        }
    }

    #[test]
    fn a_large_payload_is_not_copied() {
        let payload = Bytes::from(vec![7; 64 << 10]);
        let mut framed = Framed::new(&PublishEventRequest::default(), Some((3, payload.clone()))).unwrap();
        assert!(framed.next().is_some());
        assert_eq!(framed.next().unwrap().as_ptr(), payload.as_ptr());
    }
}
