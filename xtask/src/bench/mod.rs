//! `cargo xtask bench`: what a request costs, beside hyper, axum, cloudevents-sdk and tonic.

mod client;
mod h2;
mod protobuf;
mod report;
mod request;
mod rows;
mod server;
mod side;
mod sidecar;
mod signal;
mod valgrind;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use self::{
    report::{Cell, Measured},
    rows::{ROWS, Row},
    side::Side,
    signal::Signal,
    valgrind::Requests,
};
use crate::{Result, workspace};

const USAGE: &str = "\
cargo xtask bench [options]

Counts user-space instructions and allocations of a request with valgrind: the same requests, one after the other on one
connection, to the framework and to its peers, all built with the same profile. The figures repeat within 1 %,
but for those of `count`.

  --only <row>         this row only; may be given more than once
  --sides <a,b,..>     these sides only: ours, hyper, axum, sdk, tonic
  --with <signal>      our side tells of itself: access-log, metrics, otel; may be given more than once
  --repeats <n>        measure n times and show the median (1)
  --quick              fewer requests, for a first look
  --json <file>        where the samples go (bench.json in the target folder)
  --profile-out <dir>  keep callgrind's file of every row and side there, for callgrind_annotate";

struct Options {
    rows: Vec<&'static Row>,
    sides: Vec<Side>,
    signals: Vec<Signal>,
    repeats: u32,
    requests: Requests,
    json: PathBuf,
    profiles: Option<PathBuf>,
}

/// Runs the command; what is left of the command line are its options.
pub(crate) fn run(arguments: lexopt::Parser) -> Result {
    let Some(options) = options(arguments)? else {
        println!("{USAGE}\n\nrows: {}", names(&ROWS.map(|row| row.name)));
        return Ok(());
    };
    let valgrind = valgrind::version()?;
    // Only what is asked: a build with link-time optimisation takes minutes.
    let asked = |side: &&Side| options.rows.iter().any(|row| row.mode(**side).is_some());
    for side in options.sides.iter().filter(asked) {
        side.build(&options.signals)?;
    }
    let sidecar = sidecar::start()?;
    if let Some(folder) = &options.profiles {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    }

    let mut measured = Vec::new();
    for row in &options.rows {
        let mut cells = Vec::new();
        for side in &options.sides {
            if let Some(mode) = row.mode(*side) {
                eprintln!("{}: {}", row.name, side.title());
                let cell = measure(row, *side, mode, sidecar, &options);
                cells.push((*side, cell.map_err(|error| format!("{}, {}: {error}", row.name, side.title()))?));
            }
        }
        measured.push(Measured { row, cells });
    }

    println!("{}", report::tables(&measured, &options.sides));
    let versions = [("valgrind", valgrind), ("rustc", rustc_version())];
    if let Some(folder) = options.json.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&options.json, report::json(&measured, &versions))
        .map_err(|error| format!("cannot write {}: {error}", options.json.display()))?;
    eprintln!("samples are in {}", options.json.display());
    if let Some(folder) = &options.profiles {
        eprintln!("read a profile with `callgrind_annotate --inclusive=yes {}/<row>.<side>.out`", folder.display());
    }
    Ok(())
}

fn measure(row: &Row, side: Side, mode: &'static str, sidecar: u16, options: &Options) -> Result<Cell> {
    let profile = options.profiles.as_ref().map(|folder| folder.join(format!("{}.{}.out", row.name, side.name())));
    let sample = |mode, profile: Option<&Path>| -> Result<[f64; 3]> {
        let program = side.program(mode, row.platform, sidecar, &options.signals);
        let [instructions] = valgrind::INSTRUCTIONS.slope(&program, row.shape, options.requests, profile)?;
        let [allocations, allocated] = valgrind::ALLOCATIONS.slope(&program, row.shape, options.requests, None)?;
        Ok([instructions, allocations, allocated])
    };
    let mut cell = Cell::default();
    for _ in 0..options.repeats {
        let mut figures = sample(mode, profile.as_deref())?;
        if let Some(base) = row.beyond {
            for (figure, base) in figures.iter_mut().zip(sample(base, None)?) {
                *figure -= base;
            }
        }
        cell.add(figures);
    }
    Ok(cell)
}

/// The options; none when help is asked for.
fn options(mut arguments: lexopt::Parser) -> Result<Option<Options>> {
    use lexopt::{Arg::Long, ValueExt};

    let mut options = Options {
        rows: Vec::new(),
        sides: Side::ALL.to_vec(),
        signals: Vec::new(),
        repeats: 1,
        // The first few hundred requests of a connection are cheaper than those that follow (600 less 100 makes half an
        // allocation less a request), so both runs go on for longer than that.
        requests: Requests { few: 400, many: 2400 },
        json: workspace::target_dir().join("bench.json"),
        profiles: None,
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("only") => options.rows.push(row(&arguments.value()?.string()?)?),
            Long("sides") => options.sides = arguments.value()?.string()?.split(',').map(side).collect::<Result<_>>()?,
            Long("with") => options.signals.push(signal(&arguments.value()?.string()?)?),
            Long("repeats") => options.repeats = arguments.value()?.parse_with(repeats)?,
            Long("quick") => options.requests = Requests { many: 900, ..options.requests },
            Long("json") => options.json = absolute(arguments.value()?)?,
            Long("profile-out") => options.profiles = Some(absolute(arguments.value()?)?),
            Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    if options.rows.is_empty() {
        options.rows = ROWS.iter().collect();
    }
    Ok(Some(options))
}

fn row(name: &str) -> Result<&'static Row> {
    let found = ROWS.iter().find(|row| row.name == name);
    found.ok_or_else(|| format!("there is no row {name:?}; the rows are {}", names(&ROWS.map(|row| row.name))).into())
}

fn side(name: &str) -> Result<Side> {
    let found = Side::ALL.into_iter().find(|side| side.name() == name);
    found.ok_or_else(|| format!("there is no side {name:?}; the sides are {}", names(&Side::ALL.map(Side::name))).into())
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
    Ok(std::env::current_dir()?.join(path))
}

fn names(names: &[&str]) -> String {
    names.join(", ")
}

fn rustc_version() -> String {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
