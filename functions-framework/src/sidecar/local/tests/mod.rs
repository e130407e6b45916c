//! The local backend as a whole: what is sent comes to the inputs, whatever happens in between.

mod calls;
mod delivery;
mod durable;
mod killed;
mod models;
mod schedules;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::Notify;

use super::{Faults, Local, Options, Retry, StartError};
use crate::{
    delivery::{Deliver, Incoming, Outcome},
    manifest::{
        ComponentKind, Input, Manifest, Output, State,
        component::{Component, MetadataValue},
    },
    outcome::Verdict,
    sidecar::{Batch, BatchEntry, Message, Metadata, Scope, Sidecar as _, SidecarError},
};

/// A folder of its own for a test, which takes it away.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("functions-local-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What came to a function.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) input: String,
    pub(crate) payload: Bytes,
    pub(crate) attempt: Option<u32>,
    pub(crate) metadata: Metadata,
    pub(crate) event_id: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) traceparent: Option<String>,
}

impl Seen {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

/// Stands for the functions of the process: remembers what came, and answers as it is told.
#[derive(Clone)]
pub(crate) struct Function {
    seen: Arc<Mutex<Vec<Seen>>>,
    came: Arc<Notify>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    answer: Arc<dyn Fn(&Seen) -> Outcome + Send + Sync>,
    /// What a delivery waits for before it answers, when there is something.
    gate: Option<Arc<tokio::sync::Semaphore>>,
}

pub(crate) fn success() -> Outcome {
    Outcome { verdict: Verdict::Success, data: Bytes::new(), why: None, crashed: false }
}

pub(crate) fn retry(why: &str) -> Outcome {
    Outcome::retry(why)
}

pub(crate) fn drop_it() -> Outcome {
    Outcome { verdict: Verdict::Drop, ..retry("not wanted") }
}

impl Function {
    pub(crate) fn new(answer: impl Fn(&Seen) -> Outcome + Send + Sync + 'static) -> Self {
        let (seen, came, running, most) = Default::default();
        Self { seen, came, running, most, answer: Arc::new(answer), gate: None }
    }

    /// One that answers only as often as it is let.
    pub(crate) fn gated(mut self) -> (Self, Arc<tokio::sync::Semaphore>) {
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        self.gate = Some(Arc::clone(&gate));
        (self, gate)
    }

    pub(crate) fn deliver(&self) -> Deliver {
        let function = self.clone();
        Arc::new(move |input: &str, incoming: Incoming| {
            let (function, input) = (function.clone(), input.to_owned());
            Box::pin(async move { function.call(input, incoming).await })
        })
    }

    async fn call(self, input: String, incoming: Incoming) -> Outcome {
        let Incoming { payload, attempt, metadata, event, route, trace } = incoming;
        let event_id = event.get().map(|event| event.id().to_owned());
        let traceparent = trace.traceparent.map(|text| text.to_string());
        let seen = Seen { input, payload, attempt, metadata, event_id, route, traceparent };
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        self.seen.lock().unwrap().push(seen.clone());
        self.came.notify_waiters();
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        (self.answer)(&seen)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.seen().iter().map(Seen::text).collect()
    }

