//! Where is kept what was heard: here, or in a state store that several replicas share.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use functions_framework::{Context, Result, ResultExt as _};

use super::heard::{Heard, Moment};

/// What was heard, and the clock it is measured by.
#[derive(Debug)]
pub(crate) struct Memory {
    inputs: Vec<String>,
    conditions: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In this process, by a clock of its own that nobody sets.
    Here { heard: Mutex<Heard>, began: Instant },
    /// In the declared state of this name, by the clock of the machines.
    Store { name: String, keeps_used: bool },
}

impl Memory {
    pub(crate) fn here(inputs: &[String], conditions: usize) -> Self {
        let heard = Mutex::new(Heard::new(inputs.len(), conditions));
        Self { inputs: inputs.to_vec(), conditions, place: Place::Here { heard, began: Instant::now() } }
    }

    pub(crate) fn in_store(name: String, inputs: &[String], conditions: usize, keeps_used: bool) -> Self {
        Self { inputs: inputs.to_vec(), conditions, place: Place::Store { name, keeps_used } }
    }

    pub(crate) fn now(&self) -> Moment {
        let since = match &self.place {
            Place::Here { began, .. } => began.elapsed(),
            Place::Store { .. } => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        };
        Moment::try_from(since.as_micros()).unwrap_or(Moment::MAX)
    }

    /// Notes that inputs were heard, and returns all that is known then.
    ///
    /// In a store the note comes first and the look after it: of two replicas that hear the two parts of a match at once, at
    /// least one sees both.
    pub(crate) async fn hear(&self, ctx: &Context, inputs: &[usize], window: Duration, now: Moment) -> Result<Heard> {
        match &self.place {
            Place::Here { heard, .. } => {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                for &input in inputs {
                    heard.hear(input, now);
                }
                Ok(heard.clone())
            }
            Place::Store { name, keeps_used } => {
                let state = ctx.state(name)?;
                for &input in inputs {
                    state.clone().strong().ttl(window + TIDY).save(&self.heard_key(input), &now).await?;
                }
                self.look(ctx, name, *keeps_used).await.context("while reading which inputs were heard")
            }
        }
    }

    async fn look(&self, ctx: &Context, name: &str, keeps_used: bool) -> Result<Heard> {
        let state = ctx.state(name)?.strong();
        let mut all = Heard::new(self.inputs.len(), self.conditions);
        let keys = (0..self.inputs.len()).map(|input| self.heard_key(input));
        for (input, entry) in state.get_many::<Moment>(keys).await?.into_iter().enumerate() {
            all.inputs[input] = entry.value;
        }
        if keeps_used {
            let keys = (0..self.conditions).map(used_key);
            for (condition, entry) in state.get_many::<HashMap<String, Moment>>(keys).await?.into_iter().enumerate() {
                let used = entry.value.unwrap_or_default();
                all.used[condition] = self.inputs.iter().map(|name| used.get(name).copied()).collect();
            }
        }
        Ok(all)
    }

    /// Notes that a condition has matched with what was heard then, so that it needs others for the next match.
    pub(crate) async fn use_up(
        &self,
        ctx: &Context,
        condition: usize,
        asked: &[usize],
        then: &Heard,
        keep: Duration,
    ) -> Result<()> {
        match &self.place {
            Place::Here { heard, .. } => {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.use_up(condition, asked, &then.inputs);
                Ok(())
            }
            Place::Store { name, .. } => {
                let moments = asked.iter().filter_map(|&input| Some((self.inputs[input].as_str(), then.inputs[input]?)));
                let moments: HashMap<&str, Moment> = moments.collect();
                let state = ctx.state(name)?.strong().ttl(keep + TIDY);
                state.save(&used_key(condition), &moments).await.context("while noting that a condition has matched")
            }
        }
    }

    /// An input of this Trigger; the sidecar keeps those of other apps apart.
    fn heard_key(&self, input: usize) -> String {
        format!("trigger-heard-{}", self.inputs[input])
    }
}

fn used_key(condition: usize) -> String {
    format!("trigger-used-{condition}")
}

/// How much longer than it counts a note is kept: time to live is for tidiness, and clocks differ.
const TIDY: Duration = Duration::from_secs(60);
