//! What is stored of the counts, and what became of them since.

use std::fmt::Write;

use crate::Result;

/// A row may cost so much more, or so much less, before anybody hears of it.
const TOLERANCE: f64 = 0.03;

/// Instructions per request, and what they were counted with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) rustc: String,
    pub(super) valgrind: String,
    pub(super) target: String,
    /// In the order of the rows.
    pub(super) instructions: Vec<(String, u64)>,
}

const HEAD: &str = "\
# User-space instructions of one request, counted by `cargo xtask bench guard` with callgrind.
# `cargo xtask test` fails when one grows by more than 3 %; `cargo xtask bench guard --accept` writes this file anew.
";

impl Counts {
    /// Reads the file: a table of TOML with a value in each line.
    ///
    /// # Errors
    /// A line that says nothing this knows, or something that is missing.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (mut counts, mut in_table) = (Self::default(), false);
        for (number, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("line {}: {what}: {line:?}", number + 1);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line == "[instructions]" {
                in_table = true;
                continue;
            }
            let (key, value) = line.split_once('=').ok_or_else(|| wrong("expected `key = value`"))?;
            let (key, value) = (key.trim(), value.trim());
            if in_table {
                let count = value.replace('_', "").parse().map_err(|_| wrong("expected a whole number"))?;
                counts.instructions.push((key.to_owned(), count));
                continue;
            }
            let text = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            let text = text.ok_or_else(|| wrong("expected a text in double quotes"))?.to_owned();
            match key {
                "rustc" => counts.rustc = text,
                "valgrind" => counts.valgrind = text,
                "target" => counts.target = text,
                _ => return Err(wrong("expected rustc, valgrind, target or [instructions]").into()),
            }
        }
        for (name, value) in [("rustc", &counts.rustc), ("valgrind", &counts.valgrind), ("target", &counts.target)] {
            if value.is_empty() {
                return Err(format!("{name} is missing").into());
            }
        }
        Ok(counts)
    }

    /// What is to be stored.
    pub(super) fn to_toml(&self) -> String {
        let Self { rustc, valgrind, target, instructions } = self;
        let mut text =
            format!("{HEAD}rustc = \"{rustc}\"\nvalgrind = \"{valgrind}\"\ntarget = \"{target}\"\n\n[instructions]\n");
        for (name, count) in instructions {
            let _ = writeln!(text, "{name} = {count}");
        }
        text
    }

    /// What became of a row, since these were stored.
    pub(super) fn change(&self, row: &str, after: u64) -> Change {
        let before = self.instructions.iter().find(|(stored, _)| stored == row).map(|(_, count)| *count);
        Change { row: row.to_owned(), before, after }
    }

    /// What became of every row.
    pub(super) fn compare(&self, now: &Self) -> Vec<Change> {
        now.instructions.iter().map(|(row, after)| self.change(row, *after)).collect()
    }
}

/// A row, then and now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) row: String,
    /// None when it was not stored.
    before: Option<u64>,
    after: u64,
}

/// What is to be said of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Same,
    Grown,
    Fallen,
    New,
}

impl Change {
    #[expect(clippy::cast_precision_loss, reason = "instructions of a request stay far below 2^52")]
    fn ratio(&self) -> Option<f64> {
        self.before.filter(|before| *before > 0).map(|before| self.after as f64 / before as f64)
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.ratio() {
            None => Verdict::New,
            Some(ratio) if ratio > 1.0 + TOLERANCE => Verdict::Grown,
            Some(ratio) if ratio < 1.0 - TOLERANCE => Verdict::Fallen,
            Some(_) => Verdict::Same,
        }
    }

    /// One line: the row, before, after and the difference.
    pub(super) fn line(&self) -> String {
        let Self { row, before, after } = self;
        match (before, self.ratio()) {
            (Some(before), Some(ratio)) => format!("{row:<20} {before:>8} -> {after:>8}  {:+.1} %", (ratio - 1.0) * 100.0),
            _ => format!("{row:<20} {:>8} -> {after:>8}  not stored yet", "-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(instructions: &[(&str, u64)]) -> Counts {
        Counts {
            rustc: "rustc 1.88.0".to_owned(),
            valgrind: "valgrind-3.19.0".to_owned(),
            target: "x86_64-unknown-linux-gnu".to_owned(),
            instructions: instructions.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let stored = counts(&[("hello", 8042), ("relay", 17_001)]);
        assert_eq!(Counts::parse(&stored.to_toml()).unwrap(), stored);
        assert_eq!(Counts::parse(&stored.to_toml().replace("8042", "8_042")).unwrap(), stored);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let text = counts(&[("hello", 8042)]).to_toml();
        for (from, to, said) in [
            ("hello = 8042", "hello = many", "expected a whole number"),
            ("hello = 8042", "hello 8042", "expected `key = value`"),
            ("valgrind = \"valgrind-3.19.0\"", "valgrind = 3", "expected a text in double quotes"),
            ("valgrind =", "valgrnd =", "expected rustc, valgrind, target"),
            ("valgrind = \"valgrind-3.19.0\"", "", "valgrind is missing"),
        ] {
            assert!(text.contains(from), "{from}");
            let error = Counts::parse(&text.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn only_a_change_of_more_than_three_percent_is_one() {
        let before = counts(&[("a", 1000), ("b", 1000), ("c", 1000), ("d", 1000)]);
        let after = counts(&[("a", 1030), ("b", 1031), ("c", 970), ("d", 969), ("e", 5)]);
        let changes = before.compare(&after);
        let verdicts: Vec<Verdict> = changes.iter().map(Change::verdict).collect();
        assert_eq!(verdicts, [Verdict::Same, Verdict::Grown, Verdict::Same, Verdict::Fallen, Verdict::New]);
        assert_eq!(changes[1].line(), "b                        1000 ->     1031  +3.1 %");
        assert_eq!(changes[3].line(), "d                        1000 ->      969  -3.1 %");
        assert!(changes[4].line().ends_with("not stored yet"));
    }
}
