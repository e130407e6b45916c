//! A server under load: it has one core, and wrk the other.

use std::{ffi::OsString, thread, time::Duration};

use super::{
    figure::{Cell, Figure},
    process, quiet,
    request::Request,
    server::{Program, Server},
    wrk::Load,
};
use crate::Result;

/// The core of the server, and that of wrk.
const CORES: [u32; 2] = [0, 1];

/// On so many connections, each of which waits for its answer.
pub(crate) const CONNECTIONS: u32 = 32;

/// Others may use so much of a core during a sample.
pub(crate) const FOREIGN: f64 = 0.25;

/// Below this share of its core a server had nothing to do at times: wrk, or the machine, was the limit.
pub(crate) const SATURATED: f64 = 0.9;

/// How a sample is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) warm: u32,
    pub(crate) seconds: u32,
}

/// What keeps a server on its core, where there is another for wrk.
pub(crate) fn pin() -> (Vec<OsString>, Option<u32>) {
    let [server, client] = CORES;
    if thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2) {
        (["taskset", "--cpu-list", &server.to_string()].map(OsString::from).to_vec(), Some(client))
    } else {
        (Vec::new(), None)
    }
}

impl Sample {
    /// Starts the program anew, warms it up and measures it; returns how many cores others used meanwhile.
    pub(crate) fn take(self, program: &Program, request: &Request, cell: &mut Cell) -> Result<f64> {
        let (words, core) = pin();
        let mut server = Server::spawn(&words, program)?.ready(request)?;
        let load = |seconds| Load { connections: CONNECTIONS, seconds, core };
        load(self.warm).run(server.port(), request)?;

        let (before, machine_before) = (process::processor_time(server.id())?, process::machine_time()?);
        let loaded = load(self.seconds).run(server.port(), request)?;
        let used = process::processor_time(server.id())?.saturating_sub(before);
        let all = process::machine_time()?.saturating_sub(machine_before);
        server.check()?;

        if loaded.requests < 50.0 {
            return Err(format!("it answered {} requests in {:?}", loaded.requests, loaded.took).into());
        }
        if loaded.failed > loaded.requests / 1000.0 {
            return Err(format!("{} of {} requests were not answered with success", loaded.failed, loaded.requests).into());
        }
        cell.add(Figure::CpuMicros, used.as_secs_f64() * 1e6 / loaded.requests);
        cell.add(Figure::ClientMicros, loaded.own.as_secs_f64() * 1e6 / loaded.requests);
        cell.add(Figure::PerSecond, loaded.requests / loaded.took.as_secs_f64());
        cell.add(Figure::P50, loaded.p50);
        cell.add(Figure::P99, loaded.p99);
        cell.add(Figure::Cores, quiet::cores(used, loaded.took));
        Ok(quiet::cores(all.saturating_sub(used + loaded.own), loaded.took))
    }
}

/// Waits until memory is what it will be.
pub(crate) fn settle() {
    thread::sleep(Duration::from_millis(300));
}
