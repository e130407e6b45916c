//! A file that is looked at and not touched.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use redb::{StorageBackend, backends::FileBackend};

const BLOCK: u64 = 4096;

/// Reads a file; what is written stays in memory and is forgotten. Opening a database repairs it after a crash, and marks
/// it as open: here that happens to a picture of it.
#[derive(Debug)]
pub(super) struct Overlay {
    file: FileBackend,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    length: u64,
    /// How much of the file still shows: less than all of it once it was cut.
    shown: u64,
    blocks: BTreeMap<u64, Box<[u8]>>,
}

impl Overlay {
    pub(super) fn new(file: FileBackend) -> io::Result<Self> {
        let length = file.len()?;
        Ok(Self { file, written: Mutex::new(Written { length, shown: length, blocks: BTreeMap::new() }) })
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what the file has of a range, zeros after its end.
    fn below(&self, shown: u64, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let there = usize::try_from(shown.saturating_sub(offset)).unwrap_or(usize::MAX).min(length);
        let mut bytes = if there == 0 { Vec::new() } else { self.file.read(offset, there)? };
        bytes.resize(length, 0);
        Ok(bytes)
    }
}

/// The end of a range, when it is within the length.
fn end_of(offset: u64, length: usize, whole: u64) -> io::Result<u64> {
    let end = u64::try_from(length).ok().and_then(|length| offset.checked_add(length));
    end.filter(|end| *end <= whole).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Calls with every block of a range: its number, where it begins in the range, where the range begins in it, how much.
fn each_block(offset: u64, length: usize, mut visit: impl FnMut(u64, usize, usize, usize) -> io::Result<()>) -> io::Result<()> {
    let mut done = 0;
    while done < length {
        let at = offset + done as u64;
        // The remainder is less than a block.
        let inside = usize::try_from(at % BLOCK).unwrap_or_default();
        let count = (length - done).min(usize::try_from(BLOCK).unwrap_or(usize::MAX) - inside);
        visit(at / BLOCK, done, inside, count)?;
        done += count;
    }
    Ok(())
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().length)
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let written = self.lock();
        end_of(offset, length, written.length)?;
        let mut bytes = self.below(written.shown, offset, length)?;
        if !written.blocks.is_empty() {
            each_block(offset, length, |number, done, inside, count| {
                if let Some(block) = written.blocks.get(&number) {
                    bytes[done..done + count].copy_from_slice(&block[inside..inside + count]);
                }
                Ok(())
            })?;
        }
        Ok(bytes)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut written = self.lock();
        if length < written.length {
            written.shown = written.shown.min(length);
            let first_after = length.div_ceil(BLOCK);
            written.blocks.split_off(&first_after);
            if let (Some(block), Ok(kept)) = (written.blocks.get_mut(&(length / BLOCK)), usize::try_from(length % BLOCK)) {
                block[kept..].fill(0);
            }
        }
        written.length = length;
        Ok(())
    }

    fn sync_data(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.lock();
        end_of(offset, data.len(), written.length)?;
        let shown = written.shown;
        each_block(offset, data.len(), |number, done, inside, count| {
            let block = match written.blocks.entry(number) {
                std::collections::btree_map::Entry::Occupied(block) => block.into_mut(),
                std::collections::btree_map::Entry::Vacant(empty) => {
                    let bytes = self.below(shown, number * BLOCK, usize::try_from(BLOCK).unwrap_or(usize::MAX))?;
                    empty.insert(bytes.into_boxed_slice())
                }
            };
            block[inside..inside + count].copy_from_slice(&data[done..done + count]);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Length(u64),
        Write(u64, Vec<u8>),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..20_000_u64).prop_map(Step::Length),
            ((0..20_000_u64), prop::collection::vec(any::<u8>(), 0..9000)).prop_map(|(at, data)| Step::Write(at, data)),
        ]
    }

    proptest! {
        #[test]
        fn it_reads_as_a_file_would_and_leaves_the_real_one_alone(
            first in prop::collection::vec(any::<u8>(), 0..15_000),
            steps in prop::collection::vec(step(), 0..12),
        ) {
            let folder = crate::sidecar::local::tests::Folder::new();
            let path = folder.path().join("file");
            std::fs::write(&path, &first).unwrap();
            let overlay = Overlay::new(FileBackend::new(File::open(&path).unwrap()).unwrap()).unwrap();
            let model = InMemoryBackend::new();
            model.set_len(first.len() as u64).unwrap();
            model.write(0, &first).unwrap();
            for step in steps {
                match step {
                    Step::Length(length) => {
                        overlay.set_len(length).unwrap();
                        model.set_len(length).unwrap();
                    }
                    Step::Write(at, data) => {
                        let fits = at + data.len() as u64 <= model.len().unwrap();
                        prop_assert_eq!(overlay.write(at, &data).is_ok(), fits);
                        if fits {
                            model.write(at, &data).unwrap();
                        }
                    }
                }
                let length = usize::try_from(model.len().unwrap()).unwrap();
                prop_assert_eq!(overlay.len().unwrap(), length as u64);
                prop_assert_eq!(overlay.read(0, length).unwrap(), model.read(0, length).unwrap());
                prop_assert!(overlay.read(1, length).is_err());
            }
            prop_assert_eq!(std::fs::read(&path).unwrap(), first);
        }
    }
}
