//! What a run is to do.

use std::{ffi::OsString, path::PathBuf};

use super::{
    load::Sample,
    rows::{ROWS, Row},
    side::Side,
    signal::Signal,
    valgrind::Requests,
};
use crate::{Result, workspace};

/// What is measured; each can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Instructions,
    Start,
    Load,
    Memory,
    Size,
    Delivery,
}

impl Phase {
    pub(crate) const ALL: [Self; 6] = [Self::Instructions, Self::Start, Self::Load, Self::Memory, Self::Size, Self::Delivery];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Start => "start",
            Self::Load => "load",
            Self::Memory => "memory",
            Self::Size => "size",
            Self::Delivery => "delivery",
        }
    }
}

impl Phase {
    /// Whether it is about a process, and not about a request.
    pub(crate) const fn is_of_processes(self) -> bool {
        matches!(self, Self::Start | Self::Memory | Self::Size)
    }
}

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rows: Vec<&'static Row>,
    pub(crate) sides: Vec<Side>,
    /// Sides that were asked for, and cannot be had here.
    pub(crate) absent: Vec<Side>,
    pub(crate) phases: Vec<Phase>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) repeats: u32,
    pub(crate) effort: Effort,
    pub(crate) json: PathBuf,
    pub(crate) profiles: Option<PathBuf>,
    /// The document whose figures are replaced.
    pub(crate) document: Option<PathBuf>,
}

impl Options {
    /// Whether anything that is to be measured takes the program of this side.
    pub(crate) fn needs(&self, side: Side) -> bool {
        let in_a_row = |row: &&Row| row.mode(side).is_some();
        self.phases.iter().any(|phase| match phase {
            Phase::Instructions => side.is_counted() && self.rows.iter().any(in_a_row),
            Phase::Load => self.rows.iter().copied().filter(|row| row.loaded).any(|row| in_a_row(&row)),
            // Ours starts and waits as the smallest program; uploads and sizes take this one, too.
            Phase::Start => side.greets() && side != Side::Ours,
            Phase::Memory | Phase::Size => side.greets(),
            Phase::Delivery => matches!(side, Side::Ours | Side::OfGo),
        })
    }
}

/// How much time a run takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) requests: Requests,
    pub(crate) rounds: u32,
    pub(crate) sample: Sample,
    /// Cold starts of a side in a round.
    pub(crate) starts: u32,
    /// How often memory and deliveries are measured.
    pub(crate) long_rounds: u32,
    /// Seconds to wait for a quiet machine.
    pub(crate) patience: u64,
    /// Seconds that events are published for.
    pub(crate) events: u32,
    /// Events that go through the embedded sidecar, and messages that wait in it.
    pub(crate) events_at_once: u32,
    pub(crate) waiting_messages: u32,
}

const FULL: Effort = Effort {
    // The first few hundred requests of a connection are cheaper than those that follow (600 less 100 makes half an
    // allocation less a request), so both runs go on for longer than that.
    requests: Requests { few: 400, many: 2400 },
    rounds: 5,
    sample: Sample { warm: 1, seconds: 3 },
    starts: 10,
    long_rounds: 3,
    patience: 60,
    events: 5,
    events_at_once: 300_000,
    waiting_messages: 1_000_000,
};

const QUICK: Effort = Effort {
    requests: Requests { few: 400, many: 900 },
    rounds: 1,
    sample: Sample { warm: 1, seconds: 1 },
    long_rounds: 1,
    patience: 10,
    events: 2,
    events_at_once: 50_000,
    waiting_messages: 100_000,
    ..FULL
};

