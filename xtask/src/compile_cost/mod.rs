//! `cargo xtask compile-cost`: what it takes to compile a function, beside axum and tonic alone.

mod build;
mod program;

use std::{fmt::Write, fs};

use self::{
    build::{Cost, Profile},
    program::Program,
};
use crate::{Result, bench::process, document, workspace};

const USAGE: &str = "\
cargo xtask compile-cost [options]

Builds `hello` from nothing, and again after a change of one line, in debug and in release, beside a program of axum and tonic
alone; and with each feature of the library. The first builds take turns. The figures go as tables into docs/performance.md and as
JSON into docs/performance. The machine should do nothing else.

  --repeats <n>     builds n times, and takes the quickest (1)
  --debug           debug builds only
  --no-features     the first table only";

const DOCUMENT: &str = "docs/performance.md";
const JSON: &str = "docs/performance/compile-cost.json";

/// Every program has it: without there is no port.
const ALWAYS: &str = "server";

/// Runs the command; what is left of the command line are its options.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    use lexopt::{
        Arg::{Long, Short},
        ValueExt,
    };

    let (mut repeats, mut with_features, mut profiles) = (1u32, true, vec![Profile::Debug, Profile::Release]);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("repeats") => repeats = arguments.value()?.parse()?,
            Long("debug") => profiles = vec![Profile::Debug],
            Long("no-features") => with_features = false,
            Long("help") | Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if repeats == 0 {
        return Err("--repeats: expected a number from 1".into());
    }
    process::check()?;
    document::check(DOCUMENT, "compile-cost")?;
    let programs = [Program::axum_and_tonic(), Program::hello(), Program::hello_with(&[ALWAYS])];
    let rows = measure(&programs, &profiles, repeats)?;
    let table = table(&rows);
    println!("{table}\n");
    document::put(DOCUMENT, "compile-cost", &table)?;
    let mut features = Vec::new();
    if with_features {
        features = measure_features(repeats)?;
        let table = features_table(&features);
        println!("{table}");
        document::put(DOCUMENT, "compile-cost features", &table)?;
    }
    fs::create_dir_all(workspace::root().join("docs/performance"))?;
    fs::write(workspace::root().join(JSON), json(&rows, &features)).map_err(|error| format!("cannot write {JSON}: {error}"))?;
    Ok(())
}

/// What a program took.
struct Row {
    name: String,
    costs: Vec<Costs>,
}

/// What it took with one profile.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Costs {
    profile: Profile,
    cold: Cost,
    /// After a change of one line.
    again: Cost,
}

fn measure(programs: &[Program], profiles: &[Profile], repeats: u32) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = programs.iter().map(|program| Row { name: program.name.clone(), costs: Vec::new() }).collect();
    for round in 1..=repeats {
        for profile in profiles {
            for (program, row) in programs.iter().zip(&mut rows) {
                eprintln!("{}, {}, {round} of {repeats}", program.name, profile.name());
                row.add(build_twice(program, *profile)?);
            }
        }
    }
    Ok(rows)
}

fn build_twice(program: &Program, profile: Profile) -> Result<Costs> {
    let folder = workspace::target_dir().join("compile-cost").join(&program.name);
    program.write(&folder)?;
    build::fetch(&folder)?;
    let cold = build::cold(&folder, profile)?;
    program.change(&folder, "Hello, Rust!")?;
    let again = build::warm(&folder, profile)?;
    // Some hundred megabytes of which nobody has a use.
    fs::remove_dir_all(&folder)?;
    Ok(Costs { profile, cold, again })
}

impl Row {
    /// Adds what a round took; of several the quickest counts.
    fn add(&mut self, costs: Costs) {
        let quicker = |one: Cost, other: Cost| if other.seconds < one.seconds { other } else { one };
        match self.costs.iter_mut().find(|known| known.profile == costs.profile) {
            Some(known) => {
                (known.cold, known.again) = (quicker(known.cold, costs.cold), quicker(known.again, costs.again));
            }
            None => self.costs.push(costs),
        }
    }
}

/// The debug build with each feature; the first has the least.
fn measure_features(repeats: u32) -> Result<Vec<(String, Cost)>> {
    let manifest = workspace::read("functions-framework/Cargo.toml")?;
    let mut sets = vec![vec![ALWAYS]];
    sets.extend(workspace::features(&manifest).into_iter().filter(|name| *name != ALWAYS).map(|name| vec![ALWAYS, name]));
    let mut measured = Vec::new();
    for set in sets {
        let program = Program::hello_with(&set);
        eprintln!("{}", program.name);
        let folder = workspace::target_dir().join("compile-cost").join(&program.name);
        program.write(&folder)?;
        build::fetch(&folder)?;
        let mut least = build::cold(&folder, Profile::Debug)?;
        for _ in 1..repeats {
            let cost = build::cold(&folder, Profile::Debug)?;
            least = if cost.seconds < least.seconds { cost } else { least };
        }
        fs::remove_dir_all(&folder)?;
        measured.push(((*set.last().unwrap_or(&ALWAYS)).to_owned(), least));
    }
    Ok(measured)
}

