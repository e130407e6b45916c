//! Events that a sidecar or the local backend brings: from the wire to an input's function, and its verdict back.
//!
//! [`inputs`] knows which function an input calls and calls it; [`codec`] reads events however they come; [`http`] and [`grpc`] are the
//! two protocols in which a sidecar brings them.

mod bulk;
pub(crate) mod codec;
mod discovery;
#[cfg(feature = "dapr")]
mod grpc;
mod http;
mod inputs;
mod lanes;
mod mount;
mod source;
mod subscription;
mod token;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

#[cfg(feature = "local")]
pub(crate) use self::subscription::Subscription;
pub(crate) use self::{
    inputs::{Inputs, declare},
    mount::{Callbacks, Mount, Rules, Taker},
    source::{Source, Terms},
    token::Token,
};
use crate::{
    event::{
        LateEvent,
        inner::{self, Inner},
    },
    function::BoxFuture,
    outcome::Verdict,
    sidecar::Trace,
};

/// An event as it came to an input.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) payload: Bytes,
    /// The event that the payload is the data of.
    pub(crate) event: LateEvent,
    /// Which route of the subscription it matched.
    pub(crate) route: Option<String>,
    /// What the component said about it.
    pub(crate) metadata: BTreeMap<String, String>,
    /// Which attempt it is, from 1, where that is known.
    pub(crate) attempt: Option<u32>,
    pub(crate) trace: Trace,
}

impl Incoming {
    /// Takes the payload out of an inner event, whose metadata is then that of the input, if it is in one.
    pub(crate) fn unwrapped(mut self) -> Self {
        let Some(Inner { metadata, payload }) = Inner::of(&self.payload) else { return self };
        self.metadata.extend(metadata);
        let (outer, data) = (std::mem::take(&mut self.event), payload.clone());
        let event = LateEvent::of(move || inner::around(outer.get()?, data));
        Self { payload, event, ..self }
    }
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// What the function answered: the reply of a binding.
    pub(crate) data: Bytes,
    /// Why it did not succeed, in words for a log.
    pub(crate) why: Option<String>,
    /// Whether the function panicked.
    pub(crate) crashed: bool,
}

impl Outcome {
    /// Brings the event again, for a reason that is not the function's.
    pub(crate) fn retry(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::Retry, data: Bytes::new(), why: Some(why.into()), crashed: false }
    }
}

/// Brings an event to the function of the input that has this name, through its guard; whoever brings it waits for the outcome.
pub(crate) type Deliver = Arc<dyn Fn(&str, Incoming) -> BoxFuture<'static, Outcome> + Send + Sync>;
