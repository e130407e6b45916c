//! What all segments of a process share, and where they go when they are complete.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::mpsc;

use super::{
    Correlation, Place, Segment, place,
    protocol::{KeyStringValuePair, RefType, SegmentObject, SegmentReference, SpanObject, SpanType},
    sw8::Caller,
};

/// Makes segments.
#[derive(Debug)]
pub(crate) struct Tracer {
    pub(crate) service: String,
    pub(crate) instance: String,
    /// What every invocation is called; else it is called as its function.
    pub(crate) operation: Option<String>,
    /// Put on the span of every invocation.
    pub(crate) tags: Vec<KeyStringValuePair>,
    /// Taken along by every trace, unless it came with another value.
    pub(crate) baggage: Correlation,
    pub(crate) queue: Queue,
}

/// Where segments wait to be reported: there is room for so many, and nobody waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    waiting: mpsc::Sender<SegmentObject>,
    refused: Arc<AtomicU64>,
}

impl Queue {
    pub(crate) fn of(room: usize) -> (Self, mpsc::Receiver<SegmentObject>) {
        let (waiting, taker) = mpsc::channel(room);
        (Self { waiting, refused: Arc::default() }, taker)
    }

    pub(super) fn push(&self, segment: SegmentObject) {
        if self.waiting.try_send(segment).is_err() {
            self.refused.fetch_add(1, Relaxed);
        }
    }

    /// How many found no room since it was asked last.
    pub(crate) fn take_refused(&self) -> u64 {
        self.refused.swap(0, Relaxed)
    }
}

impl Tracer {
    /// Begins the segment of an invocation, which goes on where the places say, the first first.
    pub(crate) fn begin(self: &Arc<Self>, function: &str, places: &[&dyn Place]) -> Arc<Segment> {
        let (caller, correlation) = place::find(places);
        let correlation = correlation.and(&self.baggage);
        let endpoint = self.operation.as_deref().unwrap_or(function).to_owned();
        let (sampled, trace) =
            caller.as_ref().map_or_else(|| (true, unique()), |caller| (caller.sampled, caller.trace.clone()));
        let entry = sampled.then(|| SpanObject {
            parent_span_id: -1,
            refs: caller.into_iter().map(reference).collect(),
            operation_name: endpoint.clone(),
            tags: self.tags.clone(),
            ..SpanObject::begun(SpanType::Entry)
        });
        Arc::new(Segment::new(Arc::clone(self), trace, endpoint, correlation, entry))
    }
}

fn reference(caller: Caller) -> SegmentReference {
    let Caller { trace, segment, span, service, instance, endpoint, address, sampled: _ } = caller;
    SegmentReference {
        ref_type: RefType::CrossProcess.into(),
        trace_id: trace,
        parent_trace_segment_id: segment,
        parent_span_id: span,
        parent_service: service,
        parent_service_instance: instance,
        parent_endpoint: endpoint,
        network_address_used_at_peer: address,
    }
}

/// A name that nothing else has: the standard library keys its hashes with the randomness of the system.
pub(crate) fn unique() -> String {
    let [high, low] = [(); 2].map(|()| RandomState::new().build_hasher().finish());
    format!("{high:016x}{low:016x}")
}
