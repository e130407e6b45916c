//! `cargo xtask bench`: what a request, a start and a process cost, beside what one would use instead.

mod client;
mod delivery;
mod figure;
mod growth;
pub(crate) mod guard;
mod h2;
mod load;
mod machine;
mod memory;
mod options;
mod peers;
mod plot;
pub(crate) mod process;
mod protobuf;
mod quiet;
mod report;
mod request;
mod rounds;
mod rows;
mod server;
mod side;
mod sidecar;
mod signal;
mod start;
mod statistics;
mod table;
mod valgrind;
mod wrk;

use std::{fs, path::Path};

use ::tools::Tool;

use self::{
    figure::{Cell, Figure, Measured},
    machine::Machine,
    options::{Options, Phase, names},
    report::Report,
    rows::{ROWS, Row},
    side::Side,
};
use crate::{Result, document};

/// What the figures are called in a document.
const FIGURES: &str = "bench";

const USAGE: &str = "\
cargo xtask bench [options]
cargo xtask bench growth             what becomes of that as something grows
cargo xtask bench guard [--accept]   whether a request costs more than it did

Measures the framework and its peers in one run, each peer with functions that do the same, and prints Markdown. In
parentheses, and under `ours :`, stands ours divided by that figure.

  --phases <a,b,..>    these only:
                         instructions  in user space, and allocations, of a request; Rust only. valgrind counts: the figures
                                       repeat within 1 % on a busy machine, too, but for those of `count`
                         start         from exec to the first success
                         load          processor time of a request, requests per second, latencies: the server on one core
                                       and wrk on the other
                         memory        waiting, after load, with 1,000 connections, with uploads
                         size          of what is shipped
                         delivery      events through a real Dapr sidecar and through the embedded one
  --sides <a,b,..>     these sides only: ours, hyper, axum, sdk, tonic, of-go, gcp-go, gcp-node, of-java
  --only <row>         this row only, and without --phases no other phase than instructions and load; may be given again
  --quick              a first look: the rows of `load`, fewer requests, one round, no delivery; five minutes where all is built
  --json <file>        where the samples go (bench.json in the target folder)
  --write <file>       replaces the figures in a document: what is between its lines `<!-- bench -->` and `<!-- /bench -->`

With one of these only instructions are counted:

  --with <signal>      our side tells of itself: access-log, metrics, otel; may be given more than once
  --repeats <n>        count n times and show the median (1)
  --profile-out <dir>  keep callgrind's file of every row and side there, for callgrind_annotate";

/// Runs the command; what is left of the command line are its options.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    let mut named = |name: &str| Ok::<_, lexopt::Error>(arguments.raw_args()?.next_if(|word| word == name).is_some());
    if named("guard")? {
        return guard::run(arguments);
    }
    if named("growth")? {
        return growth::run(arguments);
    }
    let Some(mut options) = options::read(arguments)? else {
        println!("{USAGE}\n\nrows: {}", names(&ROWS.map(|row| row.name)));
        return Ok(());
    };
    if let Some(document) = &options.document {
        document::check(document, FIGURES)?;
    }
    let mut report = Report::default();
    bring(&options)?;
    report.missing = build(&mut options)?;
    report.machine = Machine::describe();
    let sidecar = sidecar::start()?;

    if options.phases.contains(&Phase::Instructions) {
        report.counted = count(&options, sidecar)?;
    }
    rounds::measure(&options, sidecar, &mut report)?;

    let markdown = report.markdown();
    println!("{markdown}");
    if let Some(folder) = options.json.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&options.json, report.json()).map_err(|error| format!("cannot write {}: {error}", options.json.display()))?;
    eprintln!("samples are in {}", options.json.display());
    if let Some(document) = &options.document {
        document::put(document, FIGURES, &markdown)?;
    }
    if let Some(folder) = &options.profiles {
        eprintln!("read a profile with `callgrind_annotate --inclusive=yes {}/<row>.<side>.out`", folder.display());
    }
    match report.missing.iter().find(|line| line.starts_with(Side::Ours.title())) {
        Some(line) => Err(line.clone().into()),
        None => Ok(()),
    }
}

/// Sees to it that what measures is there, before anything takes time.
fn bring(options: &Options) -> Result {
    if options.phases.contains(&Phase::Instructions) {
        valgrind::version()?;
    }
    if options.phases.iter().any(|phase| !matches!(phase, Phase::Instructions | Phase::Size)) {
        process::check()?;
        wrk::bring()?;
    }
    if options.phases.contains(&Phase::Delivery) {
        crate::tools::bring(&[Tool::Daprd])?;
    }
    if options.phases.contains(&Phase::Memory) {
        memory::allow_connections()?;
    }
    if let Some(folder) = &options.profiles {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    }
    Ok(())
}

/// Builds what is asked for and no more: a build with link-time optimisation takes minutes. Takes out the sides of other
/// languages that cannot be had here, and returns why.
fn build(options: &mut Options) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    let mut there = Vec::new();
    for side in options.sides.clone() {
        let built = if options.needs(side) { side.build(&options.signals) } else { Ok(()) };
        match built {
            Ok(()) => there.push(side),
            Err(reason) if side.foreign().is_some() => {
                options.absent.push(side);
                missing.push(format!("{}: {reason}", side.title()));
            }
            Err(error) => return Err(error),
        }
    }
    options.sides = there;
    if options.sides.contains(&Side::Ours) && options.phases.iter().any(|phase| phase.is_of_processes()) {
        Side::Ours.build_smallest()?;
    }
    Ok(missing)
}

fn count(options: &Options, sidecar: u16) -> Result<Vec<Measured>> {
    let mut counted = Vec::new();
    for row in &options.rows {
        let mut measured = Measured::new(row.name, row.note);
        for side in options.sides.iter().copied().filter(|side| side.is_counted()) {
            if let Some(mode) = row.mode(side) {
                eprintln!("{}: {}", row.name, side.title());
                let cell = count_cell(row, side, mode, sidecar, options);
                *measured.cell_mut(side) = cell.map_err(|error| format!("{}, {}: {error}", row.name, side.title()))?;
            }
        }
        counted.push(measured);
    }
    Ok(counted)
}

fn count_cell(row: &Row, side: Side, mode: &'static str, sidecar: u16, options: &Options) -> Result<Cell> {
    let profile = options.profiles.as_ref().map(|folder| folder.join(format!("{}.{}.out", row.name, side.name())));
    let requests = options.effort.requests;
    let sample = |mode, profile: Option<&Path>| -> Result<[f64; 3]> {
        let program = side.program(mode, row.platform, sidecar, &options.signals);
        let [instructions] = valgrind::INSTRUCTIONS.slope(&program, row.shape, requests, profile)?;
        let [allocations, allocated] = valgrind::ALLOCATIONS.slope(&program, row.shape, requests, None)?;
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
        for (figure, sample) in [Figure::Instructions, Figure::Allocations, Figure::Allocated].into_iter().zip(figures) {
            cell.add(figure, sample);
        }
    }
    Ok(cell)
}
