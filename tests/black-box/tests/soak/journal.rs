//! What the functions wrote down.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// What one process wrote down, from its start to its end.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    read: u64,
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
        // It is there once its process has begun.
        let Ok(mut file) = File::open(&self.path) else { return Vec::new() };
        let mut new = Vec::new();
        let read = file.seek(SeekFrom::Start(self.read)).and_then(|_| file.read_to_end(&mut new));
        read.unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        new.truncate(new.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1));
        self.read += new.len() as u64;
        let text = String::from_utf8_lossy(&new);
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

#[test]
fn a_journal_tells_what_is_kept_once_and_what_is_cut() {
    let folder = black_box_tests::Folder::new("soak-journal");
    let mut journal = Journal::new(folder.path().join("journal"));
    assert!(journal.kept().is_empty() && journal.cut().is_empty());
    fs::write(journal.path(), "begun pass 1\nbegun pass 2\nfailed pass 1\nbegun keep 3\nended keep 3\nended ke").unwrap();
    assert_eq!((journal.kept(), journal.kept()), (vec![3], vec![]));
    fs::write(journal.path(), "begun pass 1\nbegun pass 2\nfailed pass 1\nbegun keep 3\nended keep 3\nended keep 4\n").unwrap();
    assert_eq!(journal.kept(), [4]);
    assert_eq!(journal.cut(), ["pass 2"]);
    journal.excuse();
    assert!(journal.cut().is_empty());
    fs::write(journal.path(), "begun pass 2\nbegun pass 2\n").unwrap();
    assert_eq!(journal.cut(), ["pass 2"]);
}
