//! Queues of messages: what waits is known in memory; the messages themselves are in memory too, or on the disk.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use redb::{ReadTransaction, ReadableTable as _};
use tokio::sync::Notify;

use super::{
    record::Record,
    store::{ATTEMPTS, Failed, MESSAGES, QUEUES, Tables},
};
use crate::sidecar::{SidecarCode, SidecarError};

/// The messages that wait for one subscriber.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: String,
    /// What its messages on the disk are known by.
    pub(super) number: u32,
    ready: Mutex<VecDeque<Entry>>,
    /// The number that its next message gets.
    next: AtomicU64,
    came: Notify,
}

/// A message that waits.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) number: u64,
    /// How often it was delivered in vain.
    pub(super) attempts: u32,
    /// What it counts for against the limit.
    pub(super) size: u64,
    /// None: it is on the disk, and read when its turn comes.
    pub(super) record: Option<Arc<Record>>,
}

/// Of a queue on the disk, as many messages as this stay in memory too: they need not be read again.
const KEPT: usize = 1024;

/// Larger ones do not.
const KEPT_SIZE: u64 = 64 << 10;

impl Queue {
    pub(super) fn new(name: String, number: u32) -> Self {
        let (ready, next, came) = (Mutex::default(), AtomicU64::new(1), Notify::new());
        Self { name, number, ready, next, came }
    }

    /// Gives the number of a new message.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets a message wait that is there for good: in memory, or on the disk as well.
    pub(super) fn append(&self, mut entry: Entry, on_disk: bool) {
        let mut ready = self.lock();
        if on_disk && (ready.len() >= KEPT || entry.size > KEPT_SIZE) {
            entry.record = None;
        }
        ready.push_back(entry);
        drop(ready);
        self.came.notify_one();
    }

    /// Takes a number and lets the message wait, both at once, so that messages wait in the order of their numbers.
    pub(super) fn append_new(&self, record: Arc<Record>) {
        let mut ready = self.lock();
        ready.push_back(Entry { number: self.number(), attempts: 0, size: record.size(), record: Some(record) });
        drop(ready);
        self.came.notify_one();
    }

    /// Takes the message that waits longest.
    pub(super) fn take(&self) -> Option<Entry> {
        self.lock().pop_front()
    }

    /// Waits until there may be one to take.
    pub(super) async fn came(&self) {
        self.came.notified().await;
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Lets what was found on the disk wait; returns how much it counts for.
    pub(super) fn restore(&self, found: Vec<Entry>) -> u64 {
        let size = found.iter().map(|entry| entry.size).sum();
        if let Some(last) = found.last() {
            self.next.store(last.number + 1, Ordering::Relaxed);
        }
        self.lock().extend(found);
        self.came.notify_one();
        size
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the number of the queue of this name, a new one when it is new.
pub(super) fn register(tables: &mut Tables<'_>, name: &str) -> Result<u32, Failed> {
    if let Some(number) = tables.queues.get(name)? {
        return Ok(number.value());
    }
    let number = u32::try_from(tables.number("queue")?).map_err(|_| redb::Error::Corrupted("too many queues".to_owned()))?;
    tables.queues.insert(name, number)?;
    Ok(number)
}

/// Finds all queues on the disk, with what waits in them.
pub(super) fn all(transaction: &ReadTransaction) -> Result<BTreeMap<String, Vec<Entry>>, Failed> {
    let (queues, messages) = (transaction.open_table(QUEUES)?, transaction.open_table(MESSAGES)?);
    let attempts = transaction.open_table(ATTEMPTS)?;
    let mut found = BTreeMap::new();
    for queue in queues.range::<&str>(..)? {
        let (name, number) = queue?;
        let range = (number.value(), 0)..=(number.value(), u64::MAX);
        let mut tried = BTreeMap::new();
        for attempt in attempts.range(range.clone())? {
            let (key, count) = attempt?;
            tried.insert(key.value().1, count.value());
        }
        let mut entries = Vec::new();
        for message in messages.range(range)? {
            let (key, bytes) = message?;
            let (number, size) = (key.value().1, bytes.value().len() as u64);
            entries.push(Entry { number, attempts: tried.get(&number).copied().unwrap_or(0), size, record: None });
        }
        found.insert(name.value().to_owned(), entries);
    }
    Ok(found)
}

/// Reads messages of one queue, which are there.
pub(super) fn read(transaction: &ReadTransaction, queue: u32, number: u64) -> Result<Result<Record, SidecarError>, Failed> {
    let messages = transaction.open_table(MESSAGES)?;
    let found = messages.get((queue, number))?;
    let record = found.and_then(|bytes| Record::decode(bytes.value()).ok());
    Ok(record.ok_or_else(|| {
        SidecarError::new(SidecarCode::Internal, format!("message {number} of queue {queue} is not there or broken"))
    }))
}

/// Puts a message on the disk.
pub(super) fn insert(tables: &mut Tables<'_>, queue: u32, number: u64, encoded: &[u8]) -> Result<(), Failed> {
    tables.messages.insert((queue, number), encoded)?;
    Ok(())
}

/// Takes a message off the disk.
pub(super) fn remove(tables: &mut Tables<'_>, queue: u32, entry: &Entry) -> Result<(), Failed> {
    tables.messages.remove((queue, entry.number))?;
    if entry.attempts > 0 {
        tables.attempts.remove((queue, entry.number))?;
    }
    Ok(())
}
