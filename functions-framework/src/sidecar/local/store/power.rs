//! The power fails: what was not synced is on the disk, or is not, or in part.

use std::{io, sync::Mutex};

use proptest::prelude::*;
use redb::{Builder, Database, StorageBackend};

use super::*;

/// A disk that may lose what was not synced.
#[derive(Debug, Default)]
struct Disk(Mutex<Platter>);

#[derive(Debug, Default, Clone)]
struct Platter {
    /// As a program sees it.
    seen: Vec<u8>,
    /// As it was when it was synced last,
    safe: Vec<u8>,
    /// and what was done since.
    since: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Length(usize),
    Write(usize, Vec<u8>),
}

#[derive(Debug, Clone)]
struct Shared(Arc<Disk>);

fn apply(bytes: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Length(length) => bytes.resize(*length, 0),
        Step::Write(at, data) => {
            let end = (at + data.len()).max(bytes.len());
            bytes.resize(end, 0);
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}

impl Shared {
    fn step(&self, step: Step) {
        let mut platter = self.0.0.lock().unwrap();
        apply(&mut platter.seen, &step);
        platter.since.push(step);
    }
}

impl StorageBackend for Shared {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.0.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let at = usize::try_from(offset).unwrap();
        let platter = self.0.0.lock().unwrap();
        platter.seen.get(at..at + length).map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.step(Step::Length(usize::try_from(length).unwrap()));
        Ok(())
    }

    fn sync_data(&self, _: bool) -> io::Result<()> {
        let mut platter = self.0.0.lock().unwrap();
        let Platter { safe, since, .. } = &mut *platter;
        since.drain(..).for_each(|step| apply(safe, &step));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.step(Step::Write(usize::try_from(offset).unwrap(), data.to_vec()));
        Ok(())
    }
}

/// What is found when the power is back: of the steps since the last sync any may be missing, and the lengths all hold.
fn after_the_failure(platter: &Platter, kept: &[bool]) -> Vec<u8> {
    let mut bytes = platter.safe.clone();
    for (index, step) in platter.since.iter().enumerate() {
        if matches!(step, Step::Length(_)) || kept.get(index % kept.len().max(1)).copied().unwrap_or(false) {
            apply(&mut bytes, step);
        }
    }
    bytes
}

fn database(disk: Shared) -> Database {
    Builder::new().create_with_file_format_v3(true).create_with_backend(disk).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn what_was_committed_is_there_when_the_power_is_back(
        batches in prop::collection::vec(1_u64..60, 1..7),
        kept in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        let disk = Shared(Arc::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Store::new(database(disk.clone())).unwrap();
        let put = |number: u64| move |tables: &mut Tables<'_>| -> Written<()> {
            tables.messages.insert((1, number), &[7; 300][..])?;
            Ok(Ok(()))
        };
        let mut taken = 0;
        for batch in batches {
            for number in taken..taken + batch {
                store.write_soon("a test", put(number));
            }
            // Others are told when theirs is committed; the power may fail at this very moment.
            runtime.block_on(store.flush()).unwrap();
            taken += batch;
            let found = Shared(Arc::default());
            {
                let platter = disk.0.0.lock().unwrap();
                found.0.0.lock().unwrap().seen = after_the_failure(&platter, &kept);
            }
            let again = Store::new(database(found)).unwrap();
            let there = again.read(|transaction| {
                let table = transaction.open_table(MESSAGES)?;
                let mut numbers = Vec::new();
                for entry in table.range((1, 0)..=(1, u64::MAX))? {
                    numbers.push(entry?.0.value().1);
                }
                Ok(numbers)
            });
            prop_assert_eq!(there.unwrap(), (0..taken).collect::<Vec<_>>());
        }
    }
}
