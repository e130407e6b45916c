//! A call with one message in and one out, which is all that a sidecar makes.
//!
//! It is not left to tonic: its server copies a message into a buffer of its own, answers what it refuses in words that name no
//! setting, and refuses a compressed message as `Unimplemented`, which daprd takes for an event that is done.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use axum::{body::Body, response::Response};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http_body::Frame;
use prost::Message;
use tonic::Status;

use crate::function::body::RequestBody;

/// A byte that says whether the message is compressed, and its length.
const PREFIX: usize = 5;

/// Reads the message, of at most so many bytes. One that came in one piece is not copied.
pub(super) async fn read<Q: Message + Default>(body: RequestBody, most: usize) -> Result<Q, Status> {
    let mut message = match body.collect_as(declared).await {
        Ok(message) => message,
        Err(error) if error.status_code() == StatusCode::PAYLOAD_TOO_LARGE => return Err(too_large(most)),
        Err(error) => return Err(Status::cancelled(error.to_string())),
    };
    if message.len() < PREFIX {
        return Err(Status::internal("the call has no message"));
    }
    if message.get_u8() != 0 {
        return Err(Status::internal("the message is compressed, which nobody was told to do"));
    }
    if message.get_u32() as usize != message.len() {
        return Err(Status::internal("the message does not have the length that it says"));
    }
    Q::decode(message).map_err(|error| Status::internal(format!("the message cannot be read: {error}")))
}

/// How long the body of a call is to be, as its first piece says.
fn declared(begun: &[u8]) -> u64 {
    begun.get(1..PREFIX).map_or(0, |mut length| PREFIX as u64 + u64::from(length.get_u32()))
}

fn too_large(most: usize) -> Status {
    Status::resource_exhausted(format!("the message is larger than {most} bytes: FUNCTION_MAX_BODY_SIZE raises the limit"))
}

/// Answers a message, or what went wrong.
pub(super) fn answer(answer: Result<impl Message, Status>) -> Response {
    let answer = answer
        .and_then(|message| framed(&message).ok_or_else(|| Status::internal("the answer is larger than the protocol allows")));
    let message = match answer {
        Ok(message) => message,
        Err(status) => return status.into_http::<tonic::body::Body>().map(Body::new),
    };
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, OK);
    let mut response = Response::new(Body::new(Answer { message, trailers: Some(trailers) }));
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const OK: HeaderValue = HeaderValue::from_static("0");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// The message with its prefix; none where its length does not fit into one.
fn framed(message: &impl Message) -> Option<Bytes> {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX + length);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(length).ok()?);
    message.encode(&mut framed).ok()?;
    Some(framed.freeze())
}

/// The one message, and the status after it.
struct Answer {
    message: Bytes,
    trailers: Option<HeaderMap>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.message.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.message)))));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.message.is_empty() && self.trailers.is_none()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;
    use tonic::Code;

    use super::*;

    /// A body that comes in pieces of so many bytes.
    fn body(bytes: &[u8], pieces: usize, most: usize) -> RequestBody {
        let pieces: Vec<_> = bytes.chunks(pieces).map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece))).collect();
        RequestBody::new(Body::from_stream(stream::iter(pieces)), most)
    }

    async fn refused(bytes: &[u8], most: usize) -> Status {
        read::<String>(body(bytes, 64, most), most).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_message_is_read_in_however_many_pieces_it_came() {
        let text = "x".repeat(100);
        let sent = framed(&text).unwrap();
        assert_eq!(declared(&sent[..PREFIX]), sent.len() as u64, "there is room for all of it before the second piece");
        for pieces in [1, 4, 6, 64, 1000] {
            assert_eq!(read::<String>(body(&sent, pieces, 1000), 1000).await.unwrap(), text);
        }
        assert_eq!(read::<String>(body(&framed(&String::new()).unwrap(), 9, 9), 9).await.unwrap(), "");
    }

    #[tokio::test]
    async fn what_is_refused_comes_again() {
        let sent = framed(&"x".repeat(100)).unwrap();
        let refused = [
            refused(&sent, 50).await,
            refused(&[], 1000).await,
            refused(&sent[..4], 1000).await,
            refused(&sent[..50], 1000).await,
            refused(b"\x01\0\0\0\x01x", 1000).await,
            refused(b"\0\0\0\0\x01\xff", 1000).await,
        ];
        assert!(refused[0].code() == Code::ResourceExhausted && refused[0].message().contains("FUNCTION_MAX_BODY_SIZE"));
        for status in refused {
            assert!(!matches!(status.code(), Code::Ok | Code::Unimplemented | Code::NotFound), "{status}");
        }
    }

    #[tokio::test]
    async fn an_answer_ends_with_its_status() {
        let body = answer(Ok("x".to_owned())).into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
        assert_eq!(body.to_bytes(), framed(&"x".to_owned()).unwrap());
        let refused = answer(Err::<(), _>(Status::unavailable("later")));
        assert_eq!(
            (&refused.headers()["grpc-status"], &refused.headers()["grpc-message"]),
            (&"14".parse().unwrap(), &"later".parse().unwrap())
        );
    }
}
