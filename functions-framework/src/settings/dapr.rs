//! Where a Dapr sidecar is, as its variables say.

use std::{fmt, path::PathBuf};

/// What the `DAPR_*` variables say; nothing where there is no sidecar to be expected.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dapr {
    pub(crate) grpc_endpoint: Option<Endpoint>,
    pub(crate) http_endpoint: Option<Endpoint>,
    pub(crate) host: Option<String>,
    pub(crate) grpc_port: Option<u16>,
    pub(crate) http_port: Option<u16>,
    pub(crate) api_token: Option<Token>,
}

/// An address of one of the two APIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// A secret that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(pub(crate) String);

impl Dapr {
    /// Whether anything says that there is a sidecar.
    #[cfg_attr(not(test), expect(dead_code, reason = "the choice between Dapr and the local backend asks it"))]
    pub(crate) fn is_set(&self) -> bool {
        let Self { grpc_endpoint, http_endpoint, host, grpc_port, http_port, api_token } = self;
        let addresses = grpc_endpoint.is_some() || http_endpoint.is_some() || host.is_some();
        addresses || grpc_port.is_some() || http_port.is_some() || api_token.is_some()
    }

    pub(crate) fn grpc(&self) -> Endpoint {
        self.grpc_endpoint.clone().unwrap_or_else(|| self.at(self.grpc_port.unwrap_or(50001)))
    }

    pub(crate) fn http(&self) -> Endpoint {
        self.http_endpoint.clone().unwrap_or_else(|| self.at(self.http_port.unwrap_or(3500)))
    }

    fn at(&self, port: u16) -> Endpoint {
        let host = self.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
        Endpoint { tls: false, place: Place::Tcp { host, port } }
    }
}

impl Endpoint {
    /// Reads the names that Dapr's SDKs take for the gRPC API: `host:port`, `dns:host:port`, `https://host`, `unix:/path`, and
    /// `?tls=true` after them.
    pub(super) fn grpc(text: &str) -> Option<Self> {
        let (name, query) = text.split_once('?').map_or((text, None), |(name, query)| (name, Some(query)));
        let tls = match query {
            None | Some("tls=false") => false,
            Some("tls=true") => true,
            Some(_) => return None,
        };
        let tcp = |authority, tls, default| Some(Self { tls, place: tcp(authority, default)? });
        match name.split_once(':') {
            Some(("unix", path)) if !tls => unix(path.strip_prefix("//").unwrap_or(path)),
            // What stands between two slashes and a third is the name server to ask: that is for the system to choose.
            Some(("dns", name)) => tcp(name.strip_prefix("///").or_else(|| name.strip_prefix("//")).unwrap_or(name), tls, 443),
            Some(("https" | "grpcs", name)) => tcp(name.strip_prefix("//")?, true, 443),
            Some(("http" | "grpc", name)) if name.starts_with("//") => tcp(&name[2..], tls, 80),
            _ => tcp(name, tls, 443),
        }
    }

    /// Reads the URL of the HTTP API.
    pub(super) fn http(text: &str) -> Option<Self> {
        let (tls, rest) = match text.split_once("://")? {
            ("http", rest) => (false, rest),
            ("https", rest) => (true, rest),
            _ => return None,
        };
        Some(Self { tls, place: tcp(rest, if tls { 443 } else { 80 })? })
    }
}

/// `host`, `host:port`, `:port` or `[v6]:port`, and a slash at the end.
fn tcp(authority: &str, default: u16) -> Option<Place> {
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(default), |port| port.parse().ok())?;
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'%');
    (!authority.is_empty() && host.bytes().all(plain)).then(|| Place::Tcp { host: host.to_owned(), port })
}

fn unix(path: &str) -> Option<Endpoint> {
    (!path.is_empty()).then(|| Endpoint { tls: false, place: Place::Unix(path.into()) })
}

/// As it is written where only one protocol is meant.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}")?,
            Place::Tcp { host, port } => write!(f, "{host}:{port}")?,
            Place::Unix(path) => write!(f, "unix:{}", path.display())?,
        }
        f.write_str(if self.tls { " (TLS)" } else { "" })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grpc(text: &str) -> String {
        Endpoint::grpc(text).map_or_else(|| "refused".to_owned(), |endpoint| endpoint.to_string())
    }

    #[test]
    fn an_endpoint_is_what_the_sdks_of_dapr_take() {
        for (text, meant) in [
            ("sidecar:5000", "sidecar:5000"),
            ("sidecar", "sidecar:443"),
            (":5000", "127.0.0.1:5000"),
            ("[::1]:5000", "[::1]:5000"),
            ("[::1]", "[::1]:443"),
            ("dns:sidecar:5000", "sidecar:5000"),
            ("dns:///sidecar:5000?tls=false", "sidecar:5000"),
            ("sidecar:5000?tls=true", "sidecar:5000 (TLS)"),
            ("http://sidecar", "sidecar:80"),
            ("http://sidecar:5000/", "sidecar:5000"),
            ("https://sidecar", "sidecar:443 (TLS)"),
            ("grpcs://sidecar:5000", "sidecar:5000 (TLS)"),
            ("unix:/run/dapr.socket", "unix:/run/dapr.socket"),
            ("unix:///run/dapr.socket", "unix:/run/dapr.socket"),
        ] {
            assert_eq!(grpc(text), meant, "{text}");
        }
        for text in ["", "a:b", "a:1:2", "a?tls=yes", "dns://8.8.8.8/a:1", "a b:1", "ftp://a", "unix:", "https:a", "a:70000"] {
            assert_eq!(grpc(text), "refused", "{text}");
        }
    }

    #[test]
    fn the_http_endpoint_is_a_url() {
        let http = |text| Endpoint::http(text).map(|endpoint| endpoint.to_string());
        assert_eq!(http("http://sidecar:3500").as_deref(), Some("sidecar:3500"));
        assert_eq!(http("https://sidecar/").as_deref(), Some("sidecar:443 (TLS)"));
        assert_eq!(http("sidecar:3500"), None);
        assert_eq!(http("http://sidecar/path"), None);
    }

    #[test]
    fn an_endpoint_wins_over_host_and_port_and_those_over_the_default() {
        let mut dapr = Dapr::default();
        assert_eq!((dapr.grpc().to_string(), dapr.http().to_string()), ("127.0.0.1:50001".into(), "127.0.0.1:3500".into()));
        assert!(!dapr.is_set());
        dapr.host = Some("fn-dapr.ns".to_owned());
        dapr.grpc_port = Some(7);
        assert_eq!((dapr.grpc().to_string(), dapr.http().to_string()), ("fn-dapr.ns:7".into(), "fn-dapr.ns:3500".into()));
        assert!(dapr.is_set());
        dapr.grpc_endpoint = Endpoint::grpc("https://elsewhere");
        assert_eq!(dapr.grpc().to_string(), "elsewhere:443 (TLS)");
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", Token("s3cret".to_owned())), "Token(..)");
    }
}
