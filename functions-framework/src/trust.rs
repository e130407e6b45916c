//! Whom a connection over TLS trusts, where nobody says otherwise.

use tokio_rustls::rustls::RootCertStore;

/// Trusts whom this machine trusts.
pub(crate) fn trusted() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
        return Err(format!("no trusted certificate is installed{why}; SSL_CERT_FILE can name a file of them"));
    }
    Ok(roots)
}
