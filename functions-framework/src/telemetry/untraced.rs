//! What stands for the spans of a process that makes none: a build without the feature `otel`.

#![expect(clippy::unused_self, reason = "with the feature there is something to ask")]

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tracing_subscriber::{Layer, filter::Targets};

use super::How;
use crate::{
    context::Arrival,
    current::Current,
    function::{Kind, body::Request},
    manifest::{Provider, Tracing},
    sidecar::Sidecar,
    span::Span,
    startup::Exit,
};

#[derive(Debug, Clone, Default)]
pub(crate) struct Traces {
    is_replaced: bool,
}

#[derive(Debug, Clone, Default)]
#[expect(dead_code, reason = "with the feature it is told")]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) version: String,
}

#[derive(Debug, Clone, Copy)]
#[expect(dead_code, reason = "with the feature it is told")]
pub(crate) struct Called<'a> {
    pub(crate) function: &'a str,
    pub(crate) kind: Kind,
    pub(crate) path: Option<&'a str>,
}

impl Traces {
    #[expect(clippy::unnecessary_wraps, reason = "with the feature it can fail")]
    pub(crate) const fn open(_: Option<&Tracing>, _: &Service, is_replaced: bool) -> Result<Self, Exit> {
        Ok(Self { is_replaced })
    }

    /// Warns who asks for spans.
    pub(crate) fn tell(&self, tracing: Option<&Tracing>) {
        if tracing.is_some_and(|tracing| tracing.provider == Provider::OpenTelemetry) && !self.is_replaced {
            tracing::warn!(
                "the function context asks for spans of OpenTelemetry, and none are made: the program was built without the feature `otel` of functions-framework"
            );
        }
    }

    pub(crate) fn layer<S: tracing::Subscriber>(&self, _: &Targets) -> Option<Box<dyn Layer<S> + Send + Sync>> {
        None
    }

    pub(crate) fn request(&self, _: &Request, _: Called<'_>) -> Span {
        Span::default()
    }

    pub(crate) fn delivery(&self, _: &str, _: &Arrival) -> Span {
        Span::default()
    }

    #[expect(clippy::unused_async, reason = "with the feature it waits")]
    pub(crate) async fn close(&self, _: Duration) {}
}

pub(crate) const fn ended(_: Option<&mut Current>, _: How, _: Option<StatusCode>, _: Option<&str>) {}

pub(crate) fn traced(sidecar: Arc<dyn Sidecar>) -> Arc<dyn Sidecar> {
    sidecar
}
