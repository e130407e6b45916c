//! What takes messages from a queue and brings them to an input, until they are done.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::value::RawValue;
use tokio::{sync::watch, task::JoinSet, time::sleep_until};

use super::{
    broker::{Broker, Exchange, GivenUp},
    chance::Dice,
    faults::{Faults, Retry},
    queue::{Entry, Queue},
    record::{self, Record},
    rules::Routes,
    wrap,
};
use crate::{
    delivery::{
        Deliver, Incoming, Outcome,
        codec::{self, Origin},
    },
    outcome::Verdict,
    server::crash,
    sidecar::{Metadata, Trace},
};

/// One input that gets messages.
pub(super) struct Subscriber {
    pub(super) input: String,
    pub(super) queue: Arc<Queue>,
    pub(super) broker: Arc<Broker>,
    pub(super) kind: Kind,
    /// As many messages as may be with the function at once.
    pub(super) concurrency: usize,
    pub(super) deliver: Deliver,
    pub(super) retry: Retry,
    pub(super) faults: Faults,
    pub(super) dice: Dice,
}

/// How the bytes of a message become an event.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Topic {
        component: String,
        /// The subscriber says that there are no envelopes on the topic.
        raw: bool,
        dead_letter_topic: Option<String>,
        routes: Routes,
    },
    Queue,
}

impl Kind {
    /// What the function gets, read as if a sidecar had brought it.
    pub(super) fn incoming(&self, record: &Record) -> Result<Incoming, String> {
        let mut metadata = record.metadata.clone();
        let Self::Topic { component, raw, routes, .. } = self else { return Ok(queued(record.payload.clone(), metadata)) };
        metadata.insert("pubsubName".to_owned(), component.clone());
        let body = if *raw { wrap::wrap_raw(&record.payload, component, &record.address) } else { record.payload.clone() };
        let incoming = Incoming { route: routes.route(&body), ..codec::topic_event(&body, metadata, Origin::Sidecar) };
        let Some(event) = incoming.event.get() else {
            // A sidecar brings any JSON object, and nothing else.
            let json = serde_json::from_slice::<&RawValue>(&body).ok();
            let is_object = json.is_some_and(|json| json.get().starts_with('{'));
            return is_object.then_some(incoming).ok_or_else(|| "it is no event: a sidecar would not deliver it".to_owned());
        };
        let said = |name| event.extension(name).map(|value| value.to_string().into());
        let trace = Trace { traceparent: said("traceparent"), tracestate: said("tracestate"), ..Trace::default() };
        Ok(Incoming { trace: if trace.is_known() { trace } else { Trace::default() }, ..incoming })
    }
}

/// How a delivery ended.
enum End {
    Done,
    /// It is of no use to try again; why.
    Hopeless(String),
    Again(String),
    /// The function wants no more of it.
    Dropped(Option<String>),
    Expired,
}

/// A message that waits for its time.
struct Held {
    due: Instant,
    entry: Entry,
    /// It has been held back already, or is a duplicate: nothing more is done to it on purpose.
    plain: bool,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.entry.number) == (other.due, other.entry.number)
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.entry.number).cmp(&(other.due, other.entry.number))
    }
}

