//! The broker: who gets what is sent, and what is left of it.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    dead::DeadLetters,
    queue::{self, Entry, Queue},
    record::{self, Letter, Record},
    store::{Failed, Store, Tables},
};
use crate::sidecar::{SidecarCode, SidecarError};

/// Where messages are sent to: the topics of a component, or the queues of a type of bindings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exchange {
    Topics { component: String },
    Queues { component_type: String },
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topics { component } => write!(f, "topic {component}"),
            Self::Queues { component_type } => write!(f, "queue {component_type}"),
        }
    }
}

/// A subscriber: it gets what is sent to an address, or to all that begin like it when it ends with a star.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) exchange: Exchange,
    pub(super) address: String,
}

impl Subscription {
    /// What its queue is called, in this run and the next.
    pub(super) fn queue(&self) -> String {
        format!("{}/{}", self.exchange, self.address)
    }

    pub(super) fn takes(&self, exchange: &Exchange, address: &str) -> bool {
        let fits = match self.address.strip_suffix('*') {
            Some(beginning) => address.starts_with(beginning),
            None => address == self.address,
        };
        fits && self.exchange == *exchange
    }
}

/// Takes messages for the subscribers of this process, and keeps them until they are done.
pub(super) struct Broker {
    /// None: what waits is gone with the process.
    disk: Option<Arc<Store>>,
    subscriptions: Vec<(Subscription, Arc<Queue>)>,
    room: Arc<Room>,
    dead: DeadLetters,
    /// Queues on the disk that nobody reads in this run, with how much is in them.
    left: BTreeMap<String, usize>,
}

/// Marks a message that came from a dead-letter topic, with the queue it came from.
const DEAD_LETTER_OF: &str = "deadLetterOf";

