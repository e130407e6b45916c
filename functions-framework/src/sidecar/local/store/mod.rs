//! Where the local backend keeps what must outlive a call: one database, in memory or in a file.
//!
//! Readers see what is committed. Writers queue up for one thread, which commits all that wait together: what a commit
//! costs, above all the wait for the disk, is shared by them.

mod commits;
mod open;
mod overlay;
#[cfg(test)]
mod power;
mod tables;
#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
};

use redb::{Database, ReadTransaction};
use tokio::sync::oneshot;

use self::commits::{Inbox, Job};
pub(super) use self::tables::{ATTEMPTS, DEAD, EXPIRY, MESSAGES, QUEUES, STATE, Tables};
use super::StartError;
use crate::sidecar::{SidecarCode, SidecarError};

/// What a write comes to: the outer error is the database's and undoes all that is committed together, the inner one is
/// the caller's own and undoes nothing, so it comes before anything is written.
pub(super) type Written<T> = Result<Result<T, SidecarError>, Failed>;

/// What the database says when it cannot do its work.
#[derive(Debug)]
pub(super) struct Failed(Box<redb::Error>);

impl<E: Into<redb::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(Box::new(error.into()))
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The database.
pub(super) struct Store {
    /// None once it is closed: its file is then free for others.
    database: RwLock<Option<Arc<Database>>>,
    inbox: Arc<Inbox>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Makes one that is gone with the process.
    pub(super) fn in_memory() -> Result<Self, StartError> {
        open::in_memory().and_then(Self::new)
    }

    /// Opens the one in this folder, which is made when it is not there.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, StartError> {
        open::in_folder(folder).and_then(Self::new)
    }

    fn new(database: Database) -> Result<Self, StartError> {
        let database = Arc::new(database);
        let inbox = Arc::new(Inbox::default());
        let run = {
            let (database, inbox) = (Arc::clone(&database), Arc::clone(&inbox));
            move || inbox.serve(&database)
        };
        let database = RwLock::new(Some(database));
        let writer = std::thread::Builder::new().name("local-store".to_owned()).spawn(run);
        let writer = writer.map_err(|error: io::Error| StartError::Failed(format!("cannot start a thread: {error}")))?;
        Ok(Self { database, inbox, writer: Mutex::new(Some(writer)) })
    }

    /// Reads what is committed.
    pub(super) fn read<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, Failed>) -> Result<T, SidecarError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner).clone();
        let database = database.ok_or_else(|| SidecarError::new(SidecarCode::Unavailable, STOPPED))?;
        let result = database.begin_read().map_err(Failed::from).and_then(|transaction| read(&transaction));
        let unreadable =
            |error: Failed| SidecarError::new(SidecarCode::Internal, format!("the local store cannot be read: {error}"));
        result.map_err(unreadable)
    }

    /// Writes, and waits until it is committed: on the disk, when there is a file. Whoever stops waiting does not undo it.
    pub(super) async fn write<T, F>(&self, write: F) -> Result<T, SidecarError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tables<'_>) -> Written<T> + Send + 'static,
    {
        self.write_then(write, |_| {}).await
    }

    /// As [`write`](Self::write); `then` runs as soon as it is committed, in the order of the commits.
    pub(super) async fn write_then<T, F, A>(&self, write: F, then: A) -> Result<T, SidecarError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tables<'_>) -> Written<T> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let finish = move |outcome: Result<T, SidecarError>| {
            if let Ok(value) = &outcome {
                then(value);
            }
            // Nobody waits any more: there is nobody to tell.
            let _ = sender.send(outcome);
        };
        self.inbox.put(Work { write: Some(write), outcome: None, finish: Some(finish) }, true);
        receiver.await.unwrap_or_else(|_| Err(SidecarError::new(SidecarCode::Unavailable, STOPPED)))
    }

    /// Writes with one of the next commits; nobody waits for it, and a crash may undo it.
    pub(super) fn write_soon(&self, what: &'static str, write: impl FnOnce(&mut Tables<'_>) -> Written<()> + Send + 'static) {
        let finish = move |outcome: Result<(), SidecarError>| {
            if let Err(error) = outcome {
                tracing::error!(%error, "local backend: {what} was not written");
            }
        };
        self.inbox.put(Work { write: Some(write), outcome: None, finish: Some(finish) }, false);
    }

    /// Waits until everything written before is committed.
    pub(super) async fn flush(&self) -> Result<(), SidecarError> {
        self.write(|_| Ok(Ok(()))).await
    }

    /// Commits what is left and ends; later writes are refused.
    pub(super) fn close(&self) {
        self.inbox.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = writer.map(JoinHandle::join) {
            tracing::error!("local backend: the thread that writes has panicked");
        }
        self.database.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// What a call is told that comes too late.
const STOPPED: &str = "the local store has stopped";

/// One write, from its request to its answer.
struct Work<T, F, A> {
    write: Option<F>,
    outcome: Option<Result<T, SidecarError>>,
    finish: Option<A>,
}

impl<T, F, A> Job for Work<T, F, A>
where
    T: Send,
    F: FnOnce(&mut Tables<'_>) -> Written<T> + Send,
    A: FnOnce(Result<T, SidecarError>) + Send,
{
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Failed> {
        if let Some(write) = self.write.take() {
            self.outcome = Some(write(tables)?);
        }
        Ok(())
    }

    fn finish(&mut self, committed: Result<(), &str>) {
        let Some(finish) = self.finish.take() else { return };
        finish(match (committed, self.outcome.take()) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(SidecarError::new(SidecarCode::Internal, "the local store did not run this write")),
            (Err(why), _) => Err(SidecarError::new(SidecarCode::Internal, why)),
        });
    }
}
