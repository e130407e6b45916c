//! Messages that were given up and have no dead-letter topic: kept, to be looked at and replayed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::ReadTransaction;

use super::{
    record::Letter,
    store::{DEAD, Failed, Store, Tables},
};
use crate::sidecar::{SidecarCode, SidecarError};

/// The list of dead letters, in memory or on the disk.
#[derive(Debug)]
pub(super) struct DeadLetters {
    disk: Option<Arc<Store>>,
    /// By number; empty when they are on the disk.
    memory: Mutex<(u64, BTreeMap<u64, Letter>)>,
}

impl DeadLetters {
    pub(super) fn new(disk: Option<Arc<Store>>) -> Self {
        Self { disk, memory: Mutex::default() }
    }

    /// How much room all of them take.
    pub(super) fn size(&self) -> Result<u64, SidecarError> {
        let size = |letter: &Letter| letter.record.size();
        let Some(store) = &self.disk else { return Ok(self.lock().1.values().map(size).sum()) };
        store.read(|transaction| {
            let mut sum = 0;
            for entry in transaction.open_table(DEAD)?.range::<u64>(..)? {
                sum += Letter::decode(entry?.1.value()).as_ref().map_or(0, size);
            }
            Ok(sum)
        })
    }

    pub(super) fn len(&self) -> Result<u64, SidecarError> {
        match &self.disk {
            None => Ok(self.lock().1.len() as u64),
            Some(store) => store.read(|transaction| Ok(redb::ReadableTableMetadata::len(&transaction.open_table(DEAD)?)?)),
        }
    }

    /// The oldest ones, up to so many.
    pub(super) fn list(&self, most: usize) -> Result<Vec<(u64, Letter)>, SidecarError> {
        let Some(store) = &self.disk else {
            return Ok(self.lock().1.iter().take(most).map(|(number, letter)| (*number, letter.clone())).collect());
        };
        let read = |transaction: &ReadTransaction| {
            let mut letters = Vec::new();
            for entry in transaction.open_table(DEAD)?.range::<u64>(..)?.take(most) {
                let (number, bytes) = entry?;
                letters.push((number.value(), Letter::decode(bytes.value())));
            }
            Ok(letters)
        };
        let broken = |number| SidecarError::new(SidecarCode::Internal, format!("dead letter {number} is broken"));
        store.read(read)?.into_iter().map(|(number, letter)| Ok((number, letter.map_err(|_| broken(number))?))).collect()
    }

    /// The numbers of all of them.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, SidecarError> {
        let Some(store) = &self.disk else { return Ok(self.lock().1.keys().copied().collect()) };
        store.read(|transaction| {
            let table = transaction.open_table(DEAD)?;
            let numbers: Result<Vec<_>, redb::StorageError> =
                table.range::<u64>(..)?.map(|entry| Ok(entry?.0.value())).collect();
            Ok(numbers?)
        })
    }

    pub(super) fn get(&self, number: u64) -> Result<Letter, SidecarError> {
        let found = match &self.disk {
            None => self.lock().1.get(&number).cloned(),
            Some(store) => store.read(|transaction| {
                let bytes = transaction.open_table(DEAD)?.get(number)?;
                Ok(bytes.and_then(|bytes| Letter::decode(bytes.value()).ok()))
            })?,
        };
        found.ok_or_else(|| SidecarError::new(SidecarCode::NotFound, format!("there is no dead letter {number}")))
    }

    /// Adds one, and does the rest with the same commit.
    pub(super) async fn add<F>(&self, letter: Letter, rest: F) -> Result<(), SidecarError>
    where
        F: FnOnce(&mut Tables<'_>) -> Result<(), Failed> + Send + 'static,
    {
        let Some(store) = &self.disk else {
            let mut memory = self.lock();
            memory.0 += 1;
            let number = memory.0;
            memory.1.insert(number, letter);
            return Ok(());
        };
        let encoded = letter.encode();
        let write = move |tables: &mut Tables<'_>| {
            let number = tables.number("dead")?;
            tables.dead.insert(number, &encoded[..])?;
            rest(tables)?;
            Ok(Ok(()))
        };
        store.write(write).await
    }

    /// Takes one off the list, and does the rest with the same commit; false when another was faster.
    pub(super) async fn remove<F>(&self, number: u64, rest: F) -> Result<bool, SidecarError>
    where
        F: FnOnce(&mut Tables<'_>) -> Result<(), Failed> + Send + 'static,
    {
        let Some(store) = &self.disk else { return Ok(self.lock().1.remove(&number).is_some()) };
        let write = move |tables: &mut Tables<'_>| {
            let there = tables.dead.remove(number)?.is_some();
            if there {
                rest(tables)?;
            }
            Ok(Ok(there))
        };
        store.write(write).await
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Letter>)> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
