//! `cargo xtask bench growth`: what becomes of the cost of a request as something grows, as plots.

mod sweeps;

use std::{fmt::Write, fs, process::Stdio};

use tools::Tool;

use self::sweeps::{Asked, Measured, SWEEPS, Sweep};
use super::{
    machine::Machine,
    plot::{Line, Plot},
    process,
    server::{Program, Server},
    side::Side,
    valgrind::INSTRUCTIONS,
};
use crate::{Result, document, tools as tool, workspace};

const USAGE: &str = "\
cargo xtask bench growth [options]

Counts the instructions of a request, and the memory of the process, as functions, headers, the body, or connections become more.
What is measured goes as SVG and JSON into docs/performance, and as a table into docs/performance.md.

  --only <name>   this only; may be given more than once: functions, headers, body, connections, memory";

/// The document, and the folder beside it.
const DOCUMENT: &str = "docs/performance.md";
const FOLDER: &str = "docs/performance";

/// Runs the command; what is left of the command line are its options.
pub(super) fn run(mut arguments: lexopt::Parser) -> Result {
    use lexopt::{
        Arg::{Long, Short},
        ValueExt,
    };

    let mut chosen: Vec<&Sweep> = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("only") => chosen.push(named(&arguments.value()?.string()?)?),
            Long("help") | Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if chosen.is_empty() {
        chosen.extend(&SWEEPS);
    }
    tool::bring(&[Tool::Valgrind])?;
    process::check()?;
    let machine = Machine::describe();
    build()?;
    fs::create_dir_all(workspace::root().join(FOLDER))?;
    for sweep in chosen {
        let plot = measure(sweep)?;
        let file = |kind: &str| workspace::root().join(FOLDER).join(format!("{}.{kind}", sweep.name));
        fs::write(file("svg"), plot.svg())?;
        fs::write(file("json"), json(sweep, &plot, &machine))?;
        println!("\n{}\n", table(&plot));
        document::put(DOCUMENT, &format!("growth {}", sweep.name), &table(&plot))?;
    }
    Ok(())
}

fn named(name: &str) -> Result<&'static Sweep> {
    let names = || SWEEPS.iter().map(|sweep| sweep.name).collect::<Vec<_>>().join(", ");
    let found = SWEEPS.iter().find(|sweep| sweep.name == name);
    found.ok_or_else(|| format!("nothing named {name:?} grows; what does: {}", names()).into())
}

/// Builds what is asked, with the profile of all measurements.
fn build() -> Result {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--locked", "--profile", PROFILE, "--package", Side::Ours.package(), "--features", "many"]);
    let built = cargo.args(["--bin", "bench-functions", "--bin", "bench-many"]).stdin(Stdio::null()).status()?;
    if built.success() { Ok(()) } else { Err("what is asked could not be built; what cargo says is above".into()) }
}

/// Release, with symbols, as all that is measured.
const PROFILE: &str = "profiling";

fn measure(sweep: &Sweep) -> Result<Plot> {
    let mut lines = Vec::new();
    for asked in sweep.lines {
        let mut values = Vec::new();
        for step in sweep.steps {
            let measured = match sweep.measured {
                Measured::Instructions => instructions(asked, *step),
                Measured::Memory => memory(asked, *step),
            };
            let value = measured.map_err(|error| format!("{}, {}: {error}", sweep.name, sweep.step(*step)))?;
            eprintln!("{}, {}, {}: {value:.0}", sweep.name, asked.name, sweep.step(*step));
            values.push(value);
        }
        lines.push(Line { name: asked.name.to_owned(), values });
    }
    let measured = match sweep.measured {
        Measured::Instructions => "instructions in user space",
        Measured::Memory => "KiB",
    };
    Ok(Plot {
        title: sweep.title.to_owned(),
        of: sweep.of.to_owned(),
        measured: measured.to_owned(),
        steps: sweep.steps.iter().map(|step| sweep.step(*step)).collect(),
        lines,
        axis: sweep.axis,
    })
}

