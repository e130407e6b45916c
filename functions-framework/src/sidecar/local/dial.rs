//! Connections of the HTTP binding, with TLS where the URL says so.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use ::http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};
use tower::Service;

use crate::{error::BoxError, trust::trusted, wire::Wire};

/// Opens connections, in plain text or with TLS.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    /// Read when the first server asks for it: reading all trusted certificates takes a while.
    tls: Arc<OnceLock<Result<TlsConnector, String>>>,
}

impl Connector {
    pub(super) fn new(mut tcp: HttpConnector) -> Self {
        tcp.enforce_http(false);
        Self { tcp, tls: Arc::default() }
    }

    #[cfg(test)]
    fn trusting(tcp: HttpConnector, roots: RootCertStore) -> Self {
        let connector = Self::new(tcp);
        connector.tls.get_or_init(|| over(roots));
        connector
    }
}

fn over(roots: RootCertStore) -> Result<TlsConnector, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let mut config = builder.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config).into())
}

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Wire, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let needs_tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let (connecting, tls) = (self.tcp.call(uri), Arc::clone(&self.tls));
        Box::pin(async move {
            let plain = connecting.await?;
            if !needs_tls {
                return Ok(Wire::new(plain));
            }
            let tls = tls.get_or_init(|| trusted().and_then(over)).as_ref().map_err(String::clone)?;
            let stream = tls.connect(ServerName::try_from(host)?, plain.into_inner()).await?;
            Ok(Wire::new(TokioIo::new(stream)))
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Empty};
    use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{
            ServerConfig,
            pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        },
    };

    use super::*;

    /// Who signed the certificate of the server, which is for `localhost`.
    const AUTHORITY: &[u8] = include_bytes!("../dapr/tests/tls/ca.pem");
    const CERTIFICATE: &[u8] = include_bytes!("../dapr/tests/tls/server.pem");
    const KEY: &[u8] = include_bytes!("../dapr/tests/tls/server.key.pem");

    /// Serves one answer over TLS; returns the port.
    async fn server() -> u16 {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let certificates = vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = builder.with_single_cert(certificates, key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret").await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        port
    }

    async fn get(trusted: &[u8], host: &str) -> Result<Bytes, BoxError> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted)?)?;
        let connector = Connector::trusting(HttpConnector::new(), roots);
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
        let response = client.get(format!("https://{host}:{}/", server().await).parse()?).await?;
        Ok(response.into_body().collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn a_server_that_is_trusted_is_called_over_tls() {
        assert_eq!(get(AUTHORITY, "localhost").await.unwrap(), "secret");
    }

    #[tokio::test]
    async fn a_server_with_another_name_or_of_another_authority_is_not() {
        for (trusted, host) in [(CERTIFICATE, "localhost"), (AUTHORITY, "127.0.0.1")] {
            let error = get(trusted, host).await.unwrap_err();
            let causes = std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string);
            let causes: Vec<_> = causes.collect();
            assert!(causes.iter().any(|cause| cause.contains("certificate")), "{host}: {causes:?}");
        }
    }
}
