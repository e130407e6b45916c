//! Whether the local backend is used at all.

use std::ffi::{OsStr, OsString};

use crate::settings::Switch;

/// Decides it, from what was asked for and from the environment: by itself it stands in where nothing speaks of a sidecar.
///
/// An error is a mistake of the configuration (exit code 78).
pub(crate) fn is_chosen(asked: Switch, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<bool, String> {
    let (mut kubernetes, mut sidecar) = (false, false);
    for (name, value) in environment {
        if value.is_empty() {
            continue;
        }
        kubernetes |= name == OsStr::new("KUBERNETES_SERVICE_HOST");
        sidecar |= name == OsStr::new("APP_API_TOKEN") || name.as_encoded_bytes().starts_with(b"DAPR_");
    }
    match asked {
        Switch::Off => Ok(false),
        Switch::Auto => Ok(!kubernetes && !sidecar),
        Switch::On if kubernetes => {
            Err("--local, FUNCTION_LOCAL: the local backend is for a desk, and this is a Kubernetes cluster \
             (KUBERNETES_SERVICE_HOST is set): events of the platform would not come, and what is sent would not go out"
                .to_owned())
        }
        Switch::On => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(asked: Switch, names: &[&str]) -> Result<bool, String> {
        is_chosen(asked, names.iter().map(|name| (OsString::from(*name), OsString::from("x"))))
    }

    #[test]
    fn it_is_chosen_where_nothing_speaks_of_a_sidecar() {
        assert_eq!(chosen(Switch::Auto, &[]), Ok(true));
        assert_eq!(chosen(Switch::Auto, &["PATH", "PORT", "FUNC_CONTEXT", "DAPRON"]), Ok(true));
        for name in ["DAPR_HOST", "DAPR_GRPC_PORT", "DAPR_HTTP_ENDPOINT", "APP_API_TOKEN", "KUBERNETES_SERVICE_HOST"] {
            assert_eq!(chosen(Switch::Auto, &["PATH", name]), Ok(false), "{name}");
        }
        let empty = [(OsString::from("DAPR_HOST"), OsString::new())];
        assert_eq!(is_chosen(Switch::Auto, empty), Ok(true), "an empty variable is none");
    }

    #[test]
    fn who_asks_for_it_gets_it_except_in_a_cluster() {
        assert_eq!(chosen(Switch::On, &["DAPR_HOST"]), Ok(true));
        assert!(chosen(Switch::On, &["KUBERNETES_SERVICE_HOST"]).unwrap_err().contains("KUBERNETES_SERVICE_HOST is set"));
        assert_eq!(chosen(Switch::Off, &[]), Ok(false));
        assert_eq!(chosen(Switch::Off, &["KUBERNETES_SERVICE_HOST"]), Ok(false));
    }
}
