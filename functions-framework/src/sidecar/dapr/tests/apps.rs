//! Calls of other apps.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};

use super::{Act, Fake, no_scope, settings_for};
use crate::{
    settings::Token,
    sidecar::{Scope, Sidecar as _, SidecarCode, Trace, dapr::Dapr},
};

fn answer(status: u16, body: &'static str) -> Act {
    let response = Response::builder().status(status).header("content-type", "text/plain").header("x-shop", "1");
    Act::Http(response.body(Bytes::from(body)).unwrap())
}

#[tokio::test]
async fn a_request_arrives_as_it_is_and_so_does_the_answer() {
    let fake = Fake::start(|_| answer(418, "short and stout")).await;
    let settings = crate::settings::Dapr { api_token: Some(Token("s3cret".to_owned())), ..settings_for(fake.port) };
    let dapr = Dapr::new(&settings, 1 << 20).unwrap();
    let request = Request::put("/orders/7?dry=true&n=a%20b")
        .header("content-type", "application/xml")
        .header("accept", "text/plain")
        .header("dapr-app-id", "other")
        .header("host", "other")
        .body(Bytes::from("<order/>"))
        .unwrap();
    let trace = Trace { traceparent: Some("00-1-2-01".into()), ..Trace::default() };
    let response = dapr.invoke("shop", request, Scope { trace, ..Scope::default() }).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.body()[..]), (418, &b"short and stout"[..]));
    assert_eq!(response.headers()["x-shop"], "1");
    let seen = fake.only();
    assert_eq!(seen.method, http::Method::PUT);
    assert_eq!(seen.uri.path_and_query().unwrap(), "/v1.0/invoke/shop/method/orders/7?dry=true&n=a%20b");
    assert_eq!((seen.header("content-type"), seen.header("accept")), (Some("application/xml"), Some("text/plain")));
    assert_eq!((seen.header("dapr-api-token"), seen.header("traceparent")), (Some("s3cret"), Some("00-1-2-01")));
    assert_eq!((seen.header("dapr-app-id"), seen.header("content-length")), (None, Some("8")));
    assert_eq!(&seen.body[..], b"<order/>");
}

#[tokio::test]
async fn an_app_that_is_not_there_is_an_error_of_the_sidecar() {
    let said = r#"{"errorCode":"ERR_DIRECT_INVOKE","message":"failed to invoke, id: shop, err: no such host"}"#;
    let fake = Fake::start(move |_| answer(500, said)).await;
    let request = Request::get("/").body(Bytes::new()).unwrap();
    let error = fake.dapr().invoke("shop", request, no_scope()).await.unwrap_err();
    assert_eq!(error.code(), SidecarCode::Unavailable);
    assert!(error.message().contains("no such host"), "{error}");
}

#[tokio::test]
async fn a_method_that_may_be_repeated_is_when_the_connection_broke() {
    for (method, calls) in [(http::Method::GET, 2), (http::Method::PUT, 2), (http::Method::POST, 1)] {
        let fake = Fake::start(|call| if call.connection == 0 { Act::HangUp } else { answer(200, "") }).await;
        let request = Request::builder().method(method.clone()).uri("/").body(Bytes::new()).unwrap();
        let result = fake.dapr().invoke("shop", request, no_scope()).await;
        assert_eq!((result.is_ok(), fake.seen().len()), (calls == 2, calls), "{method}");
    }
}

#[tokio::test]
async fn an_app_that_does_not_answer_is_left_when_the_time_is_up() {
    let fake = Fake::silent_after(|| answer(200, "")).await;
    let dapr = fake.dapr();
    let request = || Request::get("/").body(Bytes::new()).unwrap();
    dapr.invoke("shop", request(), no_scope()).await.unwrap();
    let scope = Scope { deadline: Some(Instant::now() + Duration::from_millis(50)), ..Scope::default() };
    let error = dapr.invoke("shop", request(), scope).await.unwrap_err();
    assert_eq!(error.code(), SidecarCode::DeadlineExceeded);
}
