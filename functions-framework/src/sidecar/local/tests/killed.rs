//! A process that is killed at any moment loses nothing that was taken.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, Stdio},
};

use super::*;
use crate::sidecar::local::chance::Dice;

const CHILD: &str = "FUNCTION_LOCAL_TEST_CHILD";
const KILLS: u32 = 20;

/// What the process does until it is killed: sends, and says what was taken; takes, and says what came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    // Run as any other test it has nothing to do.
    let Ok(told) = std::env::var(CHILD) else { return };
    let (folder, first) = told.split_once(' ').unwrap();
    let first: u32 = first.parse().unwrap();
    let done = fs::File::options().append(true).create(true).open(Path::new(folder).join("done")).unwrap();
    let done = Mutex::new(done);
    let function = Function::new(move |seen| {
        // Said before it is answered: a kill in between brings it again, which is no loss.
        done.lock().unwrap().write_all(format!("{}\n", seen.text()).as_bytes()).unwrap();
        if seen.payload.len() % 3 == 0 && seen.attempt == Some(1) { retry("not yet") } else { success() }
    });
    let mut options = options();
    options.data_dir = Some(Path::new(folder).join("data"));
    let local = start(&topics(&["orders"]), &[], options, &function).await;
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..4 {
        let local = Arc::clone(&local);
        senders.spawn(async move {
            for number in (first + sender..).step_by(4) {
                let text = format!("{number}{}", "x".repeat(usize::try_from(number % 7).unwrap()));
                publish(&local, "orders", &text).await.unwrap();
                // One write, so that the line is there as a whole or not at all.
                std::io::stdout().write_all(format!("taken {text}\n").as_bytes()).unwrap();
            }
        });
    }
    senders.join_next().await;
}

/// Runs the process for a moment and kills it; returns what it said was taken.
fn run_and_kill(folder: &Path, first: u32, lines: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sidecar::local::tests::killed::the_process_that_is_killed", "--nocapture"])
        .env(CHILD, format!("{} {first}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut taken = Vec::new();
    let mut line = String::new();
    while taken.len() < lines && out.read_line(&mut line).unwrap() > 0 {
        taken.extend(line.strip_prefix("taken ").map(|text| text.trim_end().to_owned()));
        line.clear();
    }
    let killed = child.kill();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    child.wait().unwrap();
    assert!(killed.is_ok() && taken.len() == lines, "the process ended by itself: {error}");
    // A line without an end was cut by the kill: nobody was told.
    let complete = rest.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')?.strip_prefix("taken "));
    taken.extend(complete.map(str::to_owned));
    taken
}

#[tokio::test]
async fn nothing_that_was_taken_is_lost_however_often_the_process_is_killed() {
    let folder = Folder::new();
    let dice = Dice::unknown();
    let mut taken = Vec::new();
    for round in 0..KILLS {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let lines = 1 + (dice.fraction() * 120.0) as usize;
        taken.extend(run_and_kill(folder.path(), round * 1_000_000, lines));
    }
    // What is left comes now.
    let function = Function::new(|_| success());
    let mut options = options();
    options.data_dir = Some(folder.path().join("data"));
    let local = start(&topics(&["orders"]), &[], options, &function).await;
    let done_before = fs::read_to_string(folder.path().join("done")).unwrap_or_default();
    let mut done: BTreeMap<String, u32> = BTreeMap::new();
    // The last line may have been cut by a kill.
    for line in done_before.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        *done.entry(line.to_owned()).or_default() += 1;
    }
    let missing = |seen: &[Seen]| {
        let now: std::collections::BTreeSet<_> = seen.iter().map(Seen::text).collect();
        taken.iter().filter(|text| !done.contains_key(*text) && !now.contains(*text)).count()
    };
    function.until(|seen| missing(seen) == 0).await;
    assert!(local.stop(LONG).await);
    assert_eq!(missing(&function.seen()), 0);
    assert!(taken.len() >= KILLS as usize);
}