    /// Waits until what came fits.
    pub(crate) async fn until(&self, fits: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let wait = async {
            loop {
                let came = self.came.notified();
                let seen = self.seen();
                if fits(&seen) {
                    return seen;
                }
                came.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
        let last = || self.texts().into_iter().rev().take(20).collect::<Vec<_>>();
        waited.unwrap_or_else(|_| panic!("it did not come; {} did, the last ones {:?}", self.seen().len(), last()))
    }

    /// Waits until so many came.
    pub(crate) async fn count(&self, count: usize) -> Vec<Seen> {
        self.until(|seen| seen.len() >= count).await
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// Waits until something holds that nobody tells of.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to be: {what}");
}

/// A component with metadata that is written out.
pub(crate) fn component(name: &str, component_type: &str, metadata: &[(&str, &str)]) -> Component {
    let plain = |(name, value): &(&str, &str)| ((*name).to_owned(), MetadataValue::Plain((*value).to_owned()));
    Component {
        name: name.to_owned(),
        component_type: component_type.to_owned(),
        version: "v1".to_owned(),
        metadata: metadata.iter().map(plain).collect(),
        secret_store: None,
        scopes: Vec::new(),
    }
}

fn kind(component_type: &str) -> ComponentKind {
    if component_type.starts_with("pubsub") { ComponentKind::PubSub } else { ComponentKind::Binding }
}

/// An input; metadata is that of its subscription.
pub(crate) fn input(
    name: &str,
    component: &str,
    component_type: &str,
    topic: Option<&str>,
    metadata: &[(&str, &str)],
) -> Input {
    Input {
        name: name.to_owned(),
        kind: kind(component_type),
        component: component.to_owned(),
        component_type: component_type.to_owned(),
        topic: topic.map(str::to_owned),
        metadata: metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

pub(crate) fn output(name: &str, component: &str, component_type: &str) -> Output {
    Output {
        name: name.to_owned(),
        kind: kind(component_type),
        component: component.to_owned(),
        component_type: component_type.to_owned(),
        topic: None,
        operation: None,
        metadata: BTreeMap::new(),
    }
}

pub(crate) fn state(component: &str) -> State {
    State { name: component.to_owned(), component: component.to_owned(), component_type: "state.redis".to_owned() }
}

/// The inputs that subscribe to these topics of one broker; each is called like its topic.
pub(crate) fn topics(topics: &[&str]) -> Manifest {
    let inputs = topics.iter().map(|topic| input(topic, "bus", "pubsub.kafka", Some(topic), &[])).collect();
    Manifest { inputs, outputs: vec![output("out", "bus", "pubsub.kafka")], ..Manifest::default() }
}

/// Options with short waits, and a free port.
pub(crate) fn options() -> Options {
    let retry = Retry { attempts: 3, first: Duration::from_millis(2), longest: Duration::from_millis(10) };
    Options { port: Some(0), retry, ..Options::new("shop") }
}

pub(crate) fn durable(folder: &Folder) -> Options {
    Options { data_dir: Some(folder.path().to_owned()), ..options() }
}

pub(crate) async fn start(manifest: &Manifest, components: &[Component], options: Options, function: &Function) -> Arc<Local> {
    let local = Local::start(manifest, components, options).await.unwrap();
    local.open(&function.deliver());
    local
}

pub(crate) async fn refused(manifest: &Manifest, components: &[Component], options: Options) -> StartError {
    Local::start(manifest, components, options).await.map(drop).unwrap_err()
}

pub(crate) fn message(component: &str, address: &str, payload: &str, metadata: &[(&str, &str)]) -> Message {
    Message {
        component: component.to_owned(),
        address: address.to_owned(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        content_type: "text/plain".to_owned(),
        metadata: metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

pub(crate) async fn publish(local: &Local, topic: &str, payload: &str) -> Result<(), SidecarError> {
    local.publish(message("bus", topic, payload, &[]), Scope::default()).await
}

/// Publishes all of these together.
pub(crate) async fn publish_all(local: &Local, topic: &str, texts: impl Iterator<Item = String>) {
    let entries = texts.enumerate().map(|(number, text)| BatchEntry {
        id: number.to_string(),
        payload: text.into(),
        content_type: "text/plain".to_owned(),
        metadata: Metadata::new(),
    });
    let (component, topic, entries) = ("bus".to_owned(), topic.to_owned(), entries.collect());
    let batch = Batch { component, topic, entries, metadata: Metadata::new() };
    assert!(local.publish_bulk(batch, Scope::default()).await.unwrap().is_empty());
}

/// Ends it as a crash would: nothing more is delivered, and what was not committed is not.
pub(crate) async fn crash(local: Arc<Local>) {
    local.stop(Duration::ZERO).await;
}

pub(crate) const LONG: Duration = Duration::from_secs(60);
