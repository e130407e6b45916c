//! Who traces the invocations of a process: OpenTelemetry, SkyWalking or nobody.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use super::How;
#[cfg(feature = "otel")]
use super::otel;
#[cfg(feature = "skywalking")]
use super::skywalking;
use crate::{
    context::Arrival,
    current::Current,
    function::{Kind, body::Request},
    manifest::{Manifest, Provider, Tracing},
    sidecar::Sidecar,
    span::Span,
    startup::Exit,
};

/// What invocations are traced with, if they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traces {
    by: By,
    /// Whose spans the function context asks for, where this program does not make them.
    missing: Option<Provider>,
}

#[derive(Debug, Clone, Default)]
enum By {
    #[default]
    Nobody,
    #[cfg(feature = "otel")]
    OpenTelemetry(otel::Traces),
    #[cfg(feature = "skywalking")]
    SkyWalking(skywalking::Traces),
}

/// What the process is, where nobody says otherwise.
#[derive(Debug, Clone, Default)]
#[cfg_attr(not(any(feature = "otel", feature = "skywalking")), expect(dead_code, reason = "only who traces tells it"))]
pub(crate) struct Service {
    pub(crate) name: String,
    #[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "SkyWalking does not ask for it"))]
    pub(crate) version: String,
    /// Whether it has one function only, which is then known by its name.
    #[cfg_attr(not(feature = "skywalking"), allow(dead_code, reason = "OpenTelemetry tells functions apart"))]
    pub(crate) is_one_function: bool,
}

/// The function that is called.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(any(feature = "otel", feature = "skywalking")), expect(dead_code, reason = "only who traces tells it"))]
pub(crate) struct Called<'a> {
    pub(crate) function: &'a str,
    pub(crate) kind: Kind,
    /// The pattern it was given.
    #[cfg_attr(not(feature = "otel"), allow(dead_code, reason = "only OpenTelemetry tells it"))]
    pub(crate) path: Option<&'a str>,
}

impl Traces {
    /// Begins to trace where the function context or variables ask for it. A hook that was registered in the place of a provider
    /// has it.
    ///
    /// # Errors
    /// A setting that cannot be used.
    #[cfg_attr(
        not(any(feature = "otel", feature = "skywalking")),
        expect(clippy::unnecessary_wraps, reason = "with either feature there is something to set")
    )]
    pub(crate) fn open(
        tracing: Option<&Tracing>,
        service: &Service,
        is_replaced: impl Fn(Provider) -> bool,
    ) -> Result<Self, Exit> {
        let asked = tracing.map(|tracing| tracing.provider);
        #[cfg(feature = "skywalking")]
        if let Some(tracing) = tracing.filter(|_| asked == Some(Provider::SkyWalking) && !is_replaced(Provider::SkyWalking)) {
            let by = By::SkyWalking(skywalking::Traces::open(tracing, service)?);
            return Ok(Self { by, missing: None });
        }
        #[cfg(feature = "otel")]
        let by =
            otel::Traces::open(tracing, service, is_replaced(Provider::OpenTelemetry))?.map_or(By::Nobody, By::OpenTelemetry);
        #[cfg(not(feature = "otel"))]
        let (by, _) = (By::Nobody, service);
        let is_made = |provider| match provider {
            Provider::OpenTelemetry => cfg!(feature = "otel"),
            Provider::SkyWalking => cfg!(feature = "skywalking"),
        };
        Ok(Self { by, missing: missing(asked, is_made, is_replaced) })
    }

    /// Says where spans go, or warns who asks for some and gets none.
    pub(crate) fn tell(&self) {
        if let Some(provider) = self.missing {
            tracing::warn!("{}", warning(provider));
        }
        match &self.by {
            By::Nobody => {}
            #[cfg(feature = "otel")]
            By::OpenTelemetry(traces) => traces.tell(),
            #[cfg(feature = "skywalking")]
            By::SkyWalking(traces) => traces.tell(),
        }
    }

    /// Makes spans of those that the program makes with `tracing`, where they can be children of an invocation.
    pub(crate) fn layer<S>(&self, filter: &Targets) -> Option<Box<dyn Layer<S> + Send + Sync>>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let _ = filter;
        match &self.by {
            #[cfg(feature = "otel")]
            By::OpenTelemetry(traces) => Some(traces.layer(filter)),
            _ => None,
        }
    }

    /// Begins the span of a request.
    #[inline]
    pub(crate) fn request(&self, request: &Request, called: Called<'_>) -> Span {
        let _ = (request, called);
        match &self.by {
            #[cfg(feature = "otel")]
            By::OpenTelemetry(traces) => traces.request(request, called),
            #[cfg(feature = "skywalking")]
            By::SkyWalking(traces) => traces.request(request, called),
            _ => Span::default(),
        }
    }

    /// Begins the span of a delivery.
    pub(crate) fn delivery(&self, function: &str, arrival: &Arrival) -> Span {
        let _ = (function, arrival);
        match &self.by {
            #[cfg(feature = "otel")]
            By::OpenTelemetry(traces) => traces.delivery(function, arrival),
            #[cfg(feature = "skywalking")]
            By::SkyWalking(traces) => traces.delivery(function, arrival),
            _ => Span::default(),
        }
    }

    /// Sends the spans that wait, for as long as that may take.
    pub(crate) async fn close(&self, within: Duration) {
        let _ = within;
        match &self.by {
            #[cfg(feature = "otel")]
            By::OpenTelemetry(traces) => traces.close(within).await,
            #[cfg(feature = "skywalking")]
            By::SkyWalking(traces) => traces.close(within).await,
            _ => {}
        }
    }
}

