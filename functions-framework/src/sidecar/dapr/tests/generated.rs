//! The generated client.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use dapr::dapr::proto::runtime::v1 as proto;
use tonic::Code;

use super::{Act, Fake, message};
use crate::{
    context::{Arrival, Context, Origin, Outside},
    manifest::Manifest,
    sidecar::{Scope, Sidecar, Trace, recording::Recording},
};

fn context(sidecar: Arc<dyn Sidecar>, scope: Scope) -> Context {
    let outside = Arc::new(Outside::new(&Manifest::default(), sidecar));
    let origin = Arc::new(Origin { function: "f".into(), has_path: false, outside });
    Context::new(origin, Arrival { scope, ..Arrival::default() })
}

#[tokio::test]
async fn it_carries_the_trace_and_the_time_of_the_invocation() {
    let fake = Fake::start(|_| message(&proto::TryLockResponse { success: true })).await;
    let trace =
        Trace { traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()), ..Trace::default() };
    let scope = Scope { deadline: Some(Instant::now() + Duration::from_secs(60)), trace, ..Scope::default() };
    let mut client = context(Arc::new(fake.dapr()), scope).dapr().unwrap();
    let request = proto::TryLockRequest { store_name: "locks".into(), ..Default::default() };
    assert!(client.try_lock_alpha1(request).await.unwrap().into_inner().success);
    let seen = fake.only();
    assert_eq!(seen.uri.path(), "/dapr.proto.runtime.v1.Dapr/TryLockAlpha1");
    assert_eq!(seen.header("traceparent"), Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert!(seen.header("grpc-timeout").is_some());
    assert_eq!(seen.message::<proto::TryLockRequest>().store_name, "locks");
}

#[tokio::test]
async fn its_errors_are_those_of_grpc() {
    let fake = Fake::start(|_| Act::Refuse(Code::FailedPrecondition, "lock stores not configured")).await;
    let mut client = context(Arc::new(fake.dapr()), Scope::default()).dapr().unwrap();
    let status = client.try_lock_alpha1(proto::TryLockRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "lock stores not configured"));
    let fake = Fake::silent_after(|| message(&proto::TryLockResponse::default())).await;
    let dapr = Arc::new(fake.dapr());
    let mut client = context(Arc::clone(&dapr) as _, Scope::default()).dapr().unwrap();
    client.try_lock_alpha1(proto::TryLockRequest::default()).await.unwrap();
    let scope = Scope { deadline: Some(Instant::now() + Duration::from_millis(50)), ..Scope::default() };
    let mut client = context(dapr, scope).dapr().unwrap();
    let status = client.try_lock_alpha1(proto::TryLockRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn what_stands_in_for_dapr_has_none() {
    let error = context(Arc::new(Recording::default()), Scope::default()).dapr().unwrap_err();
    assert!(format!("{error:#}").contains("dapr run"), "{error:#}");
}
