//! Figures that depend on the clock, and those of processes: in rounds, so that every side sees the same good and bad minutes.

use std::time::Duration;

use super::{
    delivery,
    figure::{Cell, Figure, Measured},
    load::{self, Sample},
    memory,
    options::{Options, Phase},
    quiet,
    report::Report,
    request::Shape,
    rows::{Platform, Row},
    side::Side,
    start, statistics,
};
use crate::Result;

/// Measures what is asked for, and adds it to the report. One side that fails does not take the run of the others with it.
pub(crate) fn measure(options: &Options, sidecar: u16, report: &mut Report) -> Result {
    let has = |phase| options.phases.contains(&phase);
    let mut run = Run { options, report, sidecar, foreign: Vec::new() };
    run.lay_out();
    let rounds = if has(Phase::Start) || has(Phase::Load) { options.effort.rounds } else { 0 };
    let mut floors = Vec::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        run.wait_until_quiet(&format!("round {round}"))?;
        if has(Phase::Start) {
            floors.extend(run.starts(round)?);
        }
        if has(Phase::Load) {
            run.loads(round);
        }
    }
    run.report.doubts.extend(disturbed(&run.foreign));
    if has(Phase::Memory) {
        for round in 1..=options.effort.long_rounds {
            run.wait_until_quiet("memory")?;
            run.memory(round);
        }
    }
    if has(Phase::Size) {
        run.sizes();
    }
    if has(Phase::Delivery) {
        run.wait_until_quiet("delivery")?;
        run.deliveries();
    }
    run.report.how.extend(how(options, &floors));
    Ok(())
}

/// How the run was made, in words; and how long it took to start programs that do nothing.
fn how(options: &Options, floors: &[f64]) -> Vec<String> {
    let mut lines = Vec::new();
    let effort = options.effort;
    if let Some(floor) = statistics::median(floors) {
        let starts = floors.len();
        lines.push(format!("start: {starts} of each side; to start and end /bin/true takes {floor:.2} ms"));
    }
    if options.phases.contains(&Phase::Load) {
        let (rounds, Sample { seconds, warm }, connections) = (effort.rounds, effort.sample, load::CONNECTIONS);
        lines.push(format!(
            "load: {connections} connections, {seconds} s in each round after {warm} s or more to warm up, rounds: {rounds}; the \
             server has one core and wrk another"
        ));
    }
    if options.phases.contains(&Phase::Delivery) {
        let (waiting, through) = (effort.waiting_messages, effort.events_at_once);
        lines.push(format!("delivery: {waiting} messages wait in the embedded sidecar, and {through} go through it"));
    }
    lines
}

const PROCESS: &str = "A start is from exec to the first success. Memory is resident; that of uploads is the most there was with \
    50 bodies of 10 MiB at once, which a function streams or holds as a whole. What is shipped is the stripped binary; of Node \
    and Java it is without their runtime";

struct Run<'a> {
    options: &'a Options,
    report: &'a mut Report,
    sidecar: u16,
    /// How many cores others used during each sample of a load.
    foreign: Vec<f64>,
}

