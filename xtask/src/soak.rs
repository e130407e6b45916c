//! `cargo xtask soak`: the tests of `tests/black-box/tests/soak` at full length, `events` among them, and their figures.

use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

use ::tools::Tool;

use crate::{Result, tools, workspace};

const USAGE: &str = "\
cargo xtask soak [options]

Sends messages through a function, its output and a second function, and half as many through an EventSource and a Trigger, while all
that takes part is killed and stopped, and prints how many were lost (none may be) and how many came more than once. `cargo xtask test` does a tenth of it.

  --messages <count>   so many each way; the faults are in proportion (default 20000, at least 100)";

/// What each line of figures begins with.
const MARK: &str = "soak: ";

const COLUMNS: [&str; 10] = ["", "sent", "kept", "lost", "again", "kill -9", "SIGTERM", "daprd", "broker", "seconds"];

/// Runs the command; what is left of the command line are its options.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    use lexopt::{Arg, ValueExt};

    let mut messages = 20_000;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("messages") => messages = arguments.value()?.parse::<u32>()?,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    tools::bring(&[Tool::Daprd, Tool::Nats, Tool::Redis])?;
    let mut command = workspace::cargo();
    // One after another: the figures of one are not those of its neighbours.
    command.args(["test", "--package", "black-box-tests", "--test", "soak", "--test", "events"]);
    command.args(["--", "--nocapture", "--test-threads", "1"]);
    // What tests the counting has figures, too; of the events' tests one is for this.
    for other in ["tally::", "journal::", "base64", "configuration::", "pipeline::", "replicas::", "throughput::"] {
        command.args(["--skip", other]);
    }
    command.env("SOAK_MESSAGES", messages.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            std::io::stdout().write_all(&[&line[..], b"\n"].concat())?;
            rows.extend(row(&String::from_utf8_lossy(&line)));
        }
    }
    let status = child.wait()?;
    println!("\n{}", table(&rows));
    if status.success() { Ok(()) } else { Err("a run failed; what it says is above".into()) }
}

/// The figures in a line. The name of the test stands before them, as it has begun by then.
fn row(line: &str) -> Option<Vec<String>> {
    let (_, figures) = line.split_once(MARK)?;
    Some(figures.split(" | ").map(str::to_owned).collect())
}

fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or_default();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| match (column, width(column)) {
            (0, width) => format!("{cell:<width$}"),
            (_, width) => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_behind_the_name_of_a_test_and_stand_in_columns() {
        let figures = row("test local::x ... soak: backend | 2000 | 2000 | 0 | 7").unwrap();
        assert_eq!(
            table(&[figures, row("soak: b | 1 | 1 | 0 | 12").unwrap()]),
            "backend  2000  2000  0   7\nb           1     1  0  12"
        );
        assert_eq!(row("test x ... ok"), None);
    }
}
