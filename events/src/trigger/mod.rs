//! Trigger: what of the bus meets a condition goes to its subscribers.

mod condition;
mod duration;
mod heard;
mod memory;
mod progress;
mod read;
#[cfg(test)]
mod tests;
mod types;

use std::{collections::HashSet, ffi::OsStr, time::Duration};

use bytes::Bytes;
use functions_framework::{Context, Error, Input, Out, Result};
use tokio::sync::Mutex;

use crate::{
    config::{Known, Mistakes},
    forward::{Reason, forward},
};
use heard::{Heard, Moment};
use memory::Memory;
use progress::Progress;
use read::{Settings, Subscriber, Way};

/// The pause after the first failure of a subscriber with a dead-letter output; each is twice the one before.
const PAUSE: Duration = Duration::from_millis(100);

/// Hears the events of inputs, and sends each to the subscribers whose condition it meets.
///
/// ```
/// use functions_framework::testing;
/// use openfunction_events::{Known, Trigger};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let known = Known { outputs: vec!["sink".to_owned()], topics: vec!["ns-es-a".to_owned()], ..Known::default() };
/// // {"inputs":[{"name":"A","namespace":"ns","eventSource":"es","event":"a"}],"subscribers":{"A":{"sinkOutputName":"sink"}}}
/// let config = "eyJpbnB1dHMiOlt7Im5hbWUiOiJBIiwibmFtZXNwYWNlIjoibnMiLCJldmVudFNvdXJjZSI6ImVzIiwiZXZlbnQiOiJhIn1dLCJzdWJzY3JpYmVycyI6eyJBIjp7InNpbmtPdXRwdXROYW1lIjoic2luayJ9fX0=";
/// let trigger = std::sync::Arc::new(Trigger::read(Some(config.as_ref()), &known).unwrap());
/// let test = testing::open_function(move |ctx, payload| { let trigger = trigger.clone(); async move { trigger.handle(ctx, payload).await } });
/// let run = test.binding("sink", "post").input("bus").topic("ns-es-a").run_bytes("Hello").await;
/// assert_eq!(&run.sent("sink")[0].bytes()[..], b"Hello");
/// # }
/// ```
#[derive(Debug)]
pub struct Trigger {
    settings: Settings,
    memory: Memory,
    progress: Progress,
    /// Held while an event is handled, where a match uses up what it matched with: else two events could use the same.
    turn: Option<Mutex<()>>,
}

impl Trigger {
    /// Reads the value of `CONFIG`.
    ///
    /// # Errors
    /// All that is wrong with it; that there is none is, too.
    pub fn read(config: Option<&OsStr>, known: &Known) -> Result<Self, Mistakes> {
        let settings = read::read(config, known)?;
        let (inputs, conditions) = (&settings.inputs, settings.subscribers.len());
        let memory = match &settings.state {
            Some(name) => Memory::in_store(name.clone(), inputs, conditions, settings.reset_on_match),
            None => Memory::here(inputs, conditions),
        };
        let turn = settings.reset_on_match.then(|| Mutex::new(()));
        Ok(Self { settings, memory, progress: Progress::default(), turn })
    }

    /// Sends an event to whom it is for; it is done once each of them has taken it.
    ///
    /// # Errors
    /// A subscriber that did not take it and has no dead-letter output: the event comes again, for those who have not had it.
    pub async fn handle(&self, ctx: Context, payload: Bytes) -> Result<Out> {
        self.handle_at(ctx, payload, self.memory.now()).await
    }

    async fn handle_at(&self, ctx: Context, payload: Bytes, now: Moment) -> Result<Out> {
        let Some(topic) = ctx.input().and_then(Input::topic) else {
            return Err(Error::bad_request("a Trigger hears topics, and this is an event of none").drop_event());
        };
        let Some(inputs) = self.settings.topics.get(topic) else {
            tracing::warn!(topic, "the topic is that of no input in CONFIG: the event is dropped");
            return Ok(Out::drop());
        };
        let _turn = match &self.turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let heard = self.memory.hear(&ctx, inputs, self.settings.window, now).await?;
        let identity = ctx.event().map(progress::identity);
        let mut had = self.progress.take(identity.as_ref());
        let mut failure = None;
        for (index, subscriber) in self.settings.subscribers.iter().enumerate() {
            // The time of the event itself, which its own note can be past when two came at once.
            let now = now.max(inputs.iter().filter_map(|&input| heard.inputs[input]).max().unwrap_or(now));
            let holds = self.holds(subscriber, index, &heard, now);
            if !holds {
                continue;
            }
            match self.serve(&ctx, &payload, (index, subscriber), &mut had).await {
                Ok(()) => self.matched(&ctx, (index, subscriber), &heard).await?,
                // The others get it all the same, and the first failure is told.
                Err(error) if failure.is_none() => failure = Some(error),
                Err(error) => tracing::warn!("another subscriber failed as well: {error:#}"),
            }
        }
        let Some(error) = failure else { return Ok(Out::ok()) };
        self.progress.keep(identity, had);
        Err(error)
    }

    fn holds(&self, subscriber: &Subscriber, index: usize, heard: &Heard, now: Moment) -> bool {
        let statuses = heard.statuses(index, self.settings.window, now);
        let condition = &subscriber.condition;
        self.settings.language.holds(condition, &statuses).unwrap_or_else(|why| {
            // It held or not for every assignment that was tried at the start.
            tracing::error!(condition = condition.text(), "the condition cannot be evaluated and counts as false: {why}");
            false
        })
    }

    async fn matched(&self, ctx: &Context, (index, subscriber): (usize, &Subscriber), heard: &Heard) -> Result<()> {
        if !self.settings.reset_on_match {
            return Ok(());
        }
        self.memory.use_up(ctx, index, subscriber.condition.asked(), heard, self.settings.window).await
    }

    /// Sends an event to the outputs of a subscriber that have not had it.
    async fn serve(
        &self,
        ctx: &Context,
        payload: &Bytes,
        (index, subscriber): (usize, &Subscriber),
        had: &mut HashSet<(usize, usize)>,
    ) -> Result<()> {
        for (number, way) in subscriber.outputs.iter().enumerate() {
            if had.contains(&(index, number)) {
                continue;
            }
            self.send(ctx, payload, subscriber, way).await?;
            had.insert((index, number));
        }
        Ok(())
    }

    /// Sends an event to an output or, when it keeps failing, to its dead-letter output.
    async fn send(&self, ctx: &Context, payload: &Bytes, subscriber: &Subscriber, way: &Way) -> Result<()> {
        let condition = subscriber.condition.text();
        let told = |error: Error| error.context(format!("for the subscriber {condition:?}"));
        let Some(dead_letter) = &way.dead_letter else {
            return forward(ctx, &way.output, payload, None).await.map_err(told);
        };
        let mut attempt = 1;
        let error = loop {
            let Err(error) = forward(ctx, &way.output, payload, None).await else { return Ok(()) };
            if attempt >= self.settings.attempts {
                break error;
            }
            tokio::time::sleep(PAUSE * 2_u32.saturating_pow(attempt - 1)).await;
            attempt += 1;
        };
        let failure = format!("{attempt} attempts: {error:#}");
        tracing::warn!(condition, dead_letter, "a subscriber keeps failing, the event goes to its dead letters: {failure}");
        let reason = Reason { condition: condition.to_owned(), failure };
        forward(ctx, dead_letter, payload, Some(&reason)).await.map_err(told)
    }
}
