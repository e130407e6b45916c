//! What has arrived, and what that comes to.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{journal::Journal, messages};

/// After so long without anything new, nothing more is on its way: every redelivery comes sooner, on a busy machine, too.
pub(crate) const QUIET: Duration = Duration::from_secs(60);

/// Everything that was written down in a run, process by process, and what was kept.
pub(crate) struct Tally {
    folder: PathBuf,
    journals: Vec<Journal>,
    times: Vec<u32>,
    /// How many different ids were kept, for those who publish.
    kept: Arc<AtomicUsize>,
    began: Instant,
}

impl Tally {
    pub(crate) fn new(folder: PathBuf) -> Self {
        let times = vec![0; messages()];
        Self { folder, journals: Vec::new(), times, kept: Arc::default(), began: Instant::now() }
    }

    /// A journal for a process that is to start: its number and its path.
    pub(crate) fn journal(&mut self) -> (usize, PathBuf) {
        let number = self.journals.len();
        let path = self.folder.join(format!("journal-{number}"));
        self.journals.push(Journal::new(path.clone()));
        (number, path)
    }

    /// Excuses what a process has under way, since the sidecar that called it is dead.
    pub(crate) fn excuse(&mut self, journal: usize) {
        self.journals[journal].excuse();
    }

    /// How many different ids were kept, as it will be.
    pub(crate) fn counter(&self) -> &Arc<AtomicUsize> {
        &self.kept
    }

    /// Fails if a process that ended by itself left something begun.
    #[track_caller]
    pub(crate) fn assert_nothing_is_cut(&self, journal: usize) {
        let journal = &self.journals[journal];
        let cut = journal.cut();
        assert!(cut.is_empty(), "begun and not ended before a process did: {cut:?} ({})", journal.path().display());
    }

    fn look(&mut self) -> usize {
        for id in self.journals.iter_mut().flat_map(Journal::kept) {
            self.times[id] += 1;
            if self.times[id] == 1 {
                self.kept.fetch_add(1, SeqCst);
            }
        }
        self.kept.load(SeqCst)
    }

    /// Waits until so many different ids are kept, or nothing new comes any more; tells whether they are.
    pub(crate) fn reaches(&mut self, count: usize) -> bool {
        let (mut last, mut changed) = (self.look(), Instant::now());
        while last < count && changed.elapsed() < QUIET {
            thread::sleep(Duration::from_millis(5));
            let now = self.look();
            if now != last {
                (last, changed) = (now, Instant::now());
            }
        }
        last >= count
    }

    /// Prints the figures, which `cargo xtask soak` collects, and fails if an id was lost.
    #[track_caller]
    pub(crate) fn close(mut self, name: &str, sent: usize, faults: [&str; 4]) {
        let kept = self.look();
        let lost: Vec<usize> = (0..sent).filter(|&id| self.times[id] == 0).collect();
        let duplicates: u32 = self.times.iter().map(|times| times.saturating_sub(1)).sum();
        let seconds = self.began.elapsed().as_secs();
        let faults = faults.join(" | ");
        println!("soak: {name} | {sent} | {kept} | {} | {duplicates} | {faults} | {seconds}", lost.len());
        assert!(lost.is_empty(), "{} of {sent} are lost: {}", lost.len(), self.fate(&lost));
    }

    /// What is known of those that are lost: whoever ended them last is not the one that lost them.
    fn fate(&self, lost: &[usize]) -> String {
        let lines: BTreeSet<String> = self.journals.iter().flat_map(Journal::lines).collect();
        let known = |id: &usize| {
            let said = ["begun pass", "failed pass", "ended pass", "begun keep"].into_iter();
            let said: Vec<_> = said.filter(|what| lines.contains(&format!("{what} {id}"))).collect();
            format!("{id} ({})", said.join(", "))
        };
        lost.iter().take(20).map(known).collect::<Vec<_>>().join(", ")
    }
}

#[test]
#[should_panic(expected = "99 of 100 are lost: 0 (begun pass), 1 (), ")]
fn what_is_lost_is_told() {
    let folder = black_box_tests::Folder::new("soak-tally");
    let mut tally = Tally::new(folder.path().to_owned());
    let (_, path) = tally.journal();
    std::fs::write(path, "begun pass 0\nended keep 7\nended keep 7\n").unwrap();
    assert_eq!(tally.look(), 1);
    tally.close("a test", 100, ["0"; 4]);
}