/// Markdown; in parentheses how many times the first row it is.
fn table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let mut text = "| seconds, and of the processor | crates |".to_owned();
    for Costs { profile, .. } in &first.costs {
        let _ = write!(text, " {} | again |", profile.name());
    }
    let _ = write!(text, "\n|---|--:|{}", "--:|--:|".repeat(first.costs.len()));
    for row in rows {
        let cell = |cost: Cost, base: Cost| {
            let times =
                if row.name == first.name { String::new() } else { format!(" ({:.2})", cost.processor / base.processor) };
            format!("{:.1}, {:.1}{times}", cost.seconds, cost.processor)
        };
        let _ = write!(text, "\n| `{}` | {} |", row.name, row.costs.first().map_or(0, |costs| costs.cold.crates));
        for (costs, base) in row.costs.iter().zip(&first.costs) {
            let _ = write!(text, " {} | {} |", cell(costs.cold, base.cold), cell(costs.again, base.again));
        }
    }
    text
}

/// Markdown: what each has beyond the first.
fn features_table(features: &[(String, Cost)]) -> String {
    let Some(((name, least), others)) = features.split_first() else { return String::new() };
    let mut text = "| feature | crates | seconds | of the processor |\n|---|--:|--:|--:|".to_owned();
    let _ = write!(text, "\n| `{name}` alone | {} | {:.1} | {:.1} |", least.crates, least.seconds, least.processor);
    for (name, cost) in others {
        let crates = cost.crates.saturating_sub(least.crates);
        let (seconds, processor) = (cost.seconds - least.seconds, cost.processor - least.processor);
        let _ = write!(text, "\n| + `{name}` | +{crates} | {seconds:+.1} | {processor:+.1} |");
    }
    text
}

fn json(rows: &[Row], features: &[(String, Cost)]) -> String {
    let cost = |Cost { crates, seconds, processor }: &Cost| {
        format!("{{\"crates\": {crates}, \"seconds\": {seconds:.2}, \"processor\": {processor:.2}}}")
    };
    let costs = |row: &Row| {
        let costs = row.costs.iter().map(|Costs { profile, cold, again }| {
            format!("\"{}\": {{\"cold\": {}, \"again\": {}}}", profile.name(), cost(cold), cost(again))
        });
        costs.collect::<Vec<_>>().join(", ")
    };
    let rows = rows.iter().map(|row| format!("    \"{}\": {{{}}}", row.name, costs(row)));
    let features = features.iter().map(|(name, one)| format!("    \"{name}\": {}", cost(one)));
    let joined = |lines: Vec<String>| lines.join(",\n");
    format!(
        "{{\n  \"programs\": {{\n{}\n  }},\n  \"features\": {{\n{}\n  }}\n}}\n",
        joined(rows.collect()),
        joined(features.collect())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(crates: usize, seconds: f64) -> Cost {
        Cost { crates, seconds, processor: 2.0 * seconds }
    }

    fn row(name: &str, seconds: f64) -> Row {
        let costs = Costs { profile: Profile::Debug, cold: cost(100, seconds), again: cost(1, 0.5) };
        Row { name: name.to_owned(), costs: vec![costs] }
    }

    #[test]
    fn every_program_is_compared_with_the_first() {
        let text = table(&[row("peer", 10.0), row("hello", 13.0)]);
        assert!(text.starts_with("| seconds, and of the processor | crates | debug | again |\n|---|--:|--:|--:|\n"), "{text}");
        assert!(text.contains("\n| `peer` | 100 | 10.0, 20.0 | 0.5, 1.0 |"), "{text}");
        assert!(text.contains("\n| `hello` | 100 | 13.0, 26.0 (1.30) | 0.5, 1.0 (1.00) |"), "{text}");
    }

    #[test]
    fn a_feature_is_what_it_adds() {
        let text = features_table(&[("server".to_owned(), cost(80, 10.0)), ("dapr".to_owned(), cost(95, 14.0))]);
        assert!(text.ends_with("| `server` alone | 80 | 10.0 | 20.0 |\n| + `dapr` | +15 | +4.0 | +8.0 |"), "{text}");
    }

    #[test]
    fn of_several_builds_the_quickest_counts() {
        let mut row = row("hello", 9.0);
        row.add(Costs { profile: Profile::Debug, cold: cost(100, 8.0), again: cost(1, 2.0) });
        assert_eq!(row.costs, [Costs { profile: Profile::Debug, cold: cost(100, 8.0), again: cost(1, 0.5) }]);
        row.add(Costs { profile: Profile::Release, cold: cost(100, 30.0), again: cost(1, 4.0) });
        assert_eq!(row.costs.len(), 2);
    }

    #[test]
    fn json_has_every_figure() {
        let text = json(&[row("hello", 1.0)], &[("server".to_owned(), cost(80, 10.0))]);
        assert!(
            text.contains("\"hello\": {\"debug\": {\"cold\": {\"crates\": 100, \"seconds\": 1.00, \"processor\": 2.00}"),
            "{text}"
        );
        assert!(text.contains("\"server\": {\"crates\": 80, \"seconds\": 10.00"), "{text}");
    }
}
