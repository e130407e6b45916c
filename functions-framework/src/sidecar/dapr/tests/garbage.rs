//! What answers is no sidecar, or not quite.

use bytes::{Bytes, BytesMut};
use http::Response;
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use super::{Act, Fake, dapr, framed, message, no_scope};
use crate::sidecar::{Message, Metadata, ReadOptions, Sidecar as _, SidecarCode, SidecarError};
use dapr::dapr::proto::runtime::v1 as proto;

/// Reads a value from what does as it is told.
async fn read(act: impl Fn() -> Act + Send + Sync + 'static) -> Result<crate::sidecar::StateEntry, SidecarError> {
    let fake = Fake::start(move |_| act()).await;
    fake.dapr().state("redis", "a".to_owned(), ReadOptions::default(), no_scope()).await
}

#[tokio::test]
async fn an_answer_that_is_no_message_is_an_error() {
    for (data, what) in [
        (Bytes::new(), "too short"),
        (Bytes::from_static(&[0, 0, 0]), "too short"),
        (Bytes::from_static(&[0, 0, 0, 0, 9, 1]), "length"),
        (Bytes::from_static(&[0, 0, 0, 0, 0, 1]), "length"),
        (Bytes::from_static(&[1, 0, 0, 0, 1, 1]), "compressed"),
        (framed(&[0xFF; 12]), "does not decode"),
    ] {
        let error = read(move || Act::Raw(data.clone(), true)).await.unwrap_err();
        assert_eq!(error.code(), SidecarCode::Internal);
        assert!(error.message().contains(what), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_a_status_is_an_error() {
    let error = read(|| Act::Raw(framed(&[]), false)).await.unwrap_err();
    assert_eq!(error.code(), SidecarCode::Unknown);
    assert!(error.message().contains("without a status"), "{error}");
}

#[tokio::test]
async fn a_web_server_is_recognised() {
    let page =
        |status: u16| Response::builder().status(status).header("content-type", "text/html").body(Bytes::from("<p>")).unwrap();
    for (status, code) in [
        (200, SidecarCode::Unknown),
        (401, SidecarCode::Unauthenticated),
        (403, SidecarCode::PermissionDenied),
        (404, SidecarCode::Unimplemented),
        (503, SidecarCode::Unavailable),
    ] {
        let error = read(move || Act::Http(page(status))).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains("text/html"), "{error}");
    }
}

#[tokio::test]
async fn what_speaks_no_http2_is_an_error() {
    for noise in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0; 64], &[0xFF; 64], b""] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.write_all(noise).await;
            }
        });
        let error = dapr(port).state("redis", "a".to_owned(), ReadOptions::default(), no_scope()).await.unwrap_err();
        assert_eq!(error.code(), SidecarCode::Unavailable, "{error}");
        server.abort();
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_names_the_setting() {
    let fake = Fake::start(|_| message(&proto::GetStateResponse { data: vec![1; 2 << 20], ..Default::default() })).await;
    let dapr = super::Dapr::new(&super::settings_for(fake.port), 1 << 20).unwrap();
    let error = dapr.state("redis", "a".to_owned(), ReadOptions::default(), no_scope()).await.unwrap_err();
    assert_eq!((error.code(), error.can_retry()), (SidecarCode::ResourceExhausted, false));
    assert!(error.message().contains("FUNCTION_MAX_BODY_SIZE"), "{error}");
    assert_eq!(fake.seen().len(), 1, "it would not become smaller");
}

#[tokio::test]
async fn a_payload_over_the_limit_is_not_sent() {
    let fake = Fake::start(|_| message(&())).await;
    let dapr = super::Dapr::new(&super::settings_for(fake.port), 1000).unwrap();
    let publish = |size| {
        let (component, address) = ("kafka".to_owned(), "orders".to_owned());
        let payload = BytesMut::zeroed(size).freeze();
        dapr.publish(
            Message { component, address, payload, content_type: String::new(), metadata: Metadata::new() },
            no_scope(),
        )
    };
    publish(1000).await.unwrap();
    let error = publish(1001).await.unwrap_err();
    assert_eq!((error.code(), error.can_retry(), fake.seen().len()), (SidecarCode::ResourceExhausted, false, 1));
    assert!(error.message().contains("1001") && error.message().contains("FUNCTION_MAX_BODY_SIZE"), "{error}");
}
