//! A function that is started again whenever it has ended.

use black_box_tests::{Program, Start};
use serde_json::{Value, json};

use crate::{LANES, tally::Tally};

/// How the fixture is started: what it is declared to have, by the names of its lanes.
pub(crate) fn declared(inputs: &[(&str, &str)], outputs: &[(&str, &str)]) -> Start {
    // The component of an input, and the topic, have the name of the input; an output goes to the topic of what it feeds.
    let all = |ends: &[(&str, &str)]| {
        let lanes = ends.iter().flat_map(|&(name, topic)| (0..LANES).map(move |lane| (name, topic, lane)));
        let lanes = lanes.map(|(name, topic, lane)| {
            let topic = format!("{topic}{lane}");
            let end = json!({ "uri": topic, "componentName": topic, "componentType": "pubsub.any" });
            (format!("{name}{lane}"), end)
        });
        lanes.collect::<serde_json::Map<String, Value>>()
    };
    let context = json!({
        "name": "soaked", "version": "v1", "runtime": "Async", "port": "8080",
        "inputs": all(inputs), "outputs": all(outputs),
    });
    Start::new(env!("CARGO_BIN_EXE_soaked")).env("FUNC_CONTEXT", context.to_string())
}

/// A process of functions, and how to start another one.
pub(crate) struct Stage<S> {
    start: S,
    running: Option<(Program, usize)>,
}

impl<S: FnMut(&str) -> Program> Stage<S> {
    /// Starts it by `start`, which is given the path of its journal.
    pub(crate) fn start(tally: &mut Tally, start: S) -> Self {
        let mut stage = Self { start, running: None };
        stage.start_again(tally);
        stage
    }

    fn start_again(&mut self, tally: &mut Tally) {
        let (number, path) = tally.journal();
        self.running = Some(((self.start)(&path.display().to_string()), number));
    }

    fn take(&mut self) -> (Program, usize) {
        self.running.take().expect("it was started")
    }

    /// Tells that its sidecar was killed, and with it the calls that it had made.
    pub(crate) fn has_lost_its_sidecar(&self, tally: &mut Tally) {
        let (_, journal) = self.running.as_ref().expect("it was started");
        tally.excuse(*journal);
    }

    /// Kills it (SIGKILL), and starts it again.
    pub(crate) fn kill(&mut self, tally: &mut Tally) {
        self.take().0.kill();
        self.start_again(tally);
    }

    /// Asks it to end (SIGTERM), and starts it again; it must succeed, and have cut nothing.
    pub(crate) fn stop(&mut self, tally: &mut Tally) {
        self.end(tally);
        self.start_again(tally);
    }

    /// Asks it to end (SIGTERM); it must succeed, and have cut nothing.
    pub(crate) fn end(&mut self, tally: &Tally) {
        let (program, journal) = self.take();
        program.terminate().expect(0, &[]);
        tally.assert_nothing_is_cut(journal);
    }
}
