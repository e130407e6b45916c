//! The way of a line to standard error: gathered with others, so that no request waits for who reads them.
//!
//! - Warnings and errors are written before the line returns, after what was logged before them: whatever happens next, they are there.
//! - Other lines are gathered for some milliseconds. Where they are more than who reads them takes, access lines are left out and
//!   counted, since they must not hold up a request; the lines of a function wait.

use std::{
    io::{self, Write},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::ACCESS;

/// The lines that wait may be as large as this together.
const MOST: usize = 1 << 20;

/// How long they may wait for company.
const PATIENCE: Duration = Duration::from_millis(10);

/// Takes lines.
pub(crate) struct Writer {
    waiting: Mutex<Waiting>,
    /// Lines wait, or are so many that they should no longer.
    came: Condvar,
    /// Lines were taken.
    went: Condvar,
    /// Held while lines are written, which keeps them in order.
    target: Mutex<Box<dyn Write + Send>>,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// The access lines that were left out, and nobody has been told of.
    left_out: u64,
    /// Whether there is a thread that writes; without one nothing waits.
    has_thread: bool,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Urgency {
    Now,
    Soon,
    IfThereIsRoom,
}

/// The way of one line.
#[derive(Debug)]
pub(crate) struct Line {
    writer: &'static Writer,
    urgency: Urgency,
}

impl Writer {
    pub(super) fn new(target: Box<dyn Write + Send>) -> Self {
        Self { waiting: Mutex::default(), came: Condvar::new(), went: Condvar::new(), target: Mutex::new(target) }
    }

    /// Starts the thread that writes. Where there cannot be one, every line is written at once.
    pub(super) fn start(&'static self) {
        self.waiting().has_thread = thread::Builder::new().name("log".to_owned()).spawn(|| self.run()).is_ok();
    }

    fn run(&self) {
        loop {
            let waiting = self.came.wait_while(self.waiting(), |waiting| waiting.lines.is_empty() && waiting.left_out == 0);
            let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            let waited = self.came.wait_timeout_while(waiting, PATIENCE, |waiting| waiting.lines.len() < MOST / 2);
            let mut waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
            let left_out = std::mem::take(&mut waiting.left_out);
            drop(waiting);
            self.flush();
            if left_out > 0 {
                tracing::warn!(left_out, "access lines were left out: they were more than who reads the log took");
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, line: &[u8], urgency: Urgency) {
        let mut waiting = self.waiting();
        if urgency == Urgency::Now || !waiting.has_thread {
            drop(waiting);
            return self.write(line);
        }
        let before = waiting.lines.len();
        if before + line.len() > MOST {
            if urgency == Urgency::IfThereIsRoom {
                waiting.left_out += 1;
                return;
            }
            // A line that is larger than that by itself has the room for itself.
            let room = |waiting: &mut Waiting| !waiting.lines.is_empty() && waiting.lines.len() + line.len() > MOST;
            waiting = self.went.wait_while(waiting, room).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.lines.extend_from_slice(line);
        // The first wakes the thread, and one at the half of what may wait.
        if before == 0 || (before < MOST / 2 && before + line.len() >= MOST / 2) {
            self.came.notify_one();
        }
    }

    /// Writes what waits, and then a line. Where that fails there is nobody left to tell.
    fn write(&self, line: &[u8]) {
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut self.waiting().lines);
        self.went.notify_all();
        if !lines.is_empty() {
            let _ = target.write_all(&lines);
        }
        if !line.is_empty() {
            let _ = target.write_all(line);
        }
        let _ = target.flush();
    }

    /// Writes lines that are no log.
    #[cfg(feature = "otel")]
    pub(super) fn print(&self, lines: &str) {
        self.take(lines.as_bytes(), Urgency::Now);
    }

    /// Writes what waits.
    pub(super) fn flush(&self) {
        self.write(&[]);
    }
}

impl MakeWriter<'_> for &'static Writer {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line { writer: self, urgency: Urgency::Now }
    }

    fn make_writer_for(&self, line: &Metadata<'_>) -> Line {
        let urgency = match *line.level() {
            Level::ERROR | Level::WARN => Urgency::Now,
            _ if line.target() == ACCESS => Urgency::IfThereIsRoom,
            _ => Urgency::Soon,
        };
        Line { writer: self, urgency }
    }
}

impl Write for Line {
    /// Takes a line as a whole: that is how it is handed over.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.take(line, self.urgency);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    /// A reader that takes the first piece, and the others only once it is told to.
    struct Slow {
        begun: mpsc::Sender<()>,
        go_on: mpsc::Receiver<()>,
        read: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            let _ = self.begun.send(());
            // Told once, or never again.
            let _ = self.go_on.recv();
            self.read.lock().unwrap().extend_from_slice(piece);
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    type Read = Arc<Mutex<Vec<u8>>>;

    fn slow() -> (&'static Writer, Read, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((begun, has_begun), (may, go_on), read) = (mpsc::channel(), mpsc::channel(), Read::default());
        let writer: &'static Writer =
            Box::leak(Box::new(Writer::new(Box::new(Slow { begun, go_on, read: Arc::clone(&read) }))));
        writer.start();
        (writer, read, has_begun, may)
    }

    #[test]
    fn an_access_line_never_waits_for_who_reads_and_is_counted_when_it_is_left_out() {
        let (writer, read, has_begun, may) = slow();
        writer.take(b"first\n", Urgency::IfThereIsRoom);
        has_begun.recv().unwrap();
        // Nobody reads now.
        let line = [b'x'; 1023].iter().chain(b"\n").copied().collect::<Vec<_>>();
        for _ in 0..2 * MOST / line.len() {
            writer.take(&line, Urgency::IfThereIsRoom);
        }
        let waiting = writer.waiting();
        assert_eq!((waiting.lines.len(), waiting.left_out), (MOST, 1024));
        drop(waiting);
        drop(may);
        writer.take(b"last\n", Urgency::Now);
        let read = read.lock().unwrap();
        assert!(read.starts_with(b"first\n") && read.ends_with(b"x\nlast\n"));
        assert_eq!(read.len(), MOST + b"first\nlast\n".len());
    }

    #[test]
    fn a_line_of_a_function_waits_for_room_and_is_not_lost() {
        let (writer, read, has_begun, may) = slow();
        writer.take(b"first\n", Urgency::Soon);
        has_begun.recv().unwrap();
        writer.take(&vec![b'x'; MOST], Urgency::Soon);
        let waits = thread::spawn(|| writer.take(b"mine\n", Urgency::Soon));
        drop(may);
        waits.join().unwrap();
        writer.flush();
        assert!(read.lock().unwrap().ends_with(b"xmine\n"));
        assert_eq!(writer.waiting().left_out, 0);
    }

    #[test]
    fn without_its_thread_every_line_is_written_at_once() {
        let (may, read) = (mpsc::channel().1, Read::default());
        let writer = Writer::new(Box::new(Slow { begun: mpsc::channel().0, go_on: may, read: Arc::clone(&read) }));
        writer.take(b"one\n", Urgency::IfThereIsRoom);
        assert_eq!(*read.lock().unwrap(), b"one\n");
    }
}
