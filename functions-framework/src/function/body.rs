//! A request on its way to the function, and its body: bounded, and boxed only when an extractor wants it so.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Uri, Version, request::Parts};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};

use crate::error::{BoxError, Error};

/// A request as it reaches a function. It is large, and each of the many hands it goes through would copy it: they pass on a
/// box.
#[derive(Debug)]
pub(crate) struct Request(Box<Inner>);

#[derive(Debug)]
struct Inner {
    head: Parts,
    body: RequestBody,
}

impl Request {
    /// Takes a request whose body `bounded` bounds.
    pub(crate) fn new<B>(request: http::Request<B>, bounded: impl FnOnce(B) -> RequestBody) -> Self {
        // Its place first: what is made before it would be copied into it.
        let place = Box::new_uninit();
        let (head, body) = request.into_parts();
        Self(Box::write(place, Inner { head, body: bounded(body) }))
    }

    pub(crate) fn from_parts(head: Parts, body: RequestBody) -> Self {
        Self(Box::new(Inner { head, body }))
    }

    pub(crate) const fn method(&self) -> &Method {
        &self.0.head.method
    }

    pub(crate) const fn uri(&self) -> &Uri {
        &self.0.head.uri
    }

    #[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "only spans tell it"))]
    pub(crate) const fn version(&self) -> Version {
        self.0.head.version
    }

    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.0.head.headers
    }

    pub(crate) const fn body(&self) -> &RequestBody {
        &self.0.body
    }

    /// The other end of the connection; a test has none.
    pub(crate) const fn peer(&self) -> Option<SocketAddr> {
        self.0.body.peer
    }

    /// The head, with all that axum's extractors look for in it.
    pub(crate) fn head(&mut self) -> &mut Parts {
        #[cfg(feature = "server")]
        if let Some(peer) = self.0.body.peer.take() {
            self.0.head.extensions.insert(axum::extract::ConnectInfo(peer));
        }
        &mut self.0.head
    }

    pub(crate) fn into_parts(self) -> (Parts, RequestBody) {
        let Inner { head, body } = *self.0;
        (head, body)
    }

    /// Turns it into what axum takes.
    pub(crate) fn into_axum(mut self) -> axum::extract::Request {
        self.head();
        let (head, body) = self.into_parts();
        axum::extract::Request::from_parts(head, Body::new(body))
    }
}

/// A request body that ends with an error once more than the limit has come.
#[derive(Debug)]
pub(crate) struct RequestBody {
    body: Limited<Source>,
    limit: usize,
    /// The length that the client promised, or 0.
    declared: u64,
    /// Who sent it, a test excepted. It travels here because few functions ask, and an extension of the request would cost all
    /// of them.
    peer: Option<SocketAddr>,
}

#[derive(Debug)]
enum Source {
    #[cfg(feature = "server")]
    Incoming(hyper::body::Incoming),
    Body(Body),
}

impl RequestBody {
    #[cfg(feature = "server")]
    pub(crate) fn incoming(body: hyper::body::Incoming, limit: usize, peer: SocketAddr) -> Self {
        Self { peer: Some(peer), ..Self::limited(Source::Incoming(body), limit) }
    }

    pub(crate) fn new(body: Body, limit: usize) -> Self {
        Self::limited(Source::Body(body), limit)
    }

    fn limited(source: Source, limit: usize) -> Self {
        let declared = source.size_hint().lower();
        Self { body: Limited::new(source, limit), limit, declared, peer: None }
    }

    /// Tells whether the declared length alone is over the limit.
    pub(crate) fn is_declared_too_large(&self) -> bool {
        self.declared > self.limit as u64
    }

    /// The length that the client promised, or 0.
    pub(crate) const fn declared(&self) -> u64 {
        self.declared
    }

    /// Reads it to its end.
    ///
    /// # Errors
    /// 413 when it is over the limit, 400 when the client stopped before the end.
    pub(crate) async fn collect(self) -> Result<Bytes, Error> {
        let declared = self.declared;
        self.collect_as(|_| declared).await
    }

    /// Reads it to its end, as [`collect`](Self::collect) does; its first piece may tell how long it is to be.
    ///
    /// # Errors
    /// The same.
    pub(crate) async fn collect_as(mut self, declared: impl Fn(&[u8]) -> u64) -> Result<Bytes, Error> {
        let mut whole: Option<BytesMut> = None;
        let mut first = Bytes::new();
        // A body whose declared length is there has ended: to wait for hyper to say so takes another turn of the connection.
        while !self.is_end_stream() {
            let Some(frame) = self.frame().await else { break };
            let Ok(chunk) = frame.map_err(Error::from_body)?.into_data() else { continue };
            match &mut whole {
                // Most bodies come in one piece, which is then not copied.
                None if first.is_empty() => first = chunk,
                None => {
                    let declared = declared(&first);
                    if declared > self.limit as u64 {
                        return Err(Error::too_large());
                    }
                    // It is a client's word: trust it for no more than a mebibyte.
                    let room = usize::try_from(declared.min(1 << 20)).unwrap_or(0).max(first.len() + chunk.len());
                    let mut buffer = BytesMut::with_capacity(room);
                    buffer.extend_from_slice(&first);
                    buffer.extend_from_slice(&chunk);
                    whole = Some(buffer);
                }
                Some(buffer) => buffer.extend_from_slice(&chunk),
            }
        }
        Ok(whole.map_or(first, BytesMut::freeze))
    }
}

impl Error {
    /// Says why a body could not be read.
    pub(crate) fn from_body(error: BoxError) -> Self {
        Self::of_body(error).unwrap_or_else(Self::interrupted)
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl HttpBody for Source {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            #[cfg(feature = "server")]
            Self::Incoming(body) => Pin::new(body)
                .poll_frame(context)
                .map_err(|error| Box::new(crate::error::Interrupted(error.into())) as BoxError),
            Self::Body(body) => Pin::new(body).poll_frame(context).map_err(axum::Error::into_inner),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            #[cfg(feature = "server")]
            Self::Incoming(body) => body.is_end_stream(),
            Self::Body(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            #[cfg(feature = "server")]
            Self::Incoming(body) => body.size_hint(),
            Self::Body(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn chunks(sizes: &'static [usize], limit: usize) -> RequestBody {
        let chunks = stream::iter(sizes.iter().map(|&size| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size]))));
        RequestBody::new(Body::from_stream(chunks), limit)
    }

    #[tokio::test]
    async fn the_limit_counts_what_really_comes() {
        assert_eq!(chunks(&[3, 0, 4], 7).collect().await.unwrap().len(), 7);
        assert_eq!(chunks(&[3, 5], 7).collect().await.unwrap_err().status_code(), 413);
        assert!(RequestBody::new(Body::from("12345678"), 7).is_declared_too_large());
        assert!(!chunks(&[3, 5], 7).is_declared_too_large());
    }

    #[tokio::test]
    async fn a_client_that_stops_is_a_bad_request() {
        let broken = stream::iter([Ok(Bytes::from("x")), Err(std::io::Error::other("reset"))]);
        let error = RequestBody::new(Body::from_stream(broken), 7).collect().await.unwrap_err();
        assert_eq!(error.status_code(), 400);
        assert!(format!("{error:#}").contains("reset"), "{error:#}");
    }
}
