//! `cargo xtask tools`: the programs that tests start beside a function, built or installed where they are missing.

mod built;
mod debian;

use std::path::PathBuf;

use tools::Tool;

use crate::Result;

const USAGE: &str = "\
cargo xtask tools [--check] [name...]

Builds or installs the programs that tests start beside a function or make an image with, and prints where each is. Without a name: all.

  daprd                                 Dapr's sidecar; Go builds it
  lifecycle                             the lifecycle of Cloud Native Buildpacks, and its launcher; Go builds them
  redis-server, nats-server, mosquitto, prometheus, wrk, valgrind
                                        packages of the system; root installs them where there is apt-get

  --check   brings nothing, and fails when one is missing

What is built is kept in FUNCTIONS_FRAMEWORK_TOOLS, or else in functions-framework-tools in XDG_CACHE_HOME or ~/.cache.";

/// Runs the command; what is left of the command line are its options.
pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    use lexopt::{Arg, ValueExt};

    let mut chosen = Vec::new();
    let mut only_check = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Value(name) => chosen.push(named(&name.string()?)?),
            Arg::Long("check") => only_check = true,
            Arg::Long("help") | Arg::Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            other @ (Arg::Long(_) | Arg::Short(_)) => return Err(other.unexpected().into()),
        }
    }
    if chosen.is_empty() {
        chosen.extend(Tool::ALL);
    }
    for (tool, path) in if only_check { find(&chosen)? } else { bring(&chosen)? } {
        println!("{:<13} {}", tool.name(), path.display());
    }
    Ok(())
}

fn named(name: &str) -> Result<Tool> {
    let found = Tool::ALL.into_iter().find(|tool| tool.name() == name);
    found.ok_or_else(|| format!("there is no tool {name:?}; the tools are {}", names(&Tool::ALL)).into())
}

/// Sees to it that the tools are there, and says where.
pub(crate) fn bring(tools: &[Tool]) -> Result<Vec<(Tool, PathBuf)>> {
    let missing: Vec<Tool> = tools.iter().copied().filter(|tool| tool.find().is_err()).collect();
    let packages: Vec<Tool> = missing.iter().copied().filter(|tool| tool.built().is_none()).collect();
    if !packages.is_empty() {
        debian::install(&packages)?;
    }
    for built in missing.iter().filter_map(|tool| tool.built()) {
        built::build(&built?)?;
    }
    find(tools)
}

fn find(tools: &[Tool]) -> Result<Vec<(Tool, PathBuf)>> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for tool in tools {
        match tool.find() {
            Ok(path) => found.push((*tool, path)),
            Err(error) => missing.push(error.to_string()),
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(missing.join("\n").into()) }
}

fn names(tools: &[Tool]) -> String {
    tools.iter().map(|tool| tool.name()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_known_by_its_name_and_no_other() {
        for tool in Tool::ALL {
            assert_eq!(named(tool.name()).unwrap(), tool);
            assert!(USAGE.contains(tool.name()), "{tool:?}");
        }
        let said = named("redis").unwrap_err().to_string();
        assert!(said.contains("\"redis\"") && said.contains("redis-server"), "{said}");
    }
}
