//! One input and the function it calls.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::{Incoming, Outcome, lanes::Lanes, subscription::Subscription};
use crate::{
    context::{Arrival, DeclaredInput, Input},
    current::{self, Current},
    outcome::{Out, Verdict},
    repeats::Repeats,
    server::{
        ended::how_of_delivery,
        endpoint::{Delivered, Endpoint},
    },
    sidecar::Scope,
    telemetry::{self, ACCESS, Deliveries, How, Invocations, says_invocation},
};

/// An input with the function it calls, and the terms on which it does.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) declared: Arc<DeclaredInput>,
    /// Of a topic.
    pub(crate) subscription: Subscription,
    endpoint: Arc<Endpoint>,
    /// The events that may still begin, of this input.
    places: Option<Semaphore>,
    /// What says which events come one after another.
    order_by: Option<&'static str>,
    lanes: Lanes,
    repeats: Repeats,
    terms: Terms,
    figures: (Deliveries, Invocations),
}

/// A delivery that runs, until this is dropped.
struct Running<'a>(&'a Invocations);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.over();
    }
}

/// What holds for all inputs of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// What happens to an event whose payload is not what the function takes.
    pub(crate) undecodable: Verdict,
    /// Whether events that went well get a line in the log.
    pub(crate) access: bool,
}

impl Source {
    pub(super) fn new(declared: DeclaredInput, subscription: Subscription, endpoint: Arc<Endpoint>, terms: Terms) -> Self {
        let deliveries = endpoint.deliveries();
        let (function, input) = (endpoint.name(), declared.name.as_str());
        let figures = (Deliveries::of(function, input), Invocations::of(function, endpoint.kind(), Some(input)));
        Self {
            figures,
            declared: Arc::new(declared),
            subscription,
            places: deliveries.concurrency.map(|most| Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))),
            order_by: deliveries.order_by,
            endpoint,
            lanes: Lanes::default(),
            repeats: Repeats::default(),
            terms,
        }
    }

    pub(crate) fn function(&self) -> &str {
        self.endpoint.name()
    }

    /// Calls the function with an event, when it is its turn and there is a place for it.
    pub(crate) async fn deliver(&self, incoming: Incoming) -> Outcome {
        let (deliveries, invocations) = &self.figures;
        let (came, waiting) = (Instant::now(), deliveries.came());
        // The turn first: an event that waits for another must not take a place from a third.
        let key = self.order_by.and_then(|name| key(&incoming, name));
        let _turn = match &key {
            Some(key) => Some(self.lanes.enter(key).await),
            None => None,
        };
        // The semaphore is never closed, so there is always a place in the end.
        let _place = match &self.places {
            Some(places) => places.acquire().await.ok(),
            None => None,
        };
        let Incoming { payload, event, route, metadata, attempt, trace } = incoming.unwrapped();
        let input = Input { declared: Arc::clone(&self.declared), route, metadata, attempt };
        let scope = Scope { trace, ..Scope::default() };
        let arrival = Arrival { event, input: Some(input), scope, ..Arrival::default() };
        let (mut started, size) = (came, payload.len() as u64);
        // Whoever brings it may give up on it at any time.
        let mut running = None;
        let begins = || {
            started = Instant::now();
            deliveries.waited(waiting, started.saturating_duration_since(came));
            invocations.began(size);
            running = Some(Running(invocations));
        };
        let (delivered, mut current) = self.endpoint.deliver(arrival, payload, begins).await;
        let how = How::look(|| how_of_delivery(&delivered));
        let outcome = self.judge(delivered, &mut current, started);
        telemetry::ended(current.as_mut(), how, None, outcome.why.as_deref());
        drop(running);
        invocations.ended(how, started, || Some(outcome.data.len() as u64));
        deliveries.judged(outcome.verdict);
        outcome
    }

    /// Makes a verdict of what became of the call, and tells the log.
    fn judge(&self, delivered: Delivered, current: &mut Option<Current>, started: Instant) -> Outcome {
        let outcome = match delivered {
            Ok(Ok(Out { verdict, data, .. })) => {
                let why = (verdict != Verdict::Success).then(|| "the function asked for it".to_owned());
                Outcome { verdict, data, why, crashed: false }
            }
            Ok(Err(error)) => {
                let verdict = if error.is_undecodable() { self.terms.undecodable } else { error.verdict() };
                Outcome { verdict, data: Bytes::new(), why: Some(error.line()), crashed: false }
            }
            Err(crash) => Outcome { crashed: true, ..Outcome::retry(crash.to_string()) },
        };
        if outcome.verdict == Verdict::Success && !self.terms.access {
            self.recovered();
        } else {
            current::during(current, || self.log(&outcome, started));
        }
        outcome
    }

    fn log(&self, outcome: &Outcome, started: Instant) {
        let DeclaredInput { name: input, component, topic, .. } = &*self.declared;
        let (function, topic, error) = (self.function(), topic.as_deref(), outcome.why.as_deref());
        let duration_ms = millis(started.elapsed());
        let event_id = if says_invocation() { None } else { current::event_id() };
        let event_id = event_id.as_deref();
        match outcome.verdict {
            Verdict::Success => {
                self.recovered();
                tracing::info!(target: ACCESS, function, input, component, topic, event_id, duration_ms, "delivery");
            }
            Verdict::Drop => {
                tracing::warn!(target: ACCESS, function, input, component, topic, event_id, duration_ms, error, "event dropped");
            }
            Verdict::Retry => {
                if let Some(silent) = self.repeats.failed(Instant::now(), error.unwrap_or_default()) {
                    tracing::error!(
                        target: ACCESS,
                        function,
                        input,
                        component,
                        topic,
                        event_id,
                        duration_ms,
                        error,
                        silent,
                        "delivery failed, the event comes again"
                    );
                }
            }
        }
    }

    /// Tells of the failures before a success that nobody has heard of.
    fn recovered(&self) {
        let silent = self.repeats.succeeded();
        if silent > 0 {
            let (function, input) = (self.function(), &self.declared.name);
            tracing::warn!(function, input, silent, "deliveries had failed that were not logged one by one");
        }
    }
}

/// The value of an attribute of the event, else of the metadata.
fn key(incoming: &Incoming, name: &str) -> Option<String> {
    let of_event = incoming.event.get().and_then(|event| match name {
        "id" => Some(event.id().to_owned()),
        "source" => Some(event.source().to_owned()),
        "type" => Some(event.ty().to_owned()),
        "subject" => event.subject().map(str::to_owned),
        extension => event.extension(extension).map(ToString::to_string),
    });
    // The headers of HTTP have no case, and a key must be the same whichever way it came.
    let of_metadata = || incoming.metadata.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    of_event.or_else(|| of_metadata().map(|(_, value)| value.clone()))
}

/// Whole microseconds: more digits are noise.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
