//! Counts with valgrind: exact where a clock is noisy, and the same on a busy machine.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    request::Shape,
    server::{Program, Server},
};
use crate::{Result, workspace};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Instructions in user space.
    Instructions,
    /// Calls of the allocator.
    Allocations,
}

/// How many requests the two runs of a slope send, for a request of weight 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Requests {
    pub(crate) few: u32,
    pub(crate) many: u32,
}

/// Fails when valgrind is not there, saying how to get it; otherwise tells its version.
pub(crate) fn version() -> Result<String> {
    match Command::new("valgrind").arg("--version").stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        _ => Err("valgrind is needed to count instructions and is not installed\n\
             install it with `apt-get install valgrind` (or your system's package manager) and run this again"
            .into()),
    }
}

/// What one request costs: the difference between a run with many requests and a run with few, by the difference in
/// number. Start, stop and the first request's one-time work are in both and cancel out.
pub(crate) fn slope(count: Count, program: &Program, shape: Shape, requests: Requests, profile: Option<&Path>) -> Result<f64> {
    let (few, many) = (requests.few / shape.weight(), requests.many / shape.weight());
    let low = counted(count, program, shape, few, None)?;
    let high = counted(count, program, shape, many, profile)?;
    #[allow(clippy::cast_precision_loss)] // counts stay far below 2^52
    let total = high as f64 - low as f64;
    Ok(total / f64::from(many - few))
}

/// Runs the program under the tool, sends so many requests one after the other, ends it; returns what was counted.
fn counted(count: Count, program: &Program, shape: Shape, requests: u32, profile: Option<&Path>) -> Result<u64> {
    let log = Log::new()?;
    let mut tool: Vec<OsString> = vec!["valgrind".into()];
    match count {
        Count::Instructions => {
            let out = profile.unwrap_or(Path::new("/dev/null"));
            tool.extend(["--tool=callgrind".into(), option("--callgrind-out-file=", out)]);
        }
        Count::Allocations => {
            tool.extend(["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"].map(OsString::from));
        }
    }
    tool.push(option("--log-file=", &log.0));

    let request = shape.bytes();
    let server = Server::start(&tool, program, &request)?;
    let mut client = server.connect()?;
    for number in 1..=requests {
        let status = client.send(&request)?;
        if !(200..300).contains(&status) {
            return Err(format!("request {number} of {requests} was answered with {status}").into());
        }
    }
    drop(client);
    server.stop()?;
    let text = fs::read_to_string(&log.0)?;
    read(count, &text).ok_or_else(|| format!("valgrind wrote no count:\n{text}").into())
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// Finds the count in the log: `Collected : 8185` or `total heap usage: 1,234 allocs, ..`.
fn read(count: Count, log: &str) -> Option<u64> {
    let marker = match count {
        Count::Instructions => "Collected : ",
        Count::Allocations => "total heap usage: ",
    };
    let (_, rest) = log.split_once(marker)?;
    let digits: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
    digits.parse().ok()
}

/// Where valgrind writes what it has to say; gone with this value.
#[derive(Debug)]
struct Log(PathBuf);

impl Log {
    fn new() -> Result<Self> {
        let folder = workspace::target_dir().join("bench");
        fs::create_dir_all(&folder)?;
        Ok(Self(folder.join(format!("valgrind-{}.log", std::process::id()))))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_found_in_the_log() {
        let callgrind = "==7== Events    : Ir\n==7== Collected : 48210377\n==7==\n";
        assert_eq!(read(Count::Instructions, callgrind), Some(48_210_377));
        let memcheck = "==7==   total heap usage: 12,345 allocs, 12,300 frees, 1,234,567 bytes allocated\n";
        assert_eq!(read(Count::Allocations, memcheck), Some(12345));
        assert_eq!(read(Count::Allocations, callgrind), None);
    }
}
