//! What a contributor runs: `cargo xtask <command>`.

mod architecture;
mod bench;
mod compile_cost;
mod dapr;
mod document;
mod package;
mod soak;
mod test;
mod toolchains;
mod tools;
mod workspace;

use std::{error::Error, process::ExitCode};

/// What a command answers. Its error is printed as it is, so it says what to do.
type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const USAGE: &str = "\
cargo xtask <command>

  test     everything a change must pass: format, lints, docs, tests, targets, features
  tools    daprd, brokers and the lifecycle for the tests: builds or installs what is missing, and says where it is
  dapr     an example beside a real Dapr sidecar
  package  an image of an example, made by the real lifecycle without a container engine, started and measured
  soak     the long run in which nothing may be lost while functions, sidecars and brokers are killed
  bench    what a request, a start and a process cost, beside servers and frameworks that do the same
  compile-cost  seconds and crates of a first build and of the next, beside axum and tonic, and by feature

cargo xtask <command> --help tells more.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result {
    let mut arguments = lexopt::Parser::from_env();
    match arguments.next()? {
        Some(lexopt::Arg::Value(command)) if command == "test" => test::run(arguments),
        Some(lexopt::Arg::Value(command)) if command == "tools" => tools::run(arguments),
        Some(lexopt::Arg::Value(command)) if command == "bench" => bench::run(arguments),
        Some(lexopt::Arg::Value(command)) if command == "compile-cost" => compile_cost::run(arguments),
        Some(lexopt::Arg::Value(command)) if command == "dapr" => dapr::run(arguments),
        Some(lexopt::Arg::Value(command)) if command == "soak" => soak::run(arguments),
        Some(lexopt::Arg::Value(command)) if command == "package" => package::run(arguments),
        Some(lexopt::Arg::Value(command)) => Err(format!("there is no command {}\n\n{USAGE}", command.display()).into()),
        Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h')) | None => {
            println!("{USAGE}");
            Ok(())
        }
        Some(other) => Err(other.unexpected().into()),
    }
}
