//! What the functions wrote down.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// What one process wrote down, from its start to its end.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    read: usize,
    excused: Vec<String>,
}

impl Journal {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, read: 0, excused: Vec::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The ids that have been kept since it was last asked.
    pub(crate) fn kept(&mut self) -> Vec<usize> {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let new = &bytes[self.read..];
        let whole = new.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        self.read += whole;
        let text = String::from_utf8_lossy(&new[..whole]);
        text.lines().filter_map(|line| line.strip_prefix("ended keep ")).map(id).collect()
    }

    /// All it says.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Excuses what is under way: who has called is dead, and nobody waits for an answer any more.
    pub(crate) fn excuse(&mut self) {
        self.excused.extend(self.cut());
    }

    /// What was begun and came to no end without an excuse, by function and id.
    pub(crate) fn cut(&self) -> Vec<String> {
        let mut open: HashMap<String, i64> = HashMap::new();
        for line in self.lines() {
            let Some((what, call)) = line.split_once(' ') else { panic!("no line of a journal: {line:?}") };
            *open.entry(call.to_owned()).or_default() += if what == "begun" { 1 } else { -1 };
        }
        for call in &self.excused {
            *open.entry(call.clone()).or_default() -= 1;
        }
        open.into_iter().filter(|&(_, count)| count > 0).map(|(call, _)| call).collect()
    }
}

pub(crate) fn id(text: &str) -> usize {
    text.trim().parse().unwrap_or_else(|_| panic!("no id: {text:?}"))
}
