//! The generated client, for what the context has no method for.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as Task, Poll},
};

use dapr::dapr::proto::runtime::v1::dapr_client::DaprClient;
use http::{HeaderMap, Request, Response, Uri};
use tonic::{Status, body::Body};
use tower::Service;

use super::{Dapr, body::Outgoing, call::grpc_timeout_until, link::Link};
use crate::{
    context::Context,
    error::Error,
    sidecar::{Scope, SidecarCode, SidecarError},
};

/// The client that is generated from Dapr's own description of its API; made by [`Context::dapr`].
pub type Client = DaprClient<Channel>;

/// Carries the calls of a [`Client`]: on the connection of the process, with its token, and with the deadline and the trace of
/// the invocation.
#[derive(Clone)]
pub struct Channel {
    link: Arc<Link>,
    /// The token and the trace.
    headers: HeaderMap,
    scope: Scope,
}

impl Context {
    /// Gives Dapr's generated client, for what the context has no method for: configuration, locks, jobs, workflows.
    ///
    /// It uses the connection of the process, opened by the first call, and sends the token, the trace and the deadline of this
    /// invocation along. Calls are not repeated. The messages are in [`dapr::proto`](crate::dapr::proto).
    ///
    /// # Errors
    /// Where no Dapr sidecar is: with the local backend and in the test kit.
    ///
    /// ```
    /// use functions_framework::{Context, Result, dapr::proto::runtime::v1::TryLockRequest};
    ///
    /// async fn alone(ctx: Context) -> Result<bool> {
    ///     let lock = TryLockRequest {
    ///         store_name: "locks".to_owned(),
    ///         resource_id: "report".to_owned(),
    ///         lock_owner: ctx.function().to_owned(),
    ///         expiry_in_seconds: 60,
    ///     };
    ///     Ok(ctx.dapr()?.try_lock_alpha1(lock).await?.into_inner().success)
    /// }
    /// ```
    pub fn dapr(&self) -> Result<Client, Error> {
        let sidecar = self.sidecar()?;
        let Some(dapr) = sidecar.as_any().and_then(|sidecar| sidecar.downcast_ref::<Dapr>()) else {
            let text = "there is no Dapr sidecar here, only what stands in for it: `ctx.dapr()` needs a real one (`dapr run`)";
            return Err(SidecarError::new(SidecarCode::Unimplemented, text).into());
        };
        let scope = self.scope();
        let mut headers = HeaderMap::new();
        dapr.sign(&mut headers, &scope.trace);
        let channel = Channel { link: Arc::clone(&dapr.grpc), headers, scope };
        Ok(DaprClient::new(channel).max_decoding_message_size(dapr.largest).max_encoding_message_size(dapr.largest))
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Self { link, headers, scope } = self.clone();
        let mut uri = std::mem::take(request.uri_mut()).into_parts();
        uri.scheme = Some(link.scheme.clone());
        uri.authority = Some(link.authority.clone());
        // All three parts are there: the client gives the path.
        *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
        request.headers_mut().extend(headers);
        if let Some(deadline) = scope.deadline
            && !request.headers().contains_key("grpc-timeout")
        {
            request.headers_mut().insert("grpc-timeout", grpc_timeout_until(deadline));
        }
        Box::pin(async move {
            let mut sender = link.sender(scope.deadline).await.map_err(|error| {
                let mut status = Status::unavailable(error.message());
                status.set_source(Arc::new(error));
                status
            })?;
            let answer = sender.send_request(request.map(Outgoing::Generated));
            let answered = match scope.deadline {
                None => answer.await,
                Some(deadline) => tokio::time::timeout_at(deadline.into(), answer)
                    .await
                    .map_err(|_| Status::deadline_exceeded("no answer before the invocation's time was up"))?,
            };
            answered.map(|response| response.map(Body::new)).map_err(|error| Status::from_error(Box::new(error)))
        })
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("link", &self.link).finish_non_exhaustive()
    }
}
