//! The rows of the table: what is asked, and who answers it how.

use super::{request::Shape, side::Side};

/// One row: a request, and what each side does with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// The function, or the mode of a peer, that answers; a side that is not here has nothing like it.
    pub(crate) modes: &'static [(Side, &'static str)],
    /// What does the same but for what the row is about: it is measured too, and subtracted.
    pub(crate) beyond: Option<&'static str>,
    pub(crate) platform: Platform,
    /// Whether it is measured under load, too.
    pub(crate) loaded: bool,
    /// What one should know before comparing.
    pub(crate) note: &'static str,
}

/// What is around the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Bare,
    /// OpenFunction, which says that events call the function.
    Asynchronous,
    /// OpenFunction, which says that requests do, and that it has an output.
    Synchronous,
}

impl Platform {
    /// Our program with the functions for it. What is behind a context is linked only where a function has one.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Bare => "bench-functions",
            Self::Asynchronous | Self::Synchronous => "bench-openfunction",
        }
    }

    /// The function context.
    pub(crate) const fn context(self) -> Option<&'static str> {
        match self {
            Self::Bare => None,
            Self::Asynchronous => Some(
                r#"{"name":"bench","version":"v1","runtime":"Async","inputs":{
                "orders":{"uri":"orders","componentName":"bus","componentType":"pubsub.kafka"},
                "ticks":{"uri":"ticks","componentName":"ticks","componentType":"bindings.kafka"}}}"#,
            ),
            Self::Synchronous => Some(
                r#"{"name":"bench","version":"v1","runtime":"Knative","outputs":{
                "orders":{"uri":"orders","componentName":"bus","componentType":"pubsub.kafka"}}}"#,
            ),
        }
    }
}

impl Row {
    /// A row about HTTP.
    const fn new(name: &'static str, shape: Shape, modes: &'static [(Side, &'static str)]) -> Self {
        Self { name, shape, modes, beyond: None, platform: Platform::Bare, loaded: false, note: "" }
    }

    const fn on(self, platform: Platform) -> Self {
        Self { platform, ..self }
    }

    const fn loaded(self) -> Self {
        Self { loaded: true, ..self }
    }

    const fn beyond(self, mode: &'static str) -> Self {
        Self { beyond: Some(mode), ..self }
    }

    const fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    pub(crate) fn mode(&self, side: Side) -> Option<&'static str> {
        self.modes.iter().find(|(of, _)| *of == side).map(|(_, mode)| *mode)
    }
}

const HELLO: &[(Side, &str)] = &[
    (Side::Ours, "hello"),
    (Side::Hyper, "hello"),
    (Side::Axum, "hello"),
    (Side::OfGo, "hello"),
    (Side::GcpGo, "hello"),
    (Side::GcpNode, "hello"),
    (Side::OfJava, "hello"),
];
const EVENT: &[(Side, &str)] = &[
    (Side::Ours, "event"),
    (Side::Hyper, "ce"),
    (Side::Axum, "ce"),
    (Side::Sdk, "sink"),
    (Side::OfGo, "event"),
    (Side::GcpGo, "event"),
    (Side::GcpNode, "event"),
    (Side::OfJava, "event"),
];
const STRUCTURED: &[(Side, &str)] = &[
    (Side::Ours, "event"),
    (Side::Sdk, "sink"),
    (Side::OfGo, "event"),
    (Side::GcpGo, "event"),
    (Side::GcpNode, "event"),
    (Side::OfJava, "event"),
];
const TYPED: &[(Side, &str)] =
    &[(Side::Ours, "typed"), (Side::Axum, "typed"), (Side::OfGo, "typed"), (Side::GcpGo, "typed"), (Side::GcpNode, "typed")];
const REPLY: &[(Side, &str)] = &[(Side::Ours, "reply"), (Side::Sdk, "reply"), (Side::GcpNode, "reply")];
const RELAY: &[(Side, &str)] = &[(Side::Ours, "relay"), (Side::Axum, "relay"), (Side::OfGo, "relay"), (Side::OfJava, "relay")];
const COUNT: &[(Side, &str)] = &[(Side::Ours, "count"), (Side::Hyper, "count"), (Side::Axum, "count")];
const FLOOR: &str = "hyper and axum read the body and parse nothing";

const DELIVERY: &[(Side, &str)] = &[(Side::Ours, "take"), (Side::Tonic, "callback")];
const TAKE: &[(Side, &str)] = &[(Side::Ours, "take"), (Side::Tonic, "take")];
const SEND: &[(Side, &str)] = &[(Side::Ours, "send"), (Side::Tonic, "send")];
const SENT: &str = "what a function costs that publishes the body of its request, beyond one that only takes it";

pub(crate) const ROWS: [Row; 17] = [
    Row::new("hello", Shape::Get, HELLO).loaded(),
    Row::new("typed", Shape::Json(1024), TYPED)
        .loaded()
        .note("a JSON object of 1 KiB decoded into a struct, and one answered; OpenFunction Go does both by hand, Node has no structs"),
    Row::new("event-binary-1k", Shape::Binary(1024), EVENT).loaded().note(FLOOR),
    Row::new("event-binary-64k", Shape::Binary(65536), EVENT).loaded().note(FLOOR),
    Row::new("event-structured-1k", Shape::Structured(1024), STRUCTURED).loaded(),
    Row::new("order", Shape::Binary(1024), &[(Side::Ours, "order"), (Side::Sdk, "order")])
        .note("a binary event of 1 KiB, its data decoded into a struct; the peer decodes by hand"),
    Row::new("reply-binary-1k", Shape::Binary(1024), REPLY).loaded(),
    Row::new("reply-structured-1k", Shape::Structured(1024), REPLY),
    Row::new("relay", Shape::Json(1024), RELAY)
        .loaded()
        .on(Platform::Synchronous)
        .note("an OpenFunction function that answers its payload; axum echoes a body and has no context"),
    Row::new("count", Shape::Upload(1 << 20), COUNT).note(
        "an upload of 1 MiB, streamed; its instructions follow how many reads the system makes of it and can differ \
         threefold from run to run: compare the allocations",
    ),
    Row::new("topic-event-1k", Shape::TopicEvent(1024), DELIVERY).on(Platform::Asynchronous),
    Row::new("topic-event-64k", Shape::TopicEvent(65536), DELIVERY).on(Platform::Asynchronous),
    Row::new("binding-event-1k", Shape::BindingEvent(1024), DELIVERY).on(Platform::Asynchronous),
    Row::new("take-1k", Shape::Json(1024), TAKE).on(Platform::Synchronous),
    Row::new("take-64k", Shape::Json(65536), TAKE).on(Platform::Synchronous),
    Row::new("send-1k", Shape::Json(1024), SEND).beyond("take").on(Platform::Synchronous).note(SENT),
    Row::new("send-64k", Shape::Json(65536), SEND).beyond("take").on(Platform::Synchronous).note(SENT),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_name_and_a_function_of_ours() {
        for (number, row) in ROWS.iter().enumerate() {
            assert!(row.mode(Side::Ours).is_some(), "{}", row.name);
            assert!(ROWS[..number].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }
}
