//! How functions are traced: as the function context says.

use std::collections::BTreeMap;

use http::Uri;

use super::super::Service;
use crate::{
    manifest::Tracing,
    span::skywalking::{Correlation, SW8_CORRELATION, protocol::KeyStringValuePair},
};

/// How functions are traced.
#[derive(Debug)]
pub(super) struct Config {
    /// Where the collector is, as it was said.
    pub(super) oap: String,
    pub(super) uri: Uri,
    pub(super) service: String,
    pub(super) instance: String,
    /// What invocations are called; none where there are several functions, and each has a name.
    pub(super) operation: Option<String>,
    pub(super) tags: Vec<KeyStringValuePair>,
    pub(super) baggage: Correlation,
    /// What of it is not used, for a person to know.
    pub(super) remark: Option<String>,
}

/// Where it stands.
const OAP_SERVER: &str = "tracing.provider.oapServer of the function context";

impl Config {
    /// Reads how functions are traced.
    ///
    /// # Errors
    /// An address that is none: where it stands, what it is, and what is expected.
    pub(super) fn read(
        environment: &dyn Fn(&str) -> Option<String>,
        tracing: &Tracing,
        service: &Service,
    ) -> Result<Self, String> {
        let oap = tracing.oap_server.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let uri = address(&oap)?;
        let said = |name| environment(name).filter(|value| !value.is_empty());
        let (pod, namespace) = (said("POD_NAME"), said("POD_NAMESPACE"));
        let instance =
            pod.unwrap_or_else(|| format!("{}@{}", std::process::id(), said("HOSTNAME").as_deref().unwrap_or("local")));
        let mut tags = tracing.tags.clone();
        // As the platform's other frameworks have it: whatever is declared, these are what they are.
        tags.insert("func".to_owned(), service.name.clone());
        tags.insert("instance".to_owned(), instance.clone());
        tags.extend(namespace.map(|namespace| ("namespace".to_owned(), namespace)));
        let (baggage, remark) = baggage(&tracing.baggage);
        Ok(Self {
            oap,
            uri,
            service: service.name.clone(),
            instance,
            operation: service.is_one_function.then(|| service.name.clone()),
            tags: tags.into_iter().map(|(key, value)| KeyStringValuePair { key, value }).collect(),
            baggage,
            remark,
        })
    }
}

/// Where the collector takes calls over gRPC.
fn address(oap: &str) -> Result<Uri, String> {
    let mistake = |expected: &str| Err(format!("{OAP_SERVER}={oap}: expected {expected}"));
    let whole = if oap.contains("://") { oap.to_owned() } else { format!("http://{oap}") };
    match whole.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("https") => mistake("http://: there is no TLS to a collector, use one nearby"),
        Ok(uri) if uri.scheme_str() == Some("http") && uri.port_u16().is_some() && matches!(uri.path(), "" | "/") => Ok(uri),
        _ => mistake("the host and the port of a collector, such as oap:11800"),
    }
}

/// The baggage of the function context: pairs, or as the platform writes it a header's name and value.
fn baggage(declared: &BTreeMap<String, String>) -> (Correlation, Option<String>) {
    let (Some(header), Some(value), 2) = (declared.get("key"), declared.get("value"), declared.len()) else {
        return (declared.clone().into_iter().collect(), None);
    };
    if header != SW8_CORRELATION {
        // OpenTelemetry's, which settings for all functions may have.
        return (Correlation::default(), None);
    }
    let read = Correlation::parse(value);
    // The platform's settings for all functions have a placeholder here, which is no reason not to start.
    let remark = read.is_none().then(|| {
        format!(
            "tracing.baggage.value of the function context={value}: expected keys and values in base64, as key:value,key:value; nothing is taken along"
        )
    });
    (read.unwrap_or_default(), remark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Provider;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn read(oap: Option<&str>, variables: &[(&str, &str)], baggage: &[(&str, &str)]) -> Result<Config, String> {
        let tracing = Tracing {
            provider: Provider::SkyWalking,
            oap_server: oap.map(str::to_owned),
            exporter: None,
            tags: map(&[("layer", "faas"), ("func", "somebody's")]),
            baggage: map(baggage),
        };
        let service = Service { name: "shop".to_owned(), version: "v1".to_owned(), is_one_function: true };
        Config::read(&|name| map(variables).get(name).cloned(), &tracing, &service)
    }

    #[test]
    fn the_function_context_and_the_pod_say_all_there_is_to_say() {
        let config = read(Some("oap:11800"), &[("POD_NAME", "shop-1"), ("POD_NAMESPACE", "default")], &[("a", "1")]).unwrap();
        let tags: Vec<_> = config.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        assert_eq!(tags, [("func", "shop"), ("instance", "shop-1"), ("layer", "faas"), ("namespace", "default")]);
        assert_eq!((config.service.as_str(), config.instance.as_str()), ("shop", "shop-1"));
        assert_eq!((config.uri.to_string().as_str(), config.operation.as_deref()), ("http://oap:11800/", Some("shop")));
        assert_eq!(config.baggage.encode(), "YQ==:MQ==");
        let alone = read(Some("http://oap:11800"), &[("HOSTNAME", "here")], &[]).unwrap();
        assert_eq!(alone.instance, format!("{}@here", std::process::id()));
    }

    #[test]
    fn an_address_that_is_none_is_told() {
        for (wrong, why) in [
            (None, "oapServer of the function context=: expected the host and the port"),
            (Some("localhost:xxx"), "=localhost:xxx: expected the host and the port"),
            (Some("oap"), "=oap: expected the host and the port"),
            (Some("a:1,b:2"), "=a:1,b:2: expected the host and the port"),
            (Some("oap:11800/x"), "=oap:11800/x: expected the host and the port"),
            (Some("https://oap:11800"), "there is no TLS"),
        ] {
            let text = read(wrong, &[], &[]).unwrap_err();
            assert!(text.contains(why), "{text}");
        }
    }

    #[test]
    fn baggage_is_pairs_or_a_header() {
        let baggage = |pairs: &[(&str, &str)]| {
            let config = read(Some("oap:11800"), &[], pairs).unwrap();
            (config.baggage.encode(), config.remark.is_some())
        };
        assert_eq!(baggage(&[("key", "sw8-correlation"), ("value", "YQ==:MQ==")]), ("YQ==:MQ==".to_owned(), false));
        assert_eq!(baggage(&[("key", "baggage"), ("value", "a=1")]), (String::new(), false));
        let placeholder = "base64(string key):base64(string value),base64(string key2):base64(string value2)";
        assert_eq!(baggage(&[("key", "sw8-correlation"), ("value", placeholder)]), (String::new(), true));
    }
}
