//! What was measured, as tables to read and as JSON to keep.

use std::fmt::Write;

use super::{
    figure::{Cell, Column, Figure, Measured},
    load,
    machine::Machine,
    rows,
    side::Side,
    statistics, table,
};

/// All that a run has measured, and what it could not.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// How the run was made, in words.
    pub(crate) how: Vec<String>,
    pub(crate) counted: Vec<Measured>,
    pub(crate) loaded: Vec<Measured>,
    /// Start, memory and size: what is of a process and not of a request.
    pub(crate) process: Option<Measured>,
    pub(crate) delivered: Vec<Measured>,
    /// What could not be measured, with the reason and what to do.
    pub(crate) missing: Vec<String>,
    /// What makes the figures less reliable than they could be.
    pub(crate) doubts: Vec<String>,
}

const LOAD: [Column; 5] = [
    Column::median("CPU µs/request", Figure::CpuMicros),
    Column::median("requests/s", Figure::PerSecond),
    Column::median("p50 µs", Figure::P50),
    Column::median("p99 µs", Figure::P99),
    Column::median("cores used", Figure::Cores),
];

const PROCESS: [Column; 9] = [
    Column::median("start ms", Figure::StartMillis),
    Column { title: "start p95 ms", figure: Figure::StartMillis, percentile: Some(95) },
    Column::median("idle MiB", Figure::IdleMib),
    Column::median("after load MiB", Figure::LoadedMib),
    Column::median("1,000 connections MiB", Figure::ConnectedMib),
    Column::median("KiB a connection", Figure::ConnectionKib),
    Column::median("uploads streamed, peak MiB", Figure::StreamedMib),
    Column::median("uploads held, peak MiB", Figure::BufferedMib),
    Column::median("shipped MB", Figure::ShippedMb),
];

const DELIVERY: [Column; 4] = [
    Column::median("a second", Figure::PerSecond),
    Column::median("CPU µs of the function", Figure::CpuMicros),
    Column::median("CPU µs of the sidecar", Figure::SidecarMicros),
    Column::median("bytes a message that waits", Figure::MessageBytes),
];

impl Report {
    /// The run in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = list(self.machine.lines().chain(self.how.iter().cloned()));
        let mut section = |title: &str, tables: &str| {
            let _ = write!(text, "\n### {title}\n\n{tables}");
        };
        if !self.counted.is_empty() {
            section("Counted", &counted(&self.counted));
        }
        for one in &self.loaded {
            section(&format!("Load: {}", one.name), &by_side(one, &LOAD));
        }
        if let Some(process) = &self.process {
            section("Start, memory, size", &by_side(process, &PROCESS));
        }
        for one in &self.delivered {
            section(&format!("Delivery: {}", one.name), &by_side(one, &DELIVERY));
        }
        for (title, lines) in [("Not measured", &self.missing), ("Doubts", &self.doubts)] {
            if !lines.is_empty() {
                section(title, &list(lines.iter().cloned()));
            }
        }
        text
    }

    /// The same with every sample. Names are this program's own and need no escaping, but other texts are written by others.
    pub(crate) fn json(&self) -> String {
        let list = |lines: &[String]| lines.iter().map(|line| quoted(line)).collect::<Vec<_>>().join(", ");
        let mut parts: Vec<String> =
            self.machine.facts.iter().map(|(name, value)| format!("{}: {}", quoted(name), quoted(value))).collect();
        parts.push(format!("\"rows\": {}", rows_of(&self.counted)));
        parts.push(format!("\"load\": {}", rows_of(&self.loaded)));
        parts.push(format!("\"process\": {}", rows_of(self.process.as_slice())));
        parts.push(format!("\"delivery\": {}", rows_of(&self.delivered)));
        parts.push(format!("\"missing\": [{}]", list(&self.missing)));
        parts.push(format!("\"doubts\": [{}]", list(&self.doubts)));
        format!("{{\n  {}\n}}\n", parts.join(",\n  "))
    }
}

fn list(lines: impl Iterator<Item = String>) -> String {
    lines.flat_map(|line| ["- ".to_owned(), line, "\n".to_owned()]).collect()
}

