//! The variables that a Function manifest gives to its function, where no platform sets them.
//!
//! A process cannot change its own environment safely once it has threads, and never without `unsafe`. It can be started anew
//! with another one.

use std::{
    collections::BTreeMap,
    env,
    process::{self, Command, ExitCode},
};

/// Set to the process that was started anew, which is not done twice.
const MARKER: &str = "FUNCTION_PARAMS_SET";

/// Those of the variables that are not set: what is there wins.
pub(crate) fn missing(params: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    let missing = params.iter().filter(|(name, _)| env::var_os(name).is_none());
    missing.map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Their names, for a message.
pub(crate) fn names(missing: &[(&str, &str)]) -> String {
    missing.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Starts this program anew with the variables that are missing; returns when none is.
///
/// It must come before there is anything to lose: threads, open ports, what a `main` has done so far.
///
/// # Errors
/// How the program ended, where it cannot become the new one but had to wait for it; else why it could not be started.
pub(crate) fn set(params: &BTreeMap<String, String>) -> Result<(), Result<ExitCode, String>> {
    let missing = missing(params);
    if missing.is_empty() {
        return Ok(());
    }
    let names = names(&missing);
    let failed = |why: String| Err(Err(format!("cannot set the params of the Function manifest ({names}): {why}")));
    // The id stays when a process becomes another program; a program that this one starts has another.
    let id = if cfg!(unix) { process::id().to_string() } else { "yes".to_owned() };
    if env::var_os(MARKER).is_some_and(|marker| *marker == *id) {
        return failed("they are missing still after the program was started with them".to_owned());
    }
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return failed(format!("the program does not know where it is: {error}")),
    };
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).envs(missing).env(MARKER, id);
    match replace(command) {
        Ok(code) => Err(Ok(code)),
        Err(error) => failed(error.to_string()),
    }
}

/// Becomes the other program.
#[cfg(unix)]
fn replace(mut command: Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;

    if let Some(name) = env::args_os().next() {
        command.arg0(name);
    }
    Err(command.exec())
}

/// Runs the other program in this one's place.
#[cfg(not(unix))]
fn replace(mut command: Command) -> std::io::Result<ExitCode> {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
