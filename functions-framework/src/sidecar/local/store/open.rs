//! Opens the database; one that cannot be used is left as it is.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use redb::{
    Builder, Database, DatabaseError, StorageBackend as _,
    backends::{FileBackend, InMemoryBackend},
};

use super::{
    Failed,
    overlay::Overlay,
    tables::{META, Tables},
};
use crate::{server::crash, sidecar::local::StartError};

/// The name of the file in the folder.
pub(super) const FILE: &str = "local.redb";

/// What this version writes and reads.
const FORMAT: u64 = 1;

/// Pages are kept in memory up to this many bytes; the system has the file in its cache anyway.
const CACHE: usize = 32 << 20;

/// From this size on, looking at a file takes long enough to say so.
const LARGE: u64 = 256 << 20;

fn builder() -> Builder {
    let mut builder = Database::builder();
    // Newer versions of the database read only this format of files.
    builder.set_cache_size(CACHE).create_with_file_format_v3(true);
    builder
}

pub(super) fn in_memory() -> Result<Database, StartError> {
    let make = || {
        let database = builder().create_with_backend(InMemoryBackend::new())?;
        initialize(&database).map(|()| database)
    };
    make().map_err(|error| StartError::Failed(format!("cannot make the local store in memory: {error}")))
}

pub(super) fn in_folder(folder: &Path) -> Result<Database, StartError> {
    let place = Place { folder: folder.to_owned(), file: folder.join(FILE) };
    fs::create_dir_all(folder).map_err(|error| place.unusable(&format!("the folder cannot be made: {error}")))?;
    match fs::metadata(&place.file) {
        Ok(there) => {
            if there.len() > LARGE {
                tracing::info!(file = %place.file.display(), bytes = there.len(), "local backend: checking what was kept");
            }
            place.look()?;
            place.open()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => place.make(),
        Err(error) => Err(place.unusable(&error.to_string())),
    }
}

struct Place {
    folder: PathBuf,
    file: PathBuf,
}

impl Place {
    /// Makes it under another name first: under its own it is whole or not there.
    fn make(&self) -> Result<Database, StartError> {
        let unfinished = self.folder.join(format!("{FILE}.new"));
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&unfinished);
        let file = file.map_err(|error| self.unusable(&format!("{}: {error}", unfinished.display())))?;
        let run = || -> Result<Database, Failed> {
            // What a crash left of an earlier try goes only once it is sure that nobody is at work on it.
            let backend = FileBackend::new(file)?;
            backend.set_len(0)?;
            let database = builder().create_with_backend(backend)?;
            initialize(&database)?;
            fs::rename(&unfinished, &self.file)?;
            #[cfg(unix)]
            File::open(&self.folder)?.sync_all()?;
            Ok(database)
        };
        run().map_err(|error| match *error.0 {
            redb::Error::DatabaseAlreadyOpen => self.in_use(),
            error => self.unusable(&format!("{FILE} cannot be made: {error}")),
        })
    }

    /// Looks at the whole of it, without a change.
    fn look(&self) -> Result<(), StartError> {
        let file = File::open(&self.file).map_err(|error| self.unusable(&format!("{FILE}: {error}")))?;
        let backend = FileBackend::new(file).map_err(|error| self.refused(&error))?;
        let overlay = Overlay::new(backend).map_err(|error| self.unusable(&format!("{FILE}: {error}")))?;
        // The database meets some kinds of damage with a panic.
        let looked = crash::contain(|| -> Result<Option<u64>, DatabaseError> {
            if overlay.len()? == 0 {
                return Err(io::Error::other("it is empty").into());
            }
            let mut database = builder().create_with_backend(overlay)?;
            let format = format_of(&database);
            // Of another format nothing more is understood.
            if format == Some(FORMAT) {
                database.check_integrity()?;
            }
            Ok(format)
        });
        match looked {
            Ok(Ok(Some(FORMAT))) => Ok(()),
            Ok(Ok(Some(newer))) => Err(self.unusable(&format!(
                "{FILE} has format {newer}, written by another version; this one reads format {FORMAT}. Nothing was changed: \
                 take a version that reads it, or another folder"
            ))),
            Ok(Ok(None)) => Err(self.damaged("it says no format: it was not written by this framework")),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(crash) => Err(self.damaged(&crash.to_string())),
        }
    }

    fn open(&self) -> Result<Database, StartError> {
        match crash::contain(|| builder().open(&self.file)) {
            Ok(Ok(database)) => Ok(database),
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(crash) => Err(self.damaged(&crash.to_string())),
        }
    }

    fn refused(&self, error: &DatabaseError) -> StartError {
        match error {
            DatabaseError::DatabaseAlreadyOpen => self.in_use(),
            error => self.damaged(&error.to_string()),
        }
    }

    fn in_use(&self) -> StartError {
        self.unusable("another process uses it: stop that one, or take another folder")
    }

    fn unusable(&self, why: &str) -> StartError {
        StartError::Configuration(format!("data folder {} (--data-dir, FUNCTION_DATA_DIR): {why}", self.folder.display()))
    }

    fn damaged(&self, why: &str) -> StartError {
        StartError::Failed(format!(
            "data folder {} (--data-dir, FUNCTION_DATA_DIR): {FILE} is damaged: {why}. Nothing was changed: restore it from a \
             copy, or move it away to begin anew",
            self.folder.display()
        ))
    }
}

fn format_of(database: &Database) -> Option<u64> {
    let transaction = database.begin_read().ok()?;
    let meta = transaction.open_table(META).ok()?;
    Some(meta.get("format").ok()??.value())
}

fn initialize(database: &Database) -> Result<(), Failed> {
    let transaction = database.begin_write()?;
    let mut tables = Tables::open(&transaction)?;
    tables.meta.insert("format", FORMAT)?;
    drop(tables);
    Ok(transaction.commit()?)
}
