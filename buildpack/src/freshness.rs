//! Times by content. The platform hands a build its source and its cache with times that mean nothing: those of the cache are of
//! its extraction, those of the source of a clone, or of 1980. Cargo goes by times, and would compile all of it or, worse, ship
//! what was compiled from another source.
//!
//! So a ledger in the cache remembers the hash of every file of the source with the time at which it came to be so, and the time
//! of everything that was compiled. A build first puts all of them back; a file that differs gets a time after all others. What
//! cargo then sees is what it would have seen on a disk that was never taken away.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// Of another form is another ledger.
const VERSION: u32 = 1;

/// Between what is old and what is new: more than the clock of a disk is behind, less than a build takes to its end.
const STEP: Duration = Duration::from_millis(10);

/// The time of what was compiled, but is not in the ledger: nobody knows from what.
const ANCIENT: u64 = 1_000_000_000;

/// What is remembered from one build to the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Ledger {
    version: u32,
    /// Where the source was: paths of it are compiled in.
    app: PathBuf,
    source: BTreeMap<String, Entry>,
    /// By folder, the times of what is in it.
    outputs: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A file or a folder of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Of the content, or of the names in a folder.
    hash: String,
    /// Nanoseconds since 1970.
    time: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    File,
    Folder,
    /// Cargo looks at where it leads, so that one that leads elsewhere makes all of the source new.
    Link,
}

/// What a walk through the source finds.
type Source = BTreeMap<String, (String, Kind)>;

/// A build's view of the times, to be recorded when it has succeeded.
#[derive(Debug)]
pub struct Freshness {
    ledger: Ledger,
    /// What there is to tell of the cache.
    pub state: State,
}

/// What the cache is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing is known: the packages of the source are compiled anew.
    Unknown,
    /// The source was elsewhere: its packages are compiled anew.
    Moved,
    /// The cache is of this source; so many files differ.
    Known {
        /// New files and those with another content.
        changed: usize,
    },
    /// The times of the source cannot be set: the cache is of no use.
    Useless(String),
}

/// Puts the times back. `outputs` are the folders of the cache, by name.
///
/// The ledger is taken away: what a build that fails leaves behind is not what it describes.
///
/// # Errors
/// The source cannot be read, or the cache not be written.
pub fn restore(app: &Path, outputs: &[(&str, &Path)], ledger: &Path) -> Result<Freshness> {
    let before = take(ledger)?;
    let now = SystemTime::now();
    let mut found = BTreeMap::new();
    walk_source(app, app, &mut found)?;
    let before = before.filter(|before| before.version == VERSION);
    // A clock that went back, or builds in the same second: the past is moved, the order in it kept.
    let oldest_new = now - STEP;
    let latest = before.iter().flat_map(Ledger::times).max().unwrap_or(0);
    let shift = latest.saturating_sub(nanoseconds(oldest_new - STEP));
    for (name, folder) in outputs {
        let times = before.as_ref().and_then(|before| before.outputs.get(*name));
        let mut there = BTreeMap::new();
        walk_outputs(folder, folder, &mut there)?;
        for path in there.keys() {
            let time = match times {
                Some(times) => times.get(path).map_or(ANCIENT, |time| time.saturating_sub(shift)),
                // One time for all: among themselves they are fresh, and older than all of the source.
                None => nanoseconds(oldest_new - STEP),
            };
            let path = folder.join(path);
            set(&path, time).map_err(|error| Error::file("set the time of", &path, &error))?;
        }
    }
    let state = match &before {
        None => State::Unknown,
        Some(before) if before.app != app => State::Moved,
        Some(before) if !before.has_links(&found) => State::Unknown,
        Some(_) => State::Known { changed: 0 },
    };
    let known = before.as_ref().filter(|_| matches!(state, State::Known { .. }));
    let mut changed = 0;
    let mut source = BTreeMap::new();
    for (path, (hash, kind)) in found {
        let same = known.and_then(|known| known.source.get(&path)).filter(|entry| entry.hash == hash);
        changed += usize::from(same.is_none() && kind == Kind::File);
        let time = same.map_or_else(|| nanoseconds(oldest_new), |entry| entry.time.saturating_sub(shift));
        source.insert(path, Entry { hash, time, kind });
    }
    for (path, entry) in source.iter().filter(|(_, entry)| entry.kind != Kind::Link) {
        if let Err(error) = set(&app.join(path), entry.time) {
            let why = format!("the time of {path} cannot be set ({error})");
            return Ok(Freshness { ledger: Ledger::default(), state: State::Useless(why) });
        }
    }
    let state = if known.is_some() { State::Known { changed } } else { state };
    let ledger = Ledger { version: VERSION, app: app.to_owned(), source, outputs: BTreeMap::new() };
    Ok(Freshness { ledger, state })
}