impl Subscriber {
    /// Delivers until it is told to stop; then waits for what is with the function.
    pub(super) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut held = BinaryHeap::new();
        let mut running = JoinSet::new();
        loop {
            while running.len() < self.concurrency
                && let Some(next) = self.next(&mut held)
            {
                running.spawn(Arc::clone(&self).bring(next));
            }
            let free = running.len() < self.concurrency;
            let due = held.peek().map(|Reverse(Held { due, .. })| *due).filter(|_| free);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(brought) = running.join_next() => match brought {
                    Ok(again) => held.extend(again.map(Reverse)),
                    // What a function does is contained: this would be a mistake of the framework.
                    Err(error) => tracing::error!(input = self.input, %error, "a delivery broke off"),
                },
                () = self.queue.came(), if free => {}
                () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// The next message whose time has come.
    fn next(&self, held: &mut BinaryHeap<Reverse<Held>>) -> Option<Held> {
        loop {
            let now = Instant::now();
            if held.peek().is_some_and(|Reverse(first)| first.due <= now) {
                return held.pop().map(|Reverse(first)| first);
            }
            let entry = self.queue.take()?;
            let wait = self.faults.hold(&self.dice);
            if wait.is_zero() {
                return Some(Held { due: now, entry, plain: false });
            }
            held.push(Reverse(Held { due: now + wait, entry, plain: false }));
        }
    }

    /// Brings one message to the function, and sees to what becomes of it; returns it when it comes again.
    async fn bring(self: Arc<Self>, next: Held) -> Option<Held> {
        let Held { mut entry, plain, .. } = next;
        let record = match self.broker.read(&self.queue, &entry).await {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(input = self.input, number = entry.number, %error, "a message cannot be read: it stays in its queue");
                return Some(self.later(entry, self.retry.longest, plain));
            }
        };
        let end = self.attempt(&entry, &record).await;
        let (input, number, attempt) = (&self.input, entry.number, entry.attempts + 1);
        let why = match end {
            End::Done if !plain && self.faults.again(&self.dice) => {
                tracing::debug!(input, number, "the message comes again, as FUNCTION_LOCAL_FAULTS asks for");
                return Some(self.later(entry, self.retry.first, true));
            }
            End::Done => {
                self.broker.done(&self.queue, entry);
                return None;
            }
            End::Dropped(why) if self.dead_letter_topic().is_none() => {
                tracing::debug!(input, number, why, "the function drops the message");
                self.broker.done(&self.queue, entry);
                return None;
            }
            End::Expired if self.dead_letter_topic().is_none() => {
                tracing::warn!(input, number, "the message is dropped: its time to live is over");
                self.broker.done(&self.queue, entry);
                return None;
            }
            End::Dropped(why) => why.unwrap_or_else(|| "the function drops it".to_owned()),
            End::Expired => "its time to live is over".to_owned(),
            End::Hopeless(why) => {
                entry.attempts = attempt;
                why
            }
            End::Again(why) => {
                entry.attempts = attempt;
                if attempt < self.retry.attempts {
                    let wait = self.retry.wait(attempt, &self.dice);
                    // Whoever called the function has said so already.
                    tracing::debug!(input, number, attempt, wait_ms = wait.as_millis(), why, "the message is delivered again");
                    self.broker.tried(&self.queue, &entry);
                    return Some(self.later(entry, wait, plain));
                }
                why
            }
        };
        self.give_up(entry, &record, why).await
    }

    async fn give_up(&self, entry: Entry, record: &Record, why: String) -> Option<Held> {
        let (input, number, attempts) = (&self.input, entry.number, entry.attempts);
        let topic = self.dead_letter_topic();
        let target = topic.as_ref().map(|(exchange, topic)| (exchange, *topic));
        match self.broker.give_up(&self.queue, entry.clone(), record, why.clone(), target).await {
            Ok(GivenUp::Sent) => {
                let topic = topic.map(|(_, topic)| topic);
                tracing::error!(
                    input,
                    number,
                    attempts,
                    why,
                    topic,
                    "the message is given up and goes to its dead-letter topic"
                );
                None
            }
            Ok(GivenUp::Kept) => {
                tracing::error!(
                    input,
                    number,
                    attempts,
                    why,
                    "the message is given up and kept: GET /_local/dead-letters shows it"
                );
                None
            }
            Err(error) => {
                tracing::error!(input, number, %error, "the message cannot be given up: it stays in its queue");
                Some(self.later(entry, self.retry.longest, true))
            }
        }
    }

    async fn attempt(&self, entry: &Entry, record: &Record) -> End {
        if record.is_expired(record::now()) {
            return End::Expired;
        }
        let incoming = match self.kind.incoming(record) {
            Ok(incoming) => Incoming { attempt: Some(entry.attempts + 1), ..incoming },
            Err(why) => return End::Hopeless(why),
        };
        match crash::contained(async { (self.deliver)(&self.input, incoming).await }).await {
            Ok(Outcome { verdict: Verdict::Success, .. }) => End::Done,
            Ok(Outcome { verdict: Verdict::Drop, why, .. }) => End::Dropped(why),
            Ok(Outcome { verdict: Verdict::Retry, why, .. }) => {
                End::Again(why.unwrap_or_else(|| "the function asks for another try".to_owned()))
            }
            Err(crash) => End::Again(crash.to_string()),
        }
    }

    fn dead_letter_topic(&self) -> Option<(Exchange, &str)> {
        match &self.kind {
            Kind::Topic { component, dead_letter_topic: Some(topic), .. } => {
                Some((Exchange::Topics { component: component.clone() }, topic))
            }
            Kind::Topic { .. } | Kind::Queue => None,
        }
    }

    fn later(&self, entry: Entry, wait: Duration, plain: bool) -> Held {
        // Those that wait may be many: what is on the disk is read again.
        let record = if self.broker.is_durable() { None } else { entry.record };
        Held { due: Instant::now() + wait, entry: Entry { record, ..entry }, plain }
    }
}

/// What comes through a binding: bytes, and what the component says about them.
pub(super) fn queued(payload: bytes::Bytes, metadata: Metadata) -> Incoming {
    Incoming { payload, metadata, ..Incoming::default() }
}