/// Who is asked for spans that are not made, and not by a hook either.
fn missing(
    asked: Option<Provider>,
    is_made: impl Fn(Provider) -> bool,
    is_replaced: impl Fn(Provider) -> bool,
) -> Option<Provider> {
    asked.filter(|provider| !is_made(*provider) && !is_replaced(*provider))
}

fn warning(missing: Provider) -> String {
    let (whose, feature) = match missing {
        Provider::OpenTelemetry => ("OpenTelemetry", "otel"),
        Provider::SkyWalking => ("SkyWalking", "skywalking"),
    };
    format!(
        "the function context asks for spans of {whose}, and none are made: the program was built without the feature `{feature}` of functions-framework"
    )
}

/// Ends the span of an invocation, by what became of it.
pub(crate) fn ended(current: Option<&mut Current>, how: How, status: Option<StatusCode>, cause: Option<&str>) {
    let Some(current) = current else { return };
    match current.span() {
        #[cfg(feature = "otel")]
        Span::OpenTelemetry(_) => otel::ended(current, how, status, cause),
        #[cfg(feature = "skywalking")]
        Span::SkyWalking(segment) => skywalking::ended(segment, how, status, cause),
        _ => {
            let _ = (how, status, cause);
        }
    }
}

/// Makes spans of what functions send.
pub(crate) fn traced(sidecar: Arc<dyn Sidecar>, manifest: &Manifest) -> Arc<dyn Sidecar> {
    #[cfg(feature = "skywalking")]
    if manifest.tracing.as_ref().is_some_and(|tracing| tracing.provider == Provider::SkyWalking) {
        return skywalking::traced(sidecar, manifest);
    }
    let _ = manifest;
    #[cfg(feature = "otel")]
    return otel::traced(sidecar);
    #[cfg(not(feature = "otel"))]
    sidecar
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn nobody_asks_and_nobody_traces() {
        let traces = Traces::open(None, &Service::default(), |_| false).unwrap();
        assert!(matches!(traces, Traces { by: By::Nobody, missing: None }), "{traces:?}");
    }

    #[test]
    fn who_asks_for_spans_that_are_not_made_is_told() {
        for (provider, feature) in [(Provider::OpenTelemetry, "`otel`"), (Provider::SkyWalking, "`skywalking`")] {
            assert_eq!(missing(Some(provider), |_| false, |_| false), Some(provider));
            assert_eq!(missing(Some(provider), |_| true, |_| false), None);
            assert!(warning(provider).contains(feature), "{}", warning(provider));
        }
    }

    #[test]
    fn a_hook_in_the_place_of_a_provider_has_it() {
        for provider in [Provider::OpenTelemetry, Provider::SkyWalking] {
            let (tags, baggage) = (BTreeMap::new(), BTreeMap::new());
            let tracing = Tracing { provider, oap_server: None, exporter: None, tags, baggage };
            let traces = Traces::open(Some(&tracing), &Service::default(), |replaced| replaced == provider).unwrap();
            assert!(matches!(traces, Traces { by: By::Nobody, missing: None }), "{traces:?}");
        }
    }
}