impl Freshness {
    /// Records the times of what was compiled, after a build that succeeded.
    ///
    /// # Errors
    /// The cache cannot be read or written.
    pub fn record(mut self, outputs: &[(&str, &Path)], ledger: &Path) -> Result<()> {
        if matches!(self.state, State::Useless(_)) {
            return Ok(());
        }
        for (name, folder) in outputs {
            let mut times = BTreeMap::new();
            walk_outputs(folder, folder, &mut times)?;
            self.ledger.outputs.insert((*name).to_owned(), times);
        }
        let text = serde_json::to_vec(&self.ledger).map_err(|error| Error::new(format!("cannot write the ledger: {error}")))?;
        fs::write(ledger, text).map_err(|error| Error::file("write", ledger, &error))
    }
}

impl Ledger {
    /// Whether the links are those that are found.
    fn has_links(&self, found: &Source) -> bool {
        let links = found.iter().filter(|(_, (_, kind))| *kind == Kind::Link);
        let before = self.source.iter().filter(|(_, entry)| entry.kind == Kind::Link);
        links.map(|(path, (hash, _))| (path, hash)).eq(before.map(|(path, entry)| (path, &entry.hash)))
    }

    fn times(&self) -> impl Iterator<Item = u64> {
        self.source.values().map(|entry| entry.time).chain(self.outputs.values().flat_map(|times| times.values().copied()))
    }
}

/// Reads the ledger and removes it. One that cannot be understood is none.
fn take(path: &Path) -> Result<Option<Ledger>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("read", path, &error)),
    };
    fs::remove_file(path).map_err(|error| Error::file("remove", path, &error))?;
    Ok(serde_json::from_slice(&text).ok())
}

/// Hashes what is in a folder: the content of files, the names in folders, where links lead to.
fn walk_source(app: &Path, folder: &Path, found: &mut Source) -> Result<()> {
    let failed = |path: &Path, error: &io::Error| Error::file("read", path, error);
    let mut names = Sha256::new();
    for entry in sorted(folder)? {
        let path = folder.join(&entry);
        let kind = fs::symlink_metadata(&path).map_err(|error| failed(&path, &error))?.file_type();
        names.update(entry.as_encoded_bytes());
        names.update([0]);
        if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| failed(&path, &error))?;
            names.update(target.as_os_str().as_encoded_bytes());
            names.update([0]);
            let mut hash = Hash(Sha256::new_with_prefix(target.as_os_str().as_encoded_bytes()));
            let leads_out = path.canonicalize().is_ok_and(|real| !real.starts_with(app));
            if leads_out && path.is_file() {
                let mut file = File::open(&path).map_err(|error| failed(&path, &error))?;
                io::copy(&mut file, &mut hash).map_err(|error| failed(&path, &error))?;
            }
            found.insert(relative(app, &path)?, (hex(hash.0), Kind::Link));
            continue;
        }
        if kind.is_dir() {
            if !is_apart(&path) {
                walk_source(app, &path, found)?;
            }
            continue;
        }
        // Sockets and the like are nobody's source.
        if !kind.is_file() {
            continue;
        }
        let mut file = File::open(&path).map_err(|error| failed(&path, &error))?;
        let mut hash = Hash(Sha256::new());
        io::copy(&mut file, &mut hash).map_err(|error| failed(&path, &error))?;
        match relative(app, &path) {
            Ok(path) => {
                found.insert(path, (hex(hash.0), Kind::File));
            }
            // No source of a compiler can have such a name; whoever looks at its folder sees that something in it changed.
            Err(_) => names.update(hash.0.finalize()),
        }
    }
    if folder != app {
        found.insert(relative(app, folder)?, (hex(names), Kind::Folder));
    }
    Ok(())
}

/// What is compiled elsewhere, and the store of git: no source.
fn is_apart(folder: &Path) -> bool {
    ["CACHEDIR.TAG", ".rustc_info.json"].iter().all(|file| folder.join(file).is_file()) || folder.ends_with(".git/objects")
}

fn walk_outputs(root: &Path, folder: &Path, times: &mut BTreeMap<String, u64>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in sorted(folder)? {
        let path = folder.join(&entry);
        let metadata = fs::symlink_metadata(&path).map_err(|error| Error::file("read", &path, &error))?;
        if metadata.is_symlink() {
            continue;
        }
        let time = metadata.modified().map_err(|error| Error::file("read the time of", &path, &error))?;
        times.insert(relative(root, &path)?, nanoseconds(time));
        if metadata.is_dir() {
            walk_outputs(root, &path, times)?;
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<std::ffi::OsString>> {
    let failed = |error: io::Error| Error::file("list", folder, &error);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    names.sort();
    Ok(names)
}

fn relative(root: &Path, path: &Path) -> Result<String> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let text = below.to_str();
    text.map(str::to_owned).ok_or_else(|| Error::new(format!("the name of {} is no UTF-8: rename it", path.display())))
}

fn set(path: &Path, time: u64) -> io::Result<()> {
    File::open(path)?.set_modified(UNIX_EPOCH + Duration::from_nanos(time))
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(hash: Sha256) -> String {
    use std::fmt::Write as _;
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
