//! A server that a test starts beside a program: a sidecar or a broker.

use std::{ffi::OsStr, path::PathBuf, time::Instant};

use tools::Tool;

use crate::{Ended, Log, PATIENCE, Start, program::Starting};

/// One that is started again as it was the first time, with its ports and its folder. It is killed when nobody holds it any
/// more; a test that fails shows what it wrote.
#[derive(Debug)]
pub(crate) struct Service {
    tool: Tool,
    program: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    running: Option<Starting>,
}

impl Service {
    /// Of a tool that `cargo xtask tools` has brought, to be started with these arguments.
    #[track_caller]
    pub(crate) fn new<A: Into<String>>(tool: Tool, arguments: impl IntoIterator<Item = A>) -> Self {
        let program = tool.find().unwrap_or_else(|missing| panic!("{missing}"));
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { tool, program, arguments, variables: Vec::new(), running: None }
    }

    /// Adds variables, which are all that is in its environment.
    pub(crate) fn envs(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(&mut self, mut ready: impl FnMut(&Log) -> bool) {
        assert!(self.running.is_none(), "{} runs already", self.tool.name());
        let start = self.variables.iter().fold(Start::bare(&self.program), |start, (name, value)| start.env(name, value));
        let starting = self.arguments.iter().map(OsStr::new).fold(start, Start::arg).start();
        let output = starting.output().clone();
        self.running = Some(starting);
        self.wait("it is ready", || ready(&output).then_some(()));
    }

    /// Waits until `look` finds something, and not longer than it runs.
    #[track_caller]
    pub(crate) fn wait<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            let ended = self.running.as_mut().map(Starting::has_ended);
            if !matches!(ended, Some(None)) || began.elapsed() > PATIENCE {
                let wrote = self.wrote();
                // It is told here.
                self.running = None;
                let name = self.tool.name();
                match ended {
                    Some(None) => panic!("waited {PATIENCE:?} in vain that {what}; {name} wrote:\n{wrote}"),
                    _ => panic!("{name} does not run, while waiting that {what}; it wrote:\n{wrote}"),
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Its process id.
    #[track_caller]
    pub(crate) fn id(&self) -> u32 {
        self.running().id()
    }

    /// What it has written to standard output since its start.
    #[track_caller]
    pub(crate) fn output(&self) -> &Log {
        self.running().output()
    }

    /// Asks it to end (SIGTERM), and goes on.
    #[track_caller]
    pub(crate) fn ask_to_end(&self) {
        self.running().signal("TERM");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> Ended {
        self.take().ended()
    }

    /// Asks it to end (SIGTERM) and waits.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> Ended {
        self.ask_to_end();
        self.ended()
    }

    /// Kills it (SIGKILL).
    #[track_caller]
    pub(crate) fn kill(&mut self) -> Ended {
        self.take().kill()
    }

    /// What it has written since its start, to either.
    fn wrote(&self) -> String {
        self.running.as_ref().map(|running| running.output().text() + &running.log().text()).unwrap_or_default()
    }

    #[track_caller]
    fn running(&self) -> &Starting {
        self.running.as_ref().unwrap_or_else(|| panic!("{} does not run", self.tool.name()))
    }

    #[track_caller]
    fn take(&mut self) -> Starting {
        self.running.take().unwrap_or_else(|| panic!("{} does not run", self.tool.name()))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if std::thread::panicking() && self.running.is_some() {
            eprintln!("---- {} wrote ----\n{}---- end of {0} ----", self.tool.name(), self.wrote());
        }
    }
}
