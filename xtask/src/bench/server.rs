//! A server as a process of its own, under a tool that counts.

use std::{
    env,
    ffi::OsString,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{client::Client, request::Request};
use crate::Result;

const READY_WITHIN: Duration = Duration::from_secs(120);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// How a server is started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) binary: PathBuf,
    /// `{port}` is the port it is to listen at, here and in the environment.
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A running server; ended with this value, whatever happened.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts `program` behind the words of `tool`, with one worker thread, and waits until it answers `request` with success.
    pub(crate) fn start(tool: &[OsString], program: &Program, request: &Request) -> Result<Self> {
        let mut program = program.clone();
        program.environment.push(("TOKIO_WORKER_THREADS", "1".to_owned()));
        Self::spawn(tool, &program)?.ready(request)
    }

    /// Starts `program` behind the words of `tool`, if there are any, and does not wait.
    pub(crate) fn spawn(tool: &[OsString], program: &Program) -> Result<Self> {
        let port = free_port()?;
        let filled = |text: &str| text.replace("{port}", &port.to_string());
        let mut words = tool.iter().map(OsString::as_os_str).chain([program.binary.as_os_str()]);
        let child = Command::new(words.next().unwrap_or(program.binary.as_os_str()))
            .args(words)
            .args(program.arguments.iter().map(|argument| filled(argument)))
            // Nothing of this environment but what a process needs: RUST_LOG and its like would change the count.
            .env_clear()
            .envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, env::var_os(name)?))))
            .env("LANG", "C.UTF-8")
            .envs(program.environment.iter().map(|(name, value)| (name, filled(value))))
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.binary.display()))?;
        Ok(Self { child, port })
    }

    /// Waits until it answers `request` with success.
    pub(crate) fn ready(mut self, request: &Request) -> Result<Self> {
        self.wait_until_ready(request)?;
        Ok(self)
    }

    /// Its process, and that of the tool that has become it or holds it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Fails when it has ended.
    pub(crate) fn check(&mut self) -> Result {
        match self.child.try_wait()? {
            Some(status) => Err(format!("the server ended before it served ({status}); start it by hand to see why").into()),
            None => Ok(()),
        }
    }

    fn wait_until_ready(&mut self, request: &Request) -> Result {
        let deadline = Instant::now() + READY_WITHIN;
        let mut last = String::from("nothing listens");
        while Instant::now() < deadline {
            self.check()?;
            match self.connect(request).and_then(|mut client| client.send(request)) {
                Ok(()) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("the server was not ready within {} s: {last}", READY_WITHIN.as_secs()).into())
    }

    /// Connects, to send requests like this one.
    pub(crate) fn connect(&self, request: &Request) -> Result<Client> {
        Client::connect(self.port, request)
    }

    /// Asks the server to end, and waits for it: the tool writes its count at the end.
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        // The shell's own `kill`: the standard library has no SIGTERM, and not every machine has the program.
        Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()]).status()?;
        let deadline = Instant::now() + STOPPED_WITHIN;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(format!("the server did not end within {} s of SIGTERM", STOPPED_WITHIN.as_secs()).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both do nothing to a process that was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Below the ports a system hands out itself: there, polling a port nobody listens on can connect to its own socket.
const PORTS: std::ops::Range<u16> = 18100..28000;

fn free_port() -> Result<u16> {
    // A port that was given is not taken yet: two servers that start at the same time begin to look at different places.
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let given = GIVEN.fetch_add(1, Ordering::Relaxed);
    // So do two programs like this one.
    let offset = (std::process::id() as usize * 37 + given) % PORTS.len();
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    PORTS.cycle().skip(offset).take(PORTS.len()).find(free).ok_or_else(|| "no port is free".into())
}
