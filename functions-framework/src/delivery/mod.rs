//! Events that a sidecar or the local backend brings: from the wire to an input's function, and its verdict back.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use crate::{event::Event, function::BoxFuture, outcome::Verdict, sidecar::Trace};

/// An event as it came to an input.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) payload: Bytes,
    pub(crate) content_type: Option<String>,
    /// The event that the payload is the data of.
    pub(crate) event: Option<Event>,
    /// What the component said about it.
    pub(crate) metadata: BTreeMap<String, String>,
    /// Which attempt it is, from 1, where that is known.
    pub(crate) attempt: Option<u32>,
    pub(crate) trace: Trace,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    /// What the function answered: the reply of a binding.
    pub(crate) data: Bytes,
    /// Why it did not succeed, in words for a log.
    pub(crate) why: Option<String>,
}

/// Brings an event to the function of the input that has this name, through its guard; whoever brings it waits for the outcome.
pub(crate) type Deliver = Arc<dyn Fn(&str, Incoming) -> BoxFuture<'static, Outcome> + Send + Sync>;
