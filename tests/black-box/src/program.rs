//! A program as an operator starts and ends it.

use std::{
    ffi::OsStr,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::JoinHandle,
    time::Duration,
};

use crate::{Connection, Line, Log, Request, Response, eventually, proc};

/// How to start a program: with nothing in its environment but what is set here.
#[derive(Debug)]
pub struct Start {
    command: Command,
    port_is_logged: bool,
}

impl Start {
    /// Of the program at `path`, on a free port.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        Self::bare(path).env("PORT", "0")
    }

    /// Of the program at `path`, with no environment at all.
    pub fn bare(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, port_is_logged: true }
    }

    /// Serves this function.
    pub fn target(self, name: &str) -> Self {
        self.env("FUNCTION_TARGET", name)
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets variables.
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self {
        self.command.envs(variables);
        self
    }

    /// Takes a variable out again.
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Adds a word to the command line.
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.command.arg(word);
        self
    }

    /// Starts it in this folder.
    pub fn directory(mut self, path: impl AsRef<Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Says that the log will not tell the port: it is asked of the system then.
    pub const fn quiet(mut self) -> Self {
        self.port_is_logged = false;
        self
    }

    /// Starts it and returns at once.
    #[track_caller]
    pub fn start(mut self) -> Starting {
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("cannot start {}: {error}", self.command.get_program().display()),
        };
        let (log, output) = (Log::default(), Log::default());
        let readers = [child.stderr.take().map(|pipe| log.collect(pipe)), child.stdout.take().map(|pipe| output.collect(pipe))];
        let running = Running { child, status: None, readers: readers.into_iter().flatten().collect() };
        Starting { running, log, output, port_is_logged: self.port_is_logged }
    }

    /// Starts it and waits until it listens.
    #[track_caller]
    pub fn serve(self) -> Program {
        self.start().listening()
    }

    /// Starts it and waits for its end, which must come by itself.
    #[track_caller]
    pub fn end(self) -> Ended {
        self.start().ended()
    }
}

/// A process that is killed when nobody holds it any more.
#[derive(Debug)]
struct Running {
    child: Child,
    status: Option<ExitStatus>,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    fn has_ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child can be waited for");
        }
        self.status
    }

    #[track_caller]
    fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
    }

    #[track_caller]
    fn ended(mut self, log: &Log, output: &Log) -> Ended {
        let status = eventually("the program ends", || self.has_ended());
        // What it wrote last may still be in the pipes.
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
        Ended { code: status.code(), errors: log.text(), output: output.text(), log: log.clone() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() {
            // It may just have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A program that does not listen yet.
#[derive(Debug)]
pub struct Starting {
    running: Running,
    log: Log,
    output: Log,
    port_is_logged: bool,
}

impl Starting {
    /// What it has written to standard error.
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// What it has written to standard output.
    pub const fn output(&self) -> &Log {
        &self.output
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.child.id()
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Tells how it has ended, once it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.running.has_ended()
    }

    /// Kills it and waits for its end.
    #[track_caller]
    pub fn kill(mut self) -> Ended {
        self.running.kill();
        self.ended()
    }

    /// Waits until it listens.
    #[track_caller]
    pub fn listening(self) -> Program {
        let Self { mut running, log, output, port_is_logged } = self;
        let address = if port_is_logged {
            let Some(line) = log.find(|line| address_of(line).is_some()) else { panic!("it did not start:\n{}", log.text()) };
            address_of(&line)
        } else {
            let id = running.child.id();
            eventually("a port is open", || {
                assert!(running.has_ended().is_none(), "it did not start:\n{}", log.text());
                proc::listening_port(id).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            })
            .into()
        };
        let address = address.expect("an address was found");
        Program { running, log, output, address }
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ended(self) -> Ended {
        self.running.ended(&self.log, &self.output)
    }
}

/// The address in a line that says where a program listens, as a client can reach it.
fn address_of(line: &Line) -> Option<SocketAddr> {
    let address = if line.json.is_object() {
        (line.message() == "listening").then(|| line.field("address").to_owned())?
    } else {
        let (_, rest) = line.text.split_once("listening address=")?;
        rest.trim_start_matches('"').split(['"', ' ']).next()?.to_owned()
    };
    let address: SocketAddr = address.parse().ok()?;
    Some(if address.ip().is_unspecified() { (Ipv4Addr::LOCALHOST, address.port()).into() } else { address })
}

#[track_caller]
fn signal(id: u32, name: &str) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -{name} {id} failed");
}

/// A program that listens.
#[derive(Debug)]
pub struct Program {
    running: Running,
    log: Log,
    output: Log,
    address: SocketAddr,
}

impl Program {
    /// Where it is reached.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has written to standard error.
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// What it has written to standard output.
    pub const fn output(&self) -> &Log {
        &self.output
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.running.child.id()
    }

    /// Opens a connection to it.
    #[track_caller]
    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// Sends a request over a connection of its own.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Response {
        self.connect().send(request)
    }

    /// Sends a GET over a connection of its own.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.send(&Request::get(path))
    }

    /// Sends a POST over a connection of its own.
    #[track_caller]
    pub fn post(&self, path: &str, content_type: &str, body: impl AsRef<[u8]>) -> Response {
        self.send(&Request::post(path, content_type, body))
    }

    /// Sends it a signal.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Fails when it has ended.
    #[track_caller]
    pub fn assert_alive(&mut self) {
        let ended = self.running.has_ended();
        assert!(ended.is_none(), "it has ended ({ended:?}):\n{}", self.log.text());
    }

    /// Tells whether it takes another connection.
    pub fn accepts(&self) -> bool {
        std::net::TcpStream::connect_timeout(&self.address, Duration::from_secs(5)).is_ok()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ended(self) -> Ended {
        self.running.ended(&self.log, &self.output)
    }

    /// Kills it and waits for its end.
    #[track_caller]
    pub fn kill(mut self) -> Ended {
        self.running.kill();
        self.ended()
    }

    /// Asks it to end and waits.
    #[track_caller]
    pub fn terminate(self) -> Ended {
        self.signal("TERM");
        self.ended()
    }
}

/// What a program left behind.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard error.
    pub errors: String,
    /// Standard output.
    pub output: String,
    /// Standard error, line by line.
    pub log: Log,
}

impl Ended {
    /// Fails unless it ended with this code and said all of this.
    #[track_caller]
    pub fn expect(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.errors);
        for part in said {
            assert!(self.errors.contains(part), "{part:?} is not in:\n{}", self.errors);
        }
        self
    }
}
