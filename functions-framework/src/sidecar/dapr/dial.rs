//! The wire to a sidecar: TCP, a Unix socket, TLS.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::settings::{Endpoint, Place};

pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

pub(super) type Wire = Box<dyn Transport>;

/// What opening a wire needs beside the address.
#[derive(Clone)]
pub(super) struct Dialler {
    #[cfg(feature = "tls")]
    tls: Option<(tokio_rustls::TlsConnector, tokio_rustls::rustls::pki_types::ServerName<'static>)>,
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
        let tls = if endpoint.tls { Some(tls(endpoint)?) } else { None };
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
fn tls(
    endpoint: &Endpoint,
) -> Result<(tokio_rustls::TlsConnector, tokio_rustls::rustls::pki_types::ServerName<'static>), String> {
    use std::sync::Arc;

    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

    let Place::Tcp { host, .. } = &endpoint.place else { return Err(format!("{endpoint}: TLS goes over TCP")) };
    let name = host.clone().try_into().map_err(|error| format!("{endpoint}: {error}"))?;
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(format!("{endpoint}: no trusted certificate is installed{why}; SSL_CERT_FILE can name a file of them"));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("{endpoint}: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok((Arc::new(config).into(), name))
}
