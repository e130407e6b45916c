//! The load: wrk, which sends the bytes of a request over and over on some connections, and needs a fraction of the processor
//! time that any server does.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use ::tools::Tool;

use super::{process, request::Request};
use crate::{Result, workspace};

/// How a load is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    /// The core that wrk is kept on.
    pub(crate) core: Option<u32>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) requests: f64,
    pub(crate) took: Duration,
    /// Answers that were no success, and connections that broke.
    pub(crate) failed: f64,
    /// Microseconds to the whole answer.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The processor time of wrk itself.
    pub(crate) own: Duration,
}

/// Sees to it that it is there.
pub(crate) fn bring() -> Result<PathBuf> {
    Ok(crate::tools::bring(&[Tool::Wrk])?.remove(0).1)
}

impl Load {
    /// Sends the request to this port of this machine for as long as it is to last.
    pub(crate) fn run(self, port: u16, request: &Request) -> Result<Loaded> {
        let Request::Http1(bytes) = request else { return Err("wrk speaks HTTP/1.1 only".into()) };
        let script = Script::new(bytes)?;
        let wrk = Tool::Wrk.find()?;
        let mut command = match self.core {
            Some(core) => pinned(core, &wrk),
            None => Command::new(wrk),
        };
        command.args(["--threads", "1", "--timeout", "10s"]);
        command.args(["--connections", &self.connections.to_string(), "--duration", &format!("{}s", self.seconds)]);
        command.arg("--script").arg(&script.0).arg(format!("http://127.0.0.1:{port}/")).stdin(Stdio::null());
        let before = process::processor_time_of_ended();
        let output = command.output().map_err(|error| format!("cannot run wrk: {error}"))?;
        let own = process::processor_time_of_ended().saturating_sub(before);
        let said = String::from_utf8_lossy(&output.stdout);
        let loaded = read(&said).map(|loaded| Loaded { own, ..loaded });
        loaded.ok_or_else(|| format!("wrk said: {said}{}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// A program that stays on one core.
pub(crate) fn pinned(core: u32, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}

/// What wrk is to send and to say, in a file; gone with this value.
#[derive(Debug)]
struct Script(PathBuf);

impl Script {
    fn new(request: &[u8]) -> Result<Self> {
        let folder = workspace::target_dir().join("bench");
        fs::create_dir_all(&folder)?;
        let script = Self(folder.join(format!("wrk-{}.lua", std::process::id())));
        fs::write(&script.0, lua(request))?;
        Ok(script)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Bytes that are made once: wrk calls Lua for no request.
fn lua(request: &[u8]) -> String {
    const SAY: &str = "
wrk.format = function() return request_bytes end
function done(all, latency)
  local e = all.errors
  io.write(string.format(\"\\nRESULT %d %d %d %f %f\\n\", all.requests, all.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
";
    let mut script = String::from("local request_bytes = \"");
    for byte in request {
        let _ = write!(script, "\\{byte:03}");
    }
    script.push('"');
    script.push_str(SAY);
    script
}

/// Reads the line that the script has it say.
fn read(said: &str) -> Option<Loaded> {
    let figures = said.lines().find_map(|line| line.strip_prefix("RESULT "))?;
    let figures: Vec<f64> = figures.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [requests, micros, failed, p50, p99] = figures[..] else { return None };
    Some(Loaded { requests, took: Duration::from_secs_f64(micros / 1e6), failed, p50, p99, own: Duration::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_every_byte_and_asks_for_no_lua_a_request() {
        let script = lua(b"GET\r\n\"\\");
        assert!(script.starts_with(r#"local request_bytes = "\071\069\084\013\010\034\092""#), "{script}");
        assert!(!script.contains("function request"), "{script}");
    }

    #[test]
    fn figures_are_read_from_the_line_that_has_them() {
        let said = "Running 1s test @ http://127.0.0.1:1/\n  2 requests in 1.00s\n\nRESULT 120000 2000000 3 61.5 240.25\n";
        let loaded = read(said).unwrap();
        assert_eq!((loaded.requests, loaded.took, loaded.failed), (120_000.0, Duration::from_secs(2), 3.0));
        assert_eq!((loaded.p50, loaded.p99), (61.5, 240.25));
        assert_eq!(read("unable to connect\n"), None);
        assert_eq!(read("RESULT 1 2\n"), None);
    }
}
