//! `cargo xtask test`: everything a change must pass, one step after the other.

mod steps;

use std::time::{Duration, Instant};

use self::steps::{Outcome, STEPS, Step};
use crate::Result;

const USAGE: &str = "\
cargo xtask test [options]

Runs every step a change must pass and stops at the first that fails.

  --only <step>  this step only; may be given more than once
  --list         the steps and what each does";

/// Runs the command; what is left of the command line are its options.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    use lexopt::{Arg::Long, ValueExt};

    let mut chosen: Vec<&Step> = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("only") => chosen.push(step(&arguments.value()?.string()?)?),
            Long("list") => {
                for step in &STEPS {
                    println!("{:<13} {}", step.name, step.what);
                }
                return Ok(());
            }
            Long("help") | lexopt::Arg::Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if chosen.is_empty() {
        chosen.extend(&STEPS);
    }
    run_all(&chosen)
}

fn step(name: &str) -> Result<&'static Step> {
    let names = || STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
    let found = STEPS.iter().find(|step| step.name == name);
    found.ok_or_else(|| format!("there is no step {name:?}; the steps are {}", names()).into())
}

fn run_all(chosen: &[&Step]) -> Result {
    let mut lines: Vec<String> = Vec::new();
    let mut tests = None;
    let began = Instant::now();
    for (number, step) in chosen.iter().enumerate() {
        eprintln!("\n==> {} ({} of {}): {}", step.name, number + 1, chosen.len(), step.what);
        let step_began = Instant::now();
        let result = (step.run)();
        let took = seconds(step_began.elapsed());
        let word = match &result {
            Ok(Outcome::Passed) => "ok".to_owned(),
            Ok(Outcome::Tested(count)) => {
                tests = Some(*count);
                format!("ok, {} tests", count.passed)
            }
            Ok(Outcome::NotChecked(why)) => format!("NOT CHECKED: {why}"),
            Err(_) => "FAILED".to_owned(),
        };
        lines.push(format!("  {:<13} {took:>6}  {word}", step.name));
        if let Err(error) = result {
            lines.extend(chosen[number + 1..].iter().map(|step| format!("  {:<13} {:>6}  not run", step.name, "")));
            return Err(format!(
                "the step `{0}` failed\n\n{1}\n\n{0}: {error}\nto run only this step again: cargo xtask test --only {0}",
                step.name,
                lines.join("\n")
            )
            .into());
        }
    }
    println!("\n{}\n", lines.join("\n"));
    let steps = chosen.len();
    let took = seconds(began.elapsed());
    match tests {
        Some(count) => {
            println!("test result: ok. {} passed; 0 failed; {} ignored; {steps} steps in {took}", count.passed, count.ignored);
        }
        None => println!("ok: {steps} steps in {took}"),
    }
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{:.0} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILS: Step = Step { name: "fails", what: "", run: || Err("it broke".into()) };
    const PASSES: Step = Step { name: "passes", what: "", run: || Ok(Outcome::Passed) };

    #[test]
    fn a_failed_step_is_named_and_stops_the_rest() {
        let said = run_all(&[&PASSES, &FAILS, &PASSES]).unwrap_err().to_string();
        assert!(
            said.contains("the step `fails` failed") && said.contains("it broke") && said.contains("--only fails"),
            "{said}"
        );
        assert_eq!(said.matches("not run").count(), 1, "{said}");
        assert!(run_all(&[&PASSES]).is_ok());
    }
}
