//! The wire to a sidecar: TCP, a Unix socket, TLS.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

#[cfg(feature = "tls")]
use std::sync::Arc;
#[cfg(feature = "tls")]
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

use crate::settings::{Endpoint, Place};
#[cfg(feature = "tls")]
use crate::trust::trusted;

pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

pub(super) type Wire = Box<dyn Transport>;

/// What opening a wire needs beside the address.
#[derive(Clone)]
pub(super) struct Dialler {
    #[cfg(feature = "tls")]
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Dialler {
    /// # Errors
    /// An endpoint that this build cannot reach.
    #[cfg(not(feature = "tls"))]
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, String> {
        if endpoint.tls {
            return Err(format!(
                "{endpoint} needs the feature `tls` of functions-framework, which this program was built without"
            ));
        }
        check_unix(endpoint).map(|()| Self {})
    }

    /// # Errors
    /// An endpoint that this build cannot reach, or a machine that trusts nobody.
    #[cfg(feature = "tls")]
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, String> {
        check_unix(endpoint)?;
        let tls = match &endpoint.place {
            Place::Tcp { host, .. } if endpoint.tls => Some(tls(host, trusted()?)?),
            Place::Tcp { .. } | Place::Unix(_) => None,
        };
        Ok(Self { tls })
    }

    pub(super) async fn dial(&self, endpoint: &Endpoint) -> io::Result<Wire> {
        match &endpoint.place {
            Place::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                #[cfg(feature = "tls")]
                if let Some((connector, name)) = &self.tls {
                    return Ok(Box::new(connector.connect(name.clone(), stream).await?));
                }
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Place::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
            #[cfg(not(unix))]
            Place::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

fn check_unix(endpoint: &Endpoint) -> Result<(), String> {
    if matches!(endpoint.place, Place::Unix(_)) && !cfg!(unix) {
        return Err(format!("{endpoint}: this system has no Unix sockets"));
    }
    Ok(())
}

#[cfg(feature = "tls")]
fn tls(host: &str, roots: RootCertStore) -> Result<(TlsConnector, ServerName<'static>), String> {
    let name = host.to_owned().try_into().map_err(|error| format!("{host}: {error}"))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok((Arc::new(config).into(), name))
}

#[cfg(all(test, feature = "tls"))]
mod tests {
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
    const AUTHORITY: &[u8] = include_bytes!("tests/tls/ca.pem");
    const CERTIFICATE: &[u8] = include_bytes!("tests/tls/server.pem");
    const KEY: &[u8] = include_bytes!("tests/tls/server.key.pem");

    /// Dials a server that says which protocol was agreed on.
    async fn agreed(host: &str, trusted: &[u8]) -> io::Result<String> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
                PrivateKeyDer::from_pem_slice(KEY).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
                let protocol = stream.get_ref().1.alpn_protocol().unwrap_or_default().to_vec();
                stream.write_all(&protocol).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted).unwrap()).unwrap();
        let dialler = Dialler { tls: Some(tls(host, roots).unwrap()) };
        let endpoint = Endpoint { tls: true, place: Place::Tcp { host: "127.0.0.1".to_owned(), port } };
        let mut said = String::new();
        dialler.dial(&endpoint).await?.read_to_string(&mut said).await?;
        Ok(said)
    }

    #[tokio::test]
    async fn http2_is_agreed_on_with_a_server_that_is_trusted() {
        assert_eq!(agreed("localhost", AUTHORITY).await.unwrap(), "h2");
    }

    #[tokio::test]
    async fn a_server_with_another_name_or_of_another_authority_is_refused() {
        for (host, trusted) in [("sidecar", AUTHORITY), ("localhost", CERTIFICATE)] {
            let text = agreed(host, trusted).await.unwrap_err().to_string();
            assert!(text.contains("certificate"), "{text}");
        }
    }

    #[test]
    fn a_name_that_no_certificate_can_have_is_an_error_at_the_start() {
        let endpoint = Endpoint { tls: true, place: Place::Tcp { host: "a..b".to_owned(), port: 443 } };
        assert!(Dialler::new(&endpoint).is_err());
    }
}