/// The options; none when help is asked for.
pub(crate) fn read(mut arguments: lexopt::Parser) -> Result<Option<Options>> {
    use lexopt::{Arg::Long, ValueExt};

    let mut options = Options {
        rows: Vec::new(),
        sides: Side::ALL.to_vec(),
        absent: Vec::new(),
        phases: Vec::new(),
        signals: Vec::new(),
        repeats: 1,
        effort: FULL,
        json: workspace::target_dir().join("bench.json"),
        profiles: None,
        document: None,
    };
    let (mut quick, mut counts) = (false, false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("only") => options.rows.push(row(&arguments.value()?.string()?)?),
            Long("sides") => options.sides = arguments.value()?.string()?.split(',').map(side).collect::<Result<_>>()?,
            Long("phases") => options.phases = arguments.value()?.string()?.split(',').map(phase).collect::<Result<_>>()?,
            Long("with") => {
                options.signals.push(signal(&arguments.value()?.string()?)?);
                counts = true;
            }
            Long("repeats") => {
                options.repeats = arguments.value()?.parse_with(repeats)?;
                counts = true;
            }
            Long("quick") => quick = true,
            Long("json") => options.json = absolute(arguments.value()?)?,
            Long("write") => options.document = Some(absolute(arguments.value()?)?),
            Long("profile-out") => {
                options.profiles = Some(absolute(arguments.value()?)?);
                counts = true;
            }
            Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    if quick {
        options.effort = QUICK;
    }
    if options.phases.is_empty() {
        options.phases = phases(counts, !options.rows.is_empty(), quick);
    }
    if options.rows.is_empty() {
        options.rows = ROWS.iter().filter(|row| row.loaded || !quick).collect();
    }
    Ok(Some(options))
}

/// The phases where none is named: what is asked for besides says which make sense.
fn phases(counts: bool, rows: bool, quick: bool) -> Vec<Phase> {
    match (counts, rows, quick) {
        (true, _, _) => vec![Phase::Instructions],
        (_, true, _) => vec![Phase::Instructions, Phase::Load],
        (_, _, true) => Phase::ALL.into_iter().filter(|phase| *phase != Phase::Delivery).collect(),
        _ => Phase::ALL.to_vec(),
    }
}

fn row(name: &str) -> Result<&'static Row> {
    let found = ROWS.iter().find(|row| row.name == name);
    found.ok_or_else(|| format!("there is no row {name:?}; the rows are {}", names(&ROWS.map(|row| row.name))).into())
}

fn side(name: &str) -> Result<Side> {
    let found = Side::ALL.into_iter().find(|side| side.name() == name);
    found.ok_or_else(|| format!("there is no side {name:?}; the sides are {}", names(&Side::ALL.map(Side::name))).into())
}

fn phase(name: &str) -> Result<Phase> {
    let found = Phase::ALL.into_iter().find(|phase| phase.name() == name);
    found.ok_or_else(|| format!("there is no phase {name:?}; the phases are {}", names(&Phase::ALL.map(Phase::name))).into())
}

fn signal(name: &str) -> Result<Signal> {
    let found = Signal::ALL.into_iter().find(|signal| signal.name() == name);
    found
        .ok_or_else(|| format!("there is no signal {name:?}; the signals are {}", names(&Signal::ALL.map(Signal::name))).into())
}

fn repeats(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "expected a number from 1".to_owned())
}

/// Relative to the folder the command was started in, whatever folder its children run in.
fn absolute(path: OsString) -> Result<PathBuf> {
    Ok(std::path::absolute(path)?)
}

pub(crate) fn names(names: &[&str]) -> String {
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        read(lexopt::Parser::from_args(line.split_whitespace())).unwrap().unwrap()
    }

    #[test]
    fn whoever_wants_a_profile_of_a_row_waits_for_nothing_else() {
        let options = options("--only hello --sides ours --profile-out x");
        assert_eq!((options.phases, options.sides), (vec![Phase::Instructions], vec![Side::Ours]));
        assert_eq!(options.rows.iter().map(|row| row.name).collect::<Vec<_>>(), ["hello"]);
    }

    #[test]
    fn all_is_measured_unless_less_is_asked_for() {
        assert_eq!(options("").phases, Phase::ALL);
        let quick = options("--quick");
        assert!(!quick.phases.contains(&Phase::Delivery) && quick.rows.len() < ROWS.len());
        assert_eq!(options("--quick --phases delivery,size").phases, [Phase::Delivery, Phase::Size]);
        assert_eq!(options("--only relay").phases, [Phase::Instructions, Phase::Load]);
    }

    #[test]
    fn a_name_that_is_none_is_told_which_there_are() {
        let said = read(lexopt::Parser::from_args(["--phases", "speed"])).unwrap_err().to_string();
        assert!(said.contains("\"speed\"") && said.contains("instructions, start, load"), "{said}");
    }
}