/// A table for the rows with the same peers, and below each what one should know of its rows.
fn counted(measured: &[Measured]) -> String {
    let of_dapr = |one: &&Measured| rows::ROWS.iter().any(|row| row.name == one.name && row.mode(Side::Tonic).is_some());
    let (dapr, http): (Vec<_>, Vec<_>) = measured.iter().partition(of_dapr);
    let tables = [http, dapr].into_iter().filter(|rows| !rows.is_empty()).map(|rows| by_row(&rows));
    tables.collect::<Vec<_>>().join("\n")
}

/// One line a row: instructions of each side, how they compare, and allocations.
fn by_row(measured: &[&Measured]) -> String {
    let there = |side: &Side| measured.iter().any(|one| one.cell(*side).is_some());
    let sides: Vec<Side> = Side::ALL.into_iter().filter(there).collect();
    let peers: Vec<Side> = sides.iter().copied().filter(|side| *side != Side::Ours).collect();
    let ratios = if sides.contains(&Side::Ours) { &peers[..] } else { &[] };

    let mut head = vec!["instructions per request".to_owned()];
    head.extend(sides.iter().map(|side| side.title().to_owned()));
    head.extend(ratios.iter().map(|side| format!("ours : {}", side.title())));
    head.extend(sides.iter().map(|side| format!("allocs {}", side.name())));
    head.extend(sides.iter().map(|side| format!("bytes {}", side.name())));

    let mut lines = vec![head];
    for one in measured {
        let figure = |side, figure| one.cell(side).and_then(|cell| cell.median(figure));
        let ratio =
            |side, of| figure(Side::Ours, of).zip(figure(side, of)).and_then(|(ours, peer)| statistics::ratio(ours, peer));
        let with_ratio = |side: &Side, of: Figure| {
            let text = table::shown(figure(*side, of), |one| of.text(one));
            match ratio(*side, of).filter(|_| *side != Side::Ours) {
                Some(ratio) => format!("{text} ({ratio:.2})"),
                None => text,
            }
        };
        let mut line = vec![one.name.to_owned()];
        line.extend(sides.iter().map(|side| table::shown(figure(*side, Figure::Instructions), table::grouped)));
        line.extend(ratios.iter().map(|side| table::shown(ratio(*side, Figure::Instructions), |ratio| format!("{ratio:.2}"))));
        line.extend(sides.iter().map(|side| with_ratio(side, Figure::Allocations)));
        line.extend(sides.iter().map(|side| with_ratio(side, Figure::Allocated)));
        lines.push(line);
    }

    let mut text = table::aligned(&lines);
    for one in measured.iter().filter(|one| !one.note.is_empty()) {
        let _ = writeln!(text, "\n{}: {}", one.name, one.note);
    }
    text
}

/// One line a side: each figure, and in parentheses how ours compares. Columns that nobody has a figure for are left out.
fn by_side(measured: &Measured, columns: &[Column]) -> String {
    let has = |column: &&Column| measured.cells.iter().any(|(_, cell)| column.of(cell).is_some());
    let columns: Vec<&Column> = columns.iter().filter(has).collect();
    let mut lines = vec![vec![String::new()]];
    lines[0].extend(columns.iter().map(|column| column.title.to_owned()));
    for side in Side::ALL {
        let mut line = vec![side.title().to_owned()];
        let Some(cell) = measured.cell(side) else {
            if measured.absent.contains(&side) {
                line.resize(columns.len() + 1, "not here".to_owned());
                lines.push(line);
            }
            continue;
        };
        for column in &columns {
            let figure = column.of(cell);
            let text = table::shown(figure, |figure| column.figure.text(figure));
            let ours = measured.cell(Side::Ours).filter(|_| side != Side::Ours).and_then(|ours| column.of(ours));
            let ratio = ours.zip(figure).and_then(|(ours, figure)| statistics::ratio(ours, figure));
            // How busy the server was is a condition of the measurement, not a result.
            line.push(match ratio.filter(|_| column.figure != Figure::Cores) {
                Some(ratio) => format!("{text} ({ratio:.2})"),
                None => text,
            });
        }
        lines.push(line);
    }
    let mut text = table::aligned(&lines);
    if !measured.note.is_empty() {
        let _ = writeln!(text, "\n{}.", measured.note);
    }
    let cores = |side: &Side| measured.cell(*side).and_then(|cell| cell.median(Figure::Cores));
    let waited = |side: &Side| cores(side).is_some_and(|cores| cores < load::SATURATED);
    let waited: Vec<&str> = Side::ALL.into_iter().filter(waited).map(Side::title).collect();
    if !waited.is_empty() {
        let waited = waited.join(", ");
        let _ = writeln!(text, "\nNot at their limit, so that only the CPU of a request can be compared: {waited}.");
    }
    text
}

