//! Counts with valgrind: exact where a clock is noisy, and the same on a busy machine.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use super::{
    request::{Request, Shape},
    server::{Program, Server},
};
use crate::{Result, workspace};

/// A tool, and the figures in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tool<const FIGURES: usize> {
    options: &'static [&'static str],
    /// Whether it can write a profile.
    profiles: bool,
    /// What stands before each figure.
    markers: [&'static str; FIGURES],
}

/// Counts instructions in user space.
pub(crate) const INSTRUCTIONS: Tool<1> = Tool { options: &["--tool=callgrind"], profiles: true, markers: ["Collected : "] };

/// Counts calls of the allocator, and the bytes they asked for.
pub(crate) const ALLOCATIONS: Tool<2> = Tool {
    options: &["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"],
    profiles: false,
    markers: ["total heap usage: ", " frees, "],
};

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

impl<const FIGURES: usize> Tool<FIGURES> {
    /// What one request costs: the difference between a run with many requests and a run with few, by the difference in
    /// number. Start, stop and the first request's one-time work are in both and cancel out.
    pub(crate) fn slope(
        &self,
        program: &Program,
        shape: Shape,
        requests: Requests,
        profile: Option<&Path>,
    ) -> Result<[f64; FIGURES]> {
        let (few, many) = (requests.few / shape.weight(), requests.many / shape.weight());
        self.slope_between(program, &shape.request(), Requests { few, many }, 1, profile)
    }

    /// Likewise for any request, on so many connections, each of which sends in its turn.
    pub(crate) fn slope_between(
        &self,
        program: &Program,
        request: &Request,
        Requests { few, many }: Requests,
        connections: usize,
        profile: Option<&Path>,
    ) -> Result<[f64; FIGURES]> {
        // Side by side: what is counted does not depend on how fast it is done.
        let (low, high) = thread::scope(|scope| {
            let low = scope.spawn(|| self.counted(program, request, few, connections, None));
            let high = self.counted(program, request, many, connections, profile);
            (low.join(), high)
        });
        let (low, high) = (low.map_err(|_| "the thread of a count panicked")??, high?);
        #[allow(clippy::cast_precision_loss)] // counts stay far below 2^52
        Ok(std::array::from_fn(|figure| (high[figure] as f64 - low[figure] as f64) / f64::from(many - few)))
    }

    /// Runs the program under the tool, sends so many requests one after the other, ends it; returns what was counted.
    fn counted(
        &self,
        program: &Program,
        request: &Request,
        requests: u32,
        connections: usize,
        profile: Option<&Path>,
    ) -> Result<[u64; FIGURES]> {
        let log = Log::new()?;
        let mut tool: Vec<OsString> = vec!["valgrind".into()];
        tool.extend(self.options.iter().map(OsString::from));
        if self.profiles {
            tool.push(option("--callgrind-out-file=", profile.unwrap_or(Path::new("/dev/null"))));
        }
        tool.push(option("--log-file=", &log.0));

        let server = Server::start(&tool, program, request)?;
        let mut clients = Vec::new();
        for number in 0..requests as usize {
            if clients.len() < connections {
                clients.push(server.connect(request)?);
            }
            let sent = clients[number % connections].send(request);
            sent.map_err(|error| format!("request {} of {requests}: {error}", number + 1))?;
        }
        drop(clients);
        server.stop()?;
        let text = fs::read_to_string(&log.0)?;
        self.read(&text).ok_or_else(|| format!("valgrind wrote no count:\n{text}").into())
    }

    /// Finds the figures in the log: `Collected : 8185`, or `total heap usage: 1,234 allocs, 1,200 frees, 56,789 bytes ..`.
    fn read(&self, log: &str) -> Option<[u64; FIGURES]> {
        let mut figures = [0; FIGURES];
        for (figure, marker) in figures.iter_mut().zip(self.markers) {
            let (_, rest) = log.split_once(marker)?;
            let digits = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',');
            *figure = digits.collect::<String>().parse().ok()?;
        }
        Some(figures)
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// Where valgrind writes what it has to say; gone with this value.
#[derive(Debug)]
struct Log(PathBuf);

impl Log {
    fn new() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = workspace::target_dir().join("bench");
        fs::create_dir_all(&folder)?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(Self(folder.join(format!("valgrind-{}-{number}.log", std::process::id()))))
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
        assert_eq!(INSTRUCTIONS.read(callgrind), Some([48_210_377]));
        let memcheck = "==7==   total heap usage: 12,345 allocs, 12,300 frees, 1,234,567 bytes allocated\n";
        assert_eq!(ALLOCATIONS.read(memcheck), Some([12345, 1_234_567]));
        assert_eq!(ALLOCATIONS.read(callgrind), None);
    }
}