impl Broker {
    /// Makes the queues of all subscriptions, with what they held when the last run ended.
    pub(super) async fn new(
        subscriptions: Vec<Subscription>,
        disk: Option<Arc<Store>>,
        limit: u64,
    ) -> Result<Self, SidecarError> {
        let names: Vec<String> = subscriptions.iter().map(Subscription::queue).collect();
        let (numbers, mut found) = match &disk {
            None => ((1..).take(names.len()).collect(), BTreeMap::new()),
            Some(store) => {
                let register = {
                    let names = names.clone();
                    move |tables: &mut Tables<'_>| {
                        names.iter().map(|name| queue::register(tables, name)).collect::<Result<Vec<_>, Failed>>().map(Ok)
                    }
                };
                (store.write(register).await?, store.read(queue::all)?)
            }
        };
        let room = Arc::new(Room { used: AtomicU64::new(0), limit });
        let mut made = Vec::new();
        for ((subscription, name), number) in subscriptions.into_iter().zip(names).zip(numbers) {
            let queue = Queue::new(name, number);
            if let Some(entries) = found.remove(&queue.name) {
                room.add(queue.restore(entries));
            }
            made.push((subscription, Arc::new(queue)));
        }
        let dead = DeadLetters::new(disk.clone());
        room.add(dead.size()?);
        let left: BTreeMap<_, _> = found.into_iter().map(|(name, entries)| (name, entries.len())).collect();
        Ok(Self { disk, subscriptions: made, room, dead, left: left.into_iter().filter(|(_, count)| *count > 0).collect() })
    }

    /// The queue of each subscription, in their order.
    pub(super) fn queues(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.subscriptions.iter().map(|(_, queue)| queue)
    }

    pub(super) const fn left(&self) -> &BTreeMap<String, usize> {
        &self.left
    }

    pub(super) const fn is_durable(&self) -> bool {
        self.disk.is_some()
    }

    pub(super) const fn dead(&self) -> &DeadLetters {
        &self.dead
    }

    /// How much room all messages take.
    #[cfg(test)]
    pub(super) fn room(&self) -> u64 {
        self.room.used.load(Ordering::Relaxed)
    }

    /// How many messages wait, those on their way to a function not counted.
    pub(super) fn waiting(&self) -> usize {
        self.queues().map(|queue| queue.len()).sum()
    }

    /// Lets messages wait for everybody who gets what is sent to this address; returns how many that are. On the disk, if
    /// there is one, before it returns.
    pub(super) async fn send(&self, exchange: &Exchange, address: &str, records: Vec<Record>) -> Result<usize, SidecarError> {
        let queues = self.queues_for(exchange, address);
        if queues.is_empty() || records.is_empty() {
            return Ok(queues.len());
        }
        let records: Vec<_> = records.into_iter().map(Arc::new).collect();
        let size: u64 = records.iter().map(|record| record.size()).sum();
        let taken = Room::take(&self.room, size * queues.len() as u64)?;
        let readers = queues.len();
        let Some(store) = &self.disk else {
            for queue in queues {
                for record in &records {
                    queue.append_new(Arc::clone(record));
                }
            }
            taken.keep();
            return Ok(readers);
        };
        let encoded: Vec<_> = records.iter().map(|record| record.encode()).collect();
        let numbers = queues.clone();
        let write = move |tables: &mut Tables<'_>| {
            let mut given = Vec::with_capacity(numbers.len() * encoded.len());
            for queue in &numbers {
                for bytes in &encoded {
                    let number = queue.number();
                    queue::insert(tables, queue.number, number, bytes)?;
                    given.push(number);
                }
            }
            Ok(Ok(given))
        };
        let then = move |given: &Vec<u64>| {
            taken.keep();
            let messages = queues.iter().flat_map(|queue| records.iter().map(move |record| (queue, record)));
            for ((queue, record), number) in messages.zip(given) {
                let (size, record) = (record.size(), Some(Arc::clone(record)));
                queue.append(Entry { number: *number, attempts: 0, size, record }, true);
            }
        };
        store.write_then(write, then).await.map(|_| readers)
    }

    fn queues_for(&self, exchange: &Exchange, address: &str) -> Vec<Arc<Queue>> {
        let takes = self.subscriptions.iter().filter(|(subscription, _)| subscription.takes(exchange, address));
        takes.map(|(_, queue)| Arc::clone(queue)).collect()
    }

    /// Reads a message whose turn has come.
    pub(super) async fn read(&self, queue: &Arc<Queue>, entry: &Entry) -> Result<Arc<Record>, SidecarError> {
        if let Some(record) = &entry.record {
            return Ok(Arc::clone(record));
        }
        let Some(store) = self.disk.clone() else {
            return Err(SidecarError::new(SidecarCode::Internal, format!("message {} is not in memory", entry.number)));
        };
        let (queue, number) = (queue.number, entry.number);
        // It may have to wait for the disk.
        let read = tokio::task::spawn_blocking(move || store.read(|transaction| queue::read(transaction, queue, number)));
        let record = read.await.map_err(|error| SidecarError::new(SidecarCode::Internal, error.to_string()))???;
        Ok(Arc::new(record))
    }

    /// Ends a message that is done. A crash may undo it: the message then comes again.
    pub(super) fn done(&self, queue: &Queue, entry: Entry) {
        self.room.give(entry.size);
        if let Some(store) = &self.disk {
            let number = queue.number;
            store.write_soon("the end of a message", move |tables| queue::remove(tables, number, &entry).map(Ok));
        }
    }

    /// Remembers how often a message was delivered in vain.
    pub(super) fn tried(&self, queue: &Queue, entry: &Entry) {
        if let Some(store) = &self.disk {
            let (key, attempts) = ((queue.number, entry.number), entry.attempts);
            store.write_soon("the count of attempts", move |tables| {
                tables.attempts.insert(key, attempts)?;
                Ok(Ok(()))
            });
        }
    }

    /// Gives a message up: to the subscribers of its dead-letter topic, else to the list that is kept. It leaves its queue
    /// as it arrives there.
    pub(super) async fn give_up(
        &self,
        queue: &Queue,
        entry: Entry,
        record: &Record,
        why: String,
        topic: Option<(&Exchange, &str)>,
    ) -> Result<GivenUp, SidecarError> {
        let targets = topic.map(|(exchange, topic)| self.queues_for(exchange, topic)).unwrap_or_default();
        // What was dead before, or would come back to where it failed, would go round for ever.
        let around = record.metadata.contains_key(DEAD_LETTER_OF) || targets.iter().any(|target| target.name == queue.name);
        if targets.is_empty() || around {
            let letter = Letter {
                queue: queue.name.clone(),
                why,
                attempts: entry.attempts,
                given_up: record::now(),
                record: record.clone(),
            };
            let (source, size) = (queue.number, entry.size);
            let added = letter.record.size();
            self.dead.add(letter, move |tables| queue::remove(tables, source, &entry)).await?;
            self.room.swap(size, added);
            return Ok(GivenUp::Kept);
        }
        let mut record = record.clone();
        record.metadata.insert(DEAD_LETTER_OF.to_owned(), queue.name.clone());
        let record = Arc::new(record);
        let (size, added) = (entry.size, record.size() * targets.len() as u64);
        if let Some(store) = &self.disk {
            let (source, encoded, numbers) = (queue.number, record.encode(), targets.clone());
            let write = move |tables: &mut Tables<'_>| {
                queue::remove(tables, source, &entry)?;
                let mut given = Vec::new();
                for queue in &numbers {
                    let number = queue.number();
                    queue::insert(tables, queue.number, number, &encoded)?;
                    given.push(number);
                }
                Ok(Ok(given))
            };
            let record = Arc::clone(&record);
            let then = move |given: &Vec<u64>| {
                for (queue, number) in targets.iter().zip(given) {
                    let entry = Entry { number: *number, attempts: 0, size: record.size(), record: Some(Arc::clone(&record)) };
                    queue.append(entry, true);
                }
            };
            store.write_then(write, then).await?;
        } else {
            for target in &targets {
                target.append_new(Arc::clone(&record));
            }
        }
        self.room.swap(size, added);
        Ok(GivenUp::Sent)
    }

    /// Lets a message that was given up wait in its queue again.
    pub(super) async fn replay(&self, number: u64) -> Result<(), SidecarError> {
        let letter = self.dead.get(number)?;
        let found = self.queues().find(|queue| queue.name == letter.queue).cloned();
        let Some(queue) = found else {
            let text = format!("dead letter {number} came from `{}`, which no input of this run reads", letter.queue);
            return Err(SidecarError::new(SidecarCode::FailedPrecondition, text));
        };
        let (before, mut record) = (letter.record.size(), letter.record);
        record.metadata.remove(DEAD_LETTER_OF);
        // It has another chance, in all: an end that has come would give it up at once.
        record.expires = None;
        let size = record.size();
        if self.disk.is_none() {
            if self.dead.remove(number, |_| Ok(())).await? {
                self.room.swap(before, size);
                queue.append_new(Arc::new(record));
            }
            return Ok(());
        }
        let (encoded, again, target) = (record.encode(), queue.number(), queue.number);
        let removed = self.dead.remove(number, move |tables| queue::insert(tables, target, again, &encoded)).await?;
        if removed {
            self.room.swap(before, size);
            queue.append(Entry { number: again, attempts: 0, size, record: Some(Arc::new(record)) }, true);
        }
        Ok(())
    }

    /// Forgets a message that was given up.
    pub(super) async fn forget(&self, number: u64) -> Result<(), SidecarError> {
        let size = self.dead.get(number)?.record.size();
        if self.dead.remove(number, |_| Ok(())).await? {
            self.room.give(size);
        }
        Ok(())
    }
}

