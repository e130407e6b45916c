//! The span of an invocation, whoever collects it.

use std::sync::Arc;

#[cfg(feature = "otel")]
use super::open::Open;
#[cfg(feature = "skywalking")]
use super::skywalking::Segment;
use crate::{current::TraceIds, event::Event};

/// The span of an invocation; clones mean the same one.
#[derive(Debug, Clone, Default)]
pub(crate) enum Span {
    /// Nothing is traced.
    #[default]
    None,
    #[cfg(feature = "otel")]
    OpenTelemetry(Arc<Open>),
    #[cfg(feature = "skywalking")]
    SkyWalking(Arc<Segment>),
}

/// While it is held, what begins on this thread is a child of the span.
pub(crate) struct Entered {
    #[cfg(feature = "otel")]
    _guard: Option<opentelemetry::ContextGuard>,
}

impl Span {
    pub(crate) fn enter(&self) -> Entered {
        Entered {
            #[cfg(feature = "otel")]
            _guard: if let Self::OpenTelemetry(open) = self { Some(open.enter()) } else { None },
        }
    }

    pub(crate) fn ids(&self) -> Option<TraceIds> {
        match self {
            Self::None => None,
            #[cfg(feature = "otel")]
            Self::OpenTelemetry(open) => open.ids(),
            #[cfg(feature = "skywalking")]
            Self::SkyWalking(segment) => segment.ids(),
        }
    }

    /// Says in an event that it is an effect of this, unless it says that it belongs elsewhere.
    pub(crate) fn mark(&self, event: Event) -> Event {
        match self {
            Self::None => event,
            #[cfg(feature = "otel")]
            Self::OpenTelemetry(open) => open.mark(event),
            #[cfg(feature = "skywalking")]
            Self::SkyWalking(segment) => segment.mark(event),
        }
    }

    /// Notes the event that the function is called with.
    pub(crate) fn called_with(&self, event: &Event) {
        match self {
            Self::None => {}
            #[cfg(feature = "otel")]
            Self::OpenTelemetry(open) => open.called_with(event),
            #[cfg(feature = "skywalking")]
            Self::SkyWalking(segment) => segment.called_with(event),
        }
    }
}
