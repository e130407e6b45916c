//! The thread that writes: it commits together whatever waits.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redb::Database;

use super::{Failed, STOPPED, tables::Tables};
use crate::server::crash;

/// As many writes as one commit takes, so that the first of them does not wait for ever longer.
const MOST: usize = 2048;

/// How long what nobody waits for is held back, for others to come along.
const LINGER: Duration = Duration::from_millis(10);

/// One write.
pub(super) trait Job: Send {
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Failed>;

    /// Is told whether it was committed, or why not.
    fn finish(&mut self, committed: Result<(), &str>);
}

/// The writes that wait for a commit.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    came: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Box<dyn Job>>,
    /// Whether somebody waits for one of them.
    urgent: bool,
    closed: bool,
}

impl Inbox {
    pub(super) fn put(&self, job: impl Job + 'static, urgent: bool) {
        let mut job: Box<dyn Job> = Box::new(job);
        let mut waiting = self.lock();
        if waiting.closed {
            drop(waiting);
            return job.finish(Err(STOPPED));
        }
        waiting.jobs.push_back(job);
        waiting.urgent |= urgent;
        drop(waiting);
        self.came.notify_one();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.came.notify_one();
    }

    /// Commits batch after batch, until it is closed and empty.
    pub(super) fn serve(&self, database: &Database) {
        while let Some(mut batch) = self.next() {
            // A panic of the database must reach those who wait as an error, not as silence.
            let committed = crash::contain(|| commit(database, &mut batch)).unwrap_or_else(|crash| Err(crash.to_string()));
            let committed = committed.map_err(|why| format!("the local store cannot be written: {why}"));
            for mut job in batch {
                job.finish(committed.as_ref().copied().map_err(String::as_str));
            }
        }
    }

    fn next(&self) -> Option<Vec<Box<dyn Job>>> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut waiting, _) = self
            .came
            .wait_timeout_while(waiting, LINGER, |waiting| !waiting.urgent && !waiting.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let most = waiting.jobs.len().min(MOST);
        let batch = waiting.jobs.drain(..most).collect();
        waiting.urgent = !waiting.jobs.is_empty();
        Some(batch)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn commit(database: &Database, batch: &mut [Box<dyn Job>]) -> Result<(), String> {
    let run = || -> Result<(), Failed> {
        let transaction = database.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        for job in batch {
            job.run(&mut tables)?;
        }
        drop(tables);
        Ok(transaction.commit()?)
    };
    run().map_err(|error| error.to_string())
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("waiting", &self.lock().jobs.len()).finish_non_exhaustive()
    }
}