fn instructions(asked: &Asked, step: u32) -> Result<f64> {
    let (program, request) = (program(asked, step), asked.request(step));
    let [count] = INSTRUCTIONS.slope_between(&program, &request, asked.requests(step), asked.connections(step), None)?;
    Ok(count)
}

/// The resident memory in KiB, while connections are open of which each has sent a request.
fn memory(asked: &Asked, step: u32) -> Result<f64> {
    let request = asked.request(step);
    let server = Server::start(&[], &program(asked, step), &request)?;
    let mut clients = Vec::new();
    for _ in 0..asked.connections(step) {
        let mut client = server.connect(&request)?;
        client.send(&request)?;
        clients.push(client);
    }
    Ok(f64::from(process::memory(server.id())?.resident))
}

fn program(asked: &Asked, step: u32) -> Program {
    let (binary, variable) = match asked.function {
        Some(function) => ("bench-functions", ("FUNCTION_TARGET", function.to_owned())),
        None => ("bench-many", ("FUNCTIONS", step.to_string())),
    };
    let mut environment = vec![variable, ("FUNCTION_MAX_BODY_SIZE", "1GiB".to_owned())];
    if asked.log {
        environment.push(("FUNCTION_ACCESS_LOG", "on".to_owned()));
    }
    Program {
        binary: workspace::target_dir().join(PROFILE).join(binary),
        arguments: ["--host", "127.0.0.1"].map(str::to_owned).to_vec(),
        environment,
    }
}

/// Markdown: a row for each step, and in parentheses how many times the first it is.
fn table(plot: &Plot) -> String {
    let mut text = format!("| {} |", plot.of);
    for line in &plot.lines {
        let _ = write!(text, " {}: {} |", line.name, plot.measured);
    }
    let _ = write!(text, "\n|--:|{}", "--:|".repeat(plot.lines.len()));
    for (number, step) in plot.steps.iter().enumerate() {
        let _ = write!(text, "\n| {step} |");
        for line in &plot.lines {
            let _ = write!(text, " {:.0} ({:.2}) |", line.values[number], line.values[number] / line.values[0]);
        }
    }
    text
}

fn json(sweep: &Sweep, plot: &Plot, machine: &Machine) -> String {
    let list = |values: Vec<String>| values.join(", ");
    let lines = plot.lines.iter().map(|line| {
        let values = list(line.values.iter().map(|value| format!("{value:.1}")).collect());
        format!("    {{\"name\": \"{}\", \"values\": [{values}]}}", line.name)
    });
    format!(
        "{{\n  \"rustc\": \"{}\",\n  \"valgrind\": \"{}\",\n  \"measured\": \"{}\",\n  \"steps\": [{}],\n  \"lines\": [\n{}\n  ]\n}}\n",
        machine.fact("rustc"),
        machine.fact("valgrind"),
        plot.measured,
        list(sweep.steps.iter().map(ToString::to_string).collect()),
        lines.collect::<Vec<_>>().join(",\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::plot::Axis, *};

    fn plot() -> Plot {
        Plot {
            title: String::new(),
            of: "functions".to_owned(),
            measured: "instructions".to_owned(),
            steps: ["1", "10"].map(str::to_owned).to_vec(),
            lines: vec![Line { name: "no log".to_owned(), values: vec![1000.0, 1049.9] }],
            axis: Axis::Linear,
        }
    }

    #[test]
    fn a_table_compares_with_its_first_row() {
        let expected = "| functions | no log: instructions |\n|--:|--:|\n| 1 | 1000 (1.00) |\n| 10 | 1050 (1.05) |";
        assert_eq!(table(&plot()), expected);
    }

    #[test]
    fn json_has_the_steps_and_the_values() {
        let text = json(&SWEEPS[0], &plot(), &Machine::default());
        assert!(text.contains("\"steps\": [1, 10, 100, 1000]") && text.contains("\"values\": [1000.0, 1049.9]"), "{text}");
    }

    #[test]
    fn every_sweep_is_named_in_the_help() {
        for sweep in &SWEEPS {
            assert!(USAGE.contains(sweep.name), "{}", sweep.name);
            assert!(named(sweep.name).is_ok());
        }
        assert!(named("size").is_err());
    }
}
