//! What a function answers, on its way to the server.

use std::any::Any;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};

use super::http::HttpReply;

/// An answer in the form that costs least. A [`Response`] of axum has its body in a box; most bodies are bytes that are there.
#[derive(Debug)]
pub enum Answered {
    /// Text, as axum answers a string: 200, and one header.
    Text(Bytes),
    /// A response whose body is there.
    Whole(http::Response<Bytes>),
    /// Any other response.
    Response(Response),
}

pub(crate) const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

impl Answered {
    /// Takes what an HTTP function returned.
    pub(super) fn returned<T: HttpReply + 'static>(returned: T) -> Self {
        let mut returned = Some(returned);
        let text = take_text(&mut returned);
        match returned {
            Some(returned) => Self::Response(returned.reply()),
            None => Self::Text(text),
        }
    }

    /// Puts the three parts together.
    pub(super) fn whole(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Self::Whole(response)
    }

    /// Makes of it what hooks may change.
    pub(crate) fn into_response(self) -> Response {
        match self {
            Self::Text(text) => {
                let mut response = Response::new(Body::from(text));
                response.headers_mut().insert(CONTENT_TYPE, TEXT);
                response
            }
            Self::Whole(response) => response.map(Body::from),
            Self::Response(response) => response,
        }
    }
}

/// Takes what is in there when it is a string. Which it is, the compiler knows wherever this is inlined.
#[inline]
fn take_text(returned: &mut dyn Any) -> Bytes {
    if let Some(text) = returned.downcast_mut::<Option<&'static str>>() {
        return Bytes::from(text.take().unwrap_or_default());
    }
    let text = returned.downcast_mut::<Option<String>>();
    text.and_then(Option::take).unwrap_or_default().into()
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use axum::response::IntoResponse;
    use http::header::ETAG;

    use super::*;

    /// What it becomes, and what axum makes of the same.
    async fn both<T: IntoResponse + Clone + 'static>(returned: T) -> [(StatusCode, HeaderMap, Bytes); 2] {
        let ours = Answered::returned(returned.clone()).into_response();
        let mut parts = Vec::new();
        for response in [ours, returned.into_response()] {
            let (head, body) = response.into_parts();
            parts.push((head.status, head.headers, axum::body::to_bytes(body, 1 << 10).await.unwrap()));
        }
        parts.try_into().unwrap()
    }

    #[tokio::test]
    async fn every_type_is_answered_as_axum_does() {
        let is_text = |answered: Answered| matches!(answered, Answered::Text(_));
        assert!(is_text(Answered::returned("hello")) && is_text(Answered::returned(String::from("hello"))));
        assert!(!is_text(Answered::returned(Bytes::from("hello"))) && !is_text(Answered::returned(Ok::<_, String>("hello"))));
        for [ours, axums] in [
            both("hello").await,
            both("").await,
            both(String::from("grüezi")).await,
            both(Bytes::from("hello")).await,
            both((StatusCode::CREATED, [(ETAG, "1")], "hello")).await,
            both(StatusCode::NOT_FOUND).await,
            both(Ok::<&str, StatusCode>("hello")).await,
            both(Err::<&str, StatusCode>(StatusCode::CONFLICT)).await,
        ] {
            assert_eq!(ours, axums);
        }
    }
}
