//! What the function context wants on every span.

use std::{collections::BTreeMap, time::Duration};

use opentelemetry::{Context, KeyValue, trace::Span as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

/// Puts tags on spans when they begin.
#[derive(Debug)]
pub(super) struct Tags(Vec<KeyValue>);

impl Tags {
    pub(super) fn new(tags: BTreeMap<String, String>) -> Self {
        Self(tags.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect())
    }
}

impl SpanProcessor for Tags {
    fn on_start(&self, span: &mut Span, _: &Context) {
        span.set_attributes(self.0.iter().cloned());
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