/// Where a message that was given up has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// To the subscribers of the dead-letter topic.
    Sent,
    /// To the list of dead letters.
    Kept,
}

/// How much room messages take, and may.
#[derive(Debug)]
struct Room {
    used: AtomicU64,
    limit: u64,
}

impl Room {
    fn take(room: &Arc<Self>, size: u64) -> Result<Taken, SidecarError> {
        let used = room.used.fetch_add(size, Ordering::Relaxed) + size;
        let taken = Taken { room: Arc::clone(room), size };
        if used > room.limit {
            let text = format!(
                "{} MiB of messages wait, as many as the local backend takes: a function must take them, or dead letters be \
                 replayed or deleted, before more can be sent",
                room.limit >> 20
            );
            return Err(SidecarError::new(SidecarCode::ResourceExhausted, text));
        }
        Ok(taken)
    }

    fn add(&self, size: u64) {
        self.used.fetch_add(size, Ordering::Relaxed);
    }

    fn give(&self, size: u64) {
        self.used.fetch_sub(size, Ordering::Relaxed);
    }

    /// One message has become others.
    fn swap(&self, gone: u64, come: u64) {
        self.add(come);
        self.give(gone);
    }
}

/// Room that is given back unless it is kept.
struct Taken {
    room: Arc<Room>,
    size: u64,
}

impl Taken {
    fn keep(mut self) {
        self.size = 0;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.give(self.size);
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("subscriptions", &self.subscriptions).finish_non_exhaustive()
    }
}