impl Run<'_> {
    /// Makes the rows that will be filled, with the sides that cannot be had here.
    fn lay_out(&mut self) {
        let absent = |is: &dyn Fn(Side) -> bool| self.options.absent.iter().copied().filter(|side| is(*side)).collect();
        if self.options.phases.iter().any(|phase| phase.is_of_processes()) {
            self.report.process = Some(Measured { absent: absent(&Side::greets), ..Measured::new("process", PROCESS) });
        }
        if self.options.phases.contains(&Phase::Load) {
            let rows = self.options.rows.iter().filter(|row| row.loaded);
            let of_row =
                |row: &&Row| Measured { absent: absent(&|side| row.mode(side).is_some()), ..Measured::new(row.name, row.note) };
            self.report.loaded = rows.map(of_row).collect();
        }
    }

    fn wait_until_quiet(&mut self, what: &str) -> Result {
        let patience = Duration::from_secs(self.options.effort.patience);
        if let Some(cores) = quiet::wait(patience)? {
            self.report.doubts.push(format!("{what} began while others used {cores:.2} cores"));
        }
        Ok(())
    }

    /// The sides that greet, another one first in every round.
    fn greeters(&self, round: u32) -> Vec<Side> {
        turned(self.options.sides.iter().copied().filter(|side| side.greets()).collect(), round)
    }

    /// Returns how long it took to start a program that does nothing.
    fn starts(&mut self, round: u32) -> Result<Vec<f64>> {
        let request = Shape::Get.request();
        let mut floors = Vec::new();
        for side in self.greeters(round) {
            for _ in 0..self.options.effort.starts {
                self.attempt("start", side, |cell| start::measure(&side.smallest()?, &request, cell));
            }
        }
        for _ in 0..self.options.effort.starts {
            floors.push(start::floor()?);
        }
        Ok(floors)
    }

    fn loads(&mut self, round: u32) {
        let rows: Vec<&Row> = self.options.rows.iter().copied().filter(|row| row.loaded).collect();
        for row in rows {
            for side in turned(self.options.sides.clone(), round) {
                let Some(mode) = row.mode(side) else { continue };
                eprintln!("{}: {}", row.name, side.title());
                if let Err(error) = self.load(row, side, mode) {
                    self.failed(row.name, side, &error.to_string());
                }
            }
        }
    }

    fn load(&mut self, row: &Row, side: Side, mode: &'static str) -> Result {
        let program = side.started(mode, row.platform, self.sidecar)?;
        let mut sample = self.options.effort.sample;
        sample.warm += side.foreign().map_or(0, super::peers::Foreign::warm);
        let mut cell = Cell::default();
        self.foreign.push(sample.take(&program, &row.shape.request(), &mut cell)?);
        if let Some(measured) = self.report.loaded.iter_mut().find(|measured| measured.name == row.name) {
            measured.cell_mut(side).extend(&cell);
        }
        Ok(())
    }

    fn memory(&mut self, round: u32) {
        let seconds = self.options.effort.sample.seconds;
        let sidecar = self.sidecar;
        for side in self.greeters(round) {
            eprintln!("memory: {}", side.title());
            self.attempt("memory", side, |cell| memory::measure(&side.smallest()?, seconds, cell));
            for (mode, figure) in [("count", Figure::StreamedMib), ("collect", Figure::BufferedMib)] {
                // Its framework has read the whole body before the function runs.
                if side == Side::GcpNode && mode == "count" {
                    continue;
                }
                self.attempt(mode, side, |cell| memory::uploads(&side.started(mode, Platform::Bare, sidecar)?, figure, cell));
            }
        }
    }

    fn sizes(&mut self) {
        for side in self.greeters(0) {
            self.attempt("size", side, |cell| {
                cell.add(Figure::ShippedMb, megabytes(side.size()?));
                Ok(())
            });
        }
        if self.options.sides.contains(&Side::Ours) {
            let program = Side::Ours.program("relay", Platform::Synchronous, self.sidecar, &[]);
            match memory::stripped(&program.binary) {
                Ok(bytes) => self.report.how.push(format!(
                    "a program of ours with functions that have a Context, and so with Dapr's and the embedded sidecar: {:.2} MB",
                    megabytes(bytes)
                )),
                Err(error) => self.failed("size", Side::Ours, &error.to_string()),
            }
        }
    }

    fn deliveries(&mut self) {
        let effort = self.options.effort;
        let (events, messages) = (effort.events_at_once, effort.waiting_messages);
        for round in 1..=effort.long_rounds {
            for side in turned(vec![Side::Ours, Side::OfGo], round) {
                self.deliver(delivery::TOPIC, side, |cell| delivery::topic(side, effort.events, cell));
                self.deliver(delivery::SEND, side, |cell| delivery::send(side, effort.events, cell));
            }
            self.deliver(delivery::EMBEDDED, Side::Ours, |cell| delivery::embedded(events, cell));
        }
        self.deliver(delivery::WAITING, Side::Ours, |cell| delivery::waiting(messages, cell));
    }

    fn deliver(&mut self, row: Measured, side: Side, work: impl FnOnce(&mut Cell) -> Result) {
        if !self.options.sides.contains(&side) {
            return;
        }
        eprintln!("{}: {}", row.name, side.title());
        let name = row.name;
        let mut cell = Cell::default();
        if let Err(error) = work(&mut cell) {
            return self.failed(name, side, &error.to_string());
        }
        let rows = &mut self.report.delivered;
        let place = rows.iter().position(|one| one.name == name).unwrap_or(rows.len());
        if place == rows.len() {
            rows.push(row);
        }
        rows[place].cell_mut(side).extend(&cell);
    }

    /// Measures what is of a process; notes when it fails.
    fn attempt(&mut self, what: &str, side: Side, work: impl FnOnce(&mut Cell) -> Result) {
        let Some(process) = &mut self.report.process else { return };
        if let Err(error) = work(process.cell_mut(side)) {
            self.failed(what, side, &error.to_string());
        }
    }

    fn failed(&mut self, what: &str, side: Side, error: &str) {
        let line = format!("{}, {what}: {error}", side.title());
        eprintln!("{line}");
        if !self.report.missing.contains(&line) {
            self.report.missing.push(line);
        }
    }
}

/// What one should know of samples during which others were busy.
fn disturbed(foreign: &[f64]) -> Option<String> {
    let many = foreign.iter().filter(|cores| **cores > load::FOREIGN).count();
    let most = statistics::percentile(foreign, 100).filter(|_| many > 0)?;
    Some(format!(
        "others used more than {} cores, and {most:.2} at most, during {many} of {} samples of a load",
        load::FOREIGN,
        foreign.len()
    ))
}

fn megabytes(bytes: u64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // no program is that large
    let bytes = bytes as f64;
    bytes / 1e6
}

/// The same in another order each round: who comes first after a pause is not always the same.
fn turned(mut sides: Vec<Side>, round: u32) -> Vec<Side> {
    let by = round as usize % sides.len().max(1);
    sides.rotate_left(by);
    sides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_others_disturbed_are_counted() {
        assert_eq!(disturbed(&[0.1, 0.2]), None);
        let said = disturbed(&[0.1, 1.75, 0.5]).unwrap();
        assert!(said.contains("1.75 at most, during 2 of 3 samples"), "{said}");
    }

    #[test]
    fn every_side_is_first_in_some_round_and_none_is_left_out() {
        let sides = vec![Side::Ours, Side::Hyper, Side::Axum];
        let first: Vec<Side> = (1..=3).map(|round| turned(sides.clone(), round)[0]).collect();
        assert_eq!(first, [Side::Hyper, Side::Axum, Side::Ours]);
        assert_eq!(turned(sides, 5).len(), 3);
        assert!(turned(Vec::new(), 1).is_empty());
    }
}