fn rows_of(measured: &[Measured]) -> String {
    let cell = |(side, cell): &(Side, Cell)| {
        let figures = cell.all().map(|(figure, all)| format!("{}: {}", quoted(figure.name()), samples(all)));
        format!("{}: {{{}}}", quoted(side.name()), figures.collect::<Vec<_>>().join(", "))
    };
    let row = |one: &Measured| {
        let cells = one.cells.iter().map(cell).collect::<Vec<_>>().join(", ");
        format!("\n    {{\"name\": {}, \"sides\": {{{cells}}}}}", quoted(one.name))
    };
    let rows: Vec<String> = measured.iter().map(row).collect();
    if rows.is_empty() { "[]".to_owned() } else { format!("[{}\n  ]", rows.join(",")) }
}

fn samples(samples: &[f64]) -> String {
    let samples: Vec<String> = samples.iter().map(|sample| format!("{sample:.2}")).collect();
    format!("[{}]", samples.join(", "))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => quoted.push(' '),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Measured {
        let mut measured = Measured::new("hello", "");
        for instructions in [9000.0, 9002.0, 9100.0] {
            measured.cell_mut(Side::Ours).add(Figure::Instructions, instructions);
            measured.cell_mut(Side::Ours).add(Figure::Allocations, 5.0);
            measured.cell_mut(Side::Ours).add(Figure::Allocated, 640.0);
        }
        measured.cell_mut(Side::Axum).add(Figure::Instructions, 12003.0);
        measured.cell_mut(Side::Axum).add(Figure::Allocations, 12.5);
        measured.cell_mut(Side::Axum).add(Figure::Allocated, 1280.0);
        measured
    }

    #[test]
    fn a_table_of_counts_is_aligned_and_has_ratios() {
        assert_eq!(
            counted(&[hello()]),
            "\
| instructions per request |  ours |   axum | ours : axum | allocs ours | allocs axum | bytes ours |   bytes axum |
|--------------------------|------:|-------:|------------:|------------:|------------:|-----------:|-------------:|
| hello                    | 9,002 | 12,003 |        0.75 |         5.0 | 12.5 (0.40) |        640 | 1,280 (0.50) |
"
        );
    }

    #[test]
    fn a_table_of_sides_leaves_out_what_nobody_has_and_compares_all_but_ours() {
        let mut measured = Measured::new("hello", "two cores");
        for (side, micros, cores) in [(Side::Ours, 3.0, 0.75), (Side::OfGo, 8.0, 1.0)] {
            measured.cell_mut(side).add(Figure::CpuMicros, micros);
            measured.cell_mut(side).add(Figure::Cores, cores);
        }
        measured.absent.push(Side::OfJava);
        assert_eq!(
            by_side(&measured, &LOAD),
            "\
|                         | CPU µs/request | cores used |
|-------------------------|---------------:|-----------:|
| ours                    |           3.00 |       0.75 |
| OpenFunction Go v0.5.0  |    8.00 (0.38) |       1.00 |
| OpenFunction Java 1.2.0 |       not here |   not here |

two cores.

Not at their limit, so that only the CPU of a request can be compared: ours.
"
        );
    }

    #[test]
    fn json_has_every_sample_and_says_what_is_missing() {
        let report = Report {
            counted: vec![hello()],
            missing: vec!["OpenFunction Java: \"mvn\"\nis not there".to_owned()],
            machine: Machine { facts: vec![("rustc", "rustc \"1\"".to_owned())] },
            ..Report::default()
        };
        let text = report.json();
        assert!(text.starts_with("{\n  \"rustc\": \"rustc \\\"1\\\"\",\n  \"rows\": [\n"), "{text}");
        assert!(
            text.contains(
                r#""ours": {"instructions": [9000.00, 9002.00, 9100.00], "allocations": [5.00, 5.00, 5.00], "allocated": [640.00,"#
            ),
            "{text}"
        );
        assert!(text.contains(r#""missing": ["OpenFunction Java: \"mvn\" is not there"]"#), "{text}");
        assert!(report.markdown().contains("### Not measured\n\n- OpenFunction Java"), "{}", report.markdown());
    }
}
