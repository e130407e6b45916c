//! Connections to a collector: TCP, and TLS over it where its address begins with `https:`.

#[cfg(feature = "tls")]
mod secret;

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use http::Uri;
use hyper_util::rt::TokioIo;
use opentelemetry_http::hyper::HyperClient;
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tower::Service;

use super::config::Collector;
use crate::wire::Wire;
#[cfg(feature = "tls")]
use secret::Secret;

/// Opens connections to one collector.
#[derive(Clone)]
pub(super) struct Dial {
    #[cfg(feature = "tls")]
    secret: Option<Secret>,
}

impl Dial {
    /// # Errors
    /// Files of certificates that cannot be used, and a machine that trusts nobody.
    #[cfg_attr(not(feature = "tls"), expect(clippy::unnecessary_wraps, reason = "with the feature there are files to read"))]
    fn new(collector: &Collector) -> Result<Self, String> {
        #[cfg(feature = "tls")]
        let secret = collector.tls.as_ref().map(|tls| Secret::new(&collector.endpoint, collector.protocol, tls)).transpose()?;
        // Without the feature its address has no TLS.
        #[cfg(not(feature = "tls"))]
        let _ = &collector.tls;
        Ok(Self {
            #[cfg(feature = "tls")]
            secret,
        })
    }
}

/// Makes the client of a collector that takes calls over gRPC; it connects when there is something to send.
///
/// # Errors
/// What is no address, and those of [`Dial::new`].
pub(super) fn channel(collector: &Collector) -> Result<Channel, String> {
    let wrong = |error: &dyn fmt::Display| format!("{}: {error}", collector.endpoint);
    let uri: Uri = collector.endpoint.parse().map_err(|error| wrong(&error))?;
    // TLS is seen to here: the client must not look for its own, which other crates may have built into it.
    let plain = collector.endpoint.replacen("https:", "http:", 1);
    let endpoint = Endpoint::from_shared(plain).map_err(|error| wrong(&error))?.origin(uri).timeout(collector.timeout);
    Ok(endpoint.connect_with_connector_lazy(Dial::new(collector)?))
}

/// Makes the client of a collector that takes requests over HTTP.
///
/// # Errors
/// Those of [`Dial::new`].
pub(super) fn client(collector: &Collector) -> Result<HyperClient<Dial>, String> {
    Ok(HyperClient::new(Dial::new(collector)?, collector.timeout, None))
}

impl Service<Uri> for Dial {
    type Response = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let dial = self.clone();
        Box::pin(async move { dial.open(&uri).await })
    }
}

impl Dial {
    async fn open(&self, uri: &Uri) -> io::Result<Wire> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        #[cfg(feature = "tls")]
        let usual = if self.secret.is_some() { 443 } else { 80 };
        #[cfg(not(feature = "tls"))]
        let usual = 80;
        let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(usual))).await?;
        stream.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some(secret) = &self.secret {
            return Ok(Wire::new(TokioIo::new(secret.over(stream).await?)));
        }
        Ok(Wire::new(TokioIo::new(stream)))
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").finish_non_exhaustive()
    }
}
