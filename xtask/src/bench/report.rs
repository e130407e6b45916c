//! What was measured, as a table to read and as JSON to keep.

use std::fmt::Write;

use super::{rows::Row, side::Side};

/// What one side does for one request: a figure a repeat.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cell {
    pub(crate) instructions: Vec<f64>,
    pub(crate) allocations: Vec<f64>,
    /// The bytes that they asked for.
    pub(crate) allocated: Vec<f64>,
}

impl Cell {
    /// Adds a repeat.
    pub(crate) fn add(&mut self, [instructions, allocations, allocated]: [f64; 3]) {
        self.instructions.push(instructions);
        self.allocations.push(allocations);
        self.allocated.push(allocated);
    }
}

/// A row and its cells, in the order of the sides.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) row: &'static Row,
    pub(crate) cells: Vec<(Side, Cell)>,
}

impl Measured {
    fn figure(&self, side: Side, of: impl Fn(&Cell) -> &Vec<f64>) -> Option<f64> {
        self.cells.iter().find(|(one, _)| *one == side).and_then(|(_, cell)| median(of(cell)))
    }
}

fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { f64::midpoint(sorted[middle - 1], upper) })
}

/// A table for the rows with the same peers, and below each what one should know of its rows.
pub(crate) fn tables(measured: &[Measured], sides: &[Side]) -> String {
    let (dapr, http): (Vec<_>, Vec<_>) = measured.iter().partition(|one| one.row.mode(Side::Tonic).is_some());
    let tables = [http, dapr].into_iter().filter(|rows| !rows.is_empty()).map(|rows| {
        let there = |side: &Side| rows.iter().any(|one| one.row.mode(*side).is_some());
        table(&rows, &sides.iter().copied().filter(there).collect::<Vec<_>>())
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn table(measured: &[&Measured], sides: &[Side]) -> String {
    let peers: Vec<Side> = sides.iter().copied().filter(|side| *side != Side::Ours).collect();
    let ratios = if sides.contains(&Side::Ours) { &peers[..] } else { &[] };

    let mut head = vec!["instructions per request".to_owned()];
    head.extend(sides.iter().map(|side| side.title().to_owned()));
    head.extend(ratios.iter().map(|side| format!("ours : {}", side.title())));
    head.extend(sides.iter().map(|side| format!("allocs {}", side.name())));
    head.extend(sides.iter().map(|side| format!("bytes {}", side.name())));

    let mut lines = vec![head];
    for one in measured {
        let mut line = vec![one.row.name.to_owned()];
        let instructions = |side| one.figure(side, |cell| &cell.instructions);
        line.extend(sides.iter().map(|side| shown(instructions(*side), grouped)));
        line.extend(ratios.iter().map(|side| {
            let ratio = instructions(Side::Ours).zip(instructions(*side)).map(|(ours, peer)| ours / peer);
            shown(ratio, |ratio| format!("{ratio:.2}"))
        }));
        line.extend(sides.iter().map(|side| shown(one.figure(*side, |cell| &cell.allocations), |count| format!("{count:.1}"))));
        line.extend(sides.iter().map(|side| shown(one.figure(*side, |cell| &cell.allocated), grouped)));
        lines.push(line);
    }

    let mut text = aligned(&lines);
    for one in measured.iter().filter(|one| !one.row.note.is_empty()) {
        let _ = writeln!(text, "\n{}: {}", one.row.name, one.row.note);
    }
    text
}

fn shown(figure: Option<f64>, format: impl Fn(f64) -> String) -> String {
    figure.map_or_else(|| "–".to_owned(), format)
}

/// `12023.4` as `12,023`.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.as_bytes()[place - 1].is_ascii_digit() && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Lines of cells as a Markdown table that can be read as it is: names to the left, figures to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(text, "| {cell:<width$} |") } else { write!(text, " {cell:>width$} |") };
        }
        text.push('\n');
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                let _ = if column == 0 { write!(text, "|{dashes}-|") } else { write!(text, "{dashes}:|") };
            }
            text.push('\n');
        }
    }
    text
}

/// The same with every sample. Names are this program's own and need no escaping, but versions are written by others.
pub(crate) fn json(measured: &[Measured], versions: &[(&str, String)]) -> String {
    let mut text = String::from("{\n");
    for (name, version) in versions {
        let _ = writeln!(text, "  \"{name}\": {},", quoted(version));
    }
    text.push_str("  \"rows\": [\n");
    for (number, one) in measured.iter().enumerate() {
        let _ = write!(text, "    {{\"name\": {}, \"sides\": {{", quoted(one.row.name));
        for (place, (side, cell)) in one.cells.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}{}: {{\"instructions\": {}", quoted(side.name()), samples(&cell.instructions));
            let (allocations, allocated) = (samples(&cell.allocations), samples(&cell.allocated));
            let _ = write!(text, ", \"allocations\": {allocations}, \"allocated\": {allocated}}}");
        }
        let _ = writeln!(text, "}}}}{}", if number + 1 == measured.len() { "" } else { "," });
    }
    text.push_str("  ]\n}\n");
    text
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
    use super::{super::rows::ROWS, *};

    fn measured() -> Vec<Measured> {
        let cell = |instructions: &[f64], allocations, allocated| {
            let mut cell = Cell::default();
            for instructions in instructions {
                cell.add([*instructions, allocations, allocated]);
            }
            cell
        };
        vec![Measured {
            row: &ROWS[0],
            cells: vec![
                (Side::Ours, cell(&[9000.0, 9002.0, 9100.0], 5.0, 640.0)),
                (Side::Axum, cell(&[12003.0], 13.0, 1024.0)),
            ],
        }]
    }

    #[test]
    fn a_table_is_aligned_and_has_ratios() {
        assert_eq!(
            tables(&measured(), &[Side::Ours, Side::Hyper, Side::Axum, Side::Tonic]),
            "\
| instructions per request |  ours | hyper h1+h2c |   axum | ours : hyper h1+h2c | ours : axum | allocs ours | allocs hyper | allocs axum | bytes ours | bytes hyper | bytes axum |
|--------------------------|------:|-------------:|-------:|--------------------:|------------:|------------:|-------------:|------------:|-----------:|------------:|-----------:|
| hello                    | 9,002 |            – | 12,003 |                   – |        0.75 |         5.0 |            – |        13.0 |        640 |           – |      1,024 |
"
        );
    }

    #[test]
    fn json_has_every_sample() {
        let text = json(&measured(), &[("rustc", "rustc \"1\"".to_owned())]);
        assert!(text.starts_with("{\n  \"rustc\": \"rustc \\\"1\\\"\",\n  \"rows\": [\n"), "{text}");
        assert!(
            text.contains(
                r#""ours": {"instructions": [9000.00, 9002.00, 9100.00], "allocations": [5.00, 5.00, 5.00], "allocated": [640.00,"#
            ),
            "{text}"
        );
    }

    #[test]
    fn figures_are_grouped_by_thousands() {
        for (figure, text) in
            [(0.2, "0"), (999.0, "999"), (1000.4, "1,000"), (1_234_567.0, "1,234,567"), (-1500.0, "-1,500"), (-150.0, "-150")]
        {
            assert_eq!(grouped(figure), text);
        }
    }
}
