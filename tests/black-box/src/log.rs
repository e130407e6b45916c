//! What a program writes, line by line.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::Instant,
};

use serde_json::Value;

use crate::PATIENCE;

/// One line of a log, and what it says where it is JSON.
#[derive(Debug, Clone)]
pub struct Line {
    /// The line as it was written.
    pub text: String,
    /// Its fields; `Null` where the line is not JSON.
    pub json: Value,
}

impl Line {
    fn new(text: String) -> Self {
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self { text, json }
    }

    /// A field that is text; empty when it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    /// The message.
    pub fn message(&self) -> &str {
        self.field("message")
    }

    /// The level.
    pub fn level(&self) -> &str {
        self.field("level")
    }
}

/// The lines a program has written so far.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    ended: bool,
}

impl Log {
    /// Collects what comes out of a pipe until it is closed.
    pub(crate) fn collect(&self, pipe: impl Read + Send + 'static) -> JoinHandle<()> {
        let shared = Arc::clone(&self.0);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let line = Line::new(String::from_utf8_lossy(&line).into_owned());
                shared.state.lock().unwrap_or_else(PoisonError::into_inner).lines.push(line);
                shared.changed.notify_all();
            }
            shared.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
            shared.changed.notify_all();
        })
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<Line> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    /// All lines so far, as one text.
    pub fn text(&self) -> String {
        self.lines().iter().fold(String::new(), |all, line| all + &line.text + "\n")
    }

    /// The lines so far that fit.
    pub fn all(&self, fits: impl Fn(&Line) -> bool) -> Vec<Line> {
        self.lines().into_iter().filter(fits).collect()
    }

    /// Waits for a line that fits; none if the log ended without one.
    pub(crate) fn find(&self, fits: impl Fn(&Line) -> bool) -> Option<Line> {
        let began = Instant::now();
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(line) = state.lines.iter().find(|line| fits(line)) {
                return Some(line.clone());
            }
            let left = PATIENCE.checked_sub(began.elapsed())?;
            if state.ended {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a line that fits.
    #[track_caller]
    pub fn wait(&self, what: &str, fits: impl Fn(&Line) -> bool) -> Line {
        self.find(fits).unwrap_or_else(|| panic!("no line of the log is {what}:\n{}", self.text()))
    }

    /// Waits until this many lines fit.
    #[track_caller]
    pub fn wait_for(&self, count: usize, fits: impl Fn(&Line) -> bool) -> Vec<Line> {
        crate::eventually("the log has as many lines", || Some(self.all(&fits)).filter(|lines| lines.len() >= count))
    }

    /// Waits for a line whose text has this in it.
    #[track_caller]
    pub fn wait_text(&self, part: &str) -> Line {
        self.wait(part, |line| line.text.contains(part))
    }
}
