//! TLS to a collector: who is trusted, and who the process says it is.

use std::{fs, io, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

use super::super::{
    config::{Protocol, Tls},
    said::Said,
};
use crate::trust::trusted;

/// Makes connections to one collector secret.
#[derive(Clone)]
pub(super) struct Secret {
    connector: TlsConnector,
    name: ServerName<'static>,
}

const CERTIFICATES: &str = "a file of certificates in PEM";
const KEY: &str = "a file of a private key in PEM";

impl Secret {
    /// # Errors
    /// A file that cannot be used, with the variable that names it; a machine that trusts nobody.
    pub(super) fn new(endpoint: &str, protocol: Protocol, tls: &Tls) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("{endpoint}: {error}");
        let uri: http::Uri = endpoint.parse().map_err(|error| wrong(&error))?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|error| wrong(&error))?;
        let roots = match &tls.authorities {
            Some(said) => authorities(said)?,
            None => trusted()?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(&error))?;
        let builder = builder.with_root_certificates(roots);
        let mut config = match (&tls.certificate, &tls.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let refused = |error| certificate.mistake(&format!("the certificate of the key in {}: {error}", key.value));
                builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?).map_err(refused)?
            }
            (Some(alone), None) => return Err(alone.mistake("a key with it, in the variable that ends in _CLIENT_KEY")),
            (None, Some(alone)) => {
                return Err(alone.mistake("a certificate with it, in the variable that ends in _CLIENT_CERTIFICATE"));
            }
        };
        config.alpn_protocols = match protocol {
            Protocol::Grpc => vec![b"h2".to_vec()],
            Protocol::Http => vec![b"http/1.1".to_vec()],
        };
        Ok(Self { connector: Arc::new(config).into(), name })
    }

    pub(super) async fn over(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}

fn read(said: &Said, expected: &str) -> Result<Vec<u8>, String> {
    fs::read(said.value.trim()).map_err(|error| said.mistake(&format!("{expected}: {error}")))
}

fn certificates(said: &Said) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(said, CERTIFICATES)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| said.mistake(&format!("{CERTIFICATES}: {error}")))?;
    if found.is_empty() { Err(said.mistake(&format!("{CERTIFICATES}: there is none in it"))) } else { Ok(found) }
}

fn authorities(said: &Said) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(said)? {
        roots.add(certificate).map_err(|error| said.mistake(&format!("{CERTIFICATES}: {error}")))?;
    }
    Ok(roots)
}

fn private_key(said: &Said) -> Result<PrivateKeyDer<'static>, String> {
    // What is wrong with a key is told, and nothing of the key.
    PrivateKeyDer::from_pem_slice(&read(said, KEY)?).map_err(|error| said.mistake(&format!("{KEY}: {error}")))
}

#[cfg(test)]
mod tests;
