//! Events through a sidecar: a real daprd with topics in its memory, and the embedded one.

use std::{
    fs,
    path::PathBuf,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use ::tools::Tool;

use super::{
    client::{self, Client},
    figure::{Cell, Figure, Measured},
    load, process,
    request::{self, Request, Shape},
    rows::Platform,
    server::{Program, Server},
    side::Side,
    wrk::{self, Load},
};
use crate::{
    Result,
    dapr::{self, Ended, Ports},
    workspace,
};

pub(crate) const TOPIC: Measured = Measured::new(
    "an event of a topic, 1 KiB, through daprd",
    "daprd's topics in memory hand on one event after the other, so that events a second are a matter of how long one takes",
);
pub(crate) const SEND: Measured = Measured::new(
    "a request of 1 KiB that the function sends to a topic, through daprd",
    "What the function and daprd need for the request and for what is published",
);
pub(crate) const EMBEDDED: Measured = Measured::new(
    "an event of a topic through the embedded sidecar",
    "The function and the sidecar are one process, on one core",
);
pub(crate) const WAITING: Measured = Measured::new(
    "messages that wait in the embedded sidecar",
    "Small ones, in memory, for a function that takes none; a second: as they come",
);

/// Connections that publish at a sidecar.
const PUBLISHERS: u32 = 8;

/// Events of one bulk request to the embedded sidecar.
const AT_ONCE: u32 = 1000;

const WITHIN: Duration = Duration::from_secs(60);

/// Publishes events at daprd, which delivers them to the function.
pub(crate) fn topic(side: Side, seconds: u32, cell: &mut Cell) -> Result {
    let beside = Beside::start(side, "take", Platform::Asynchronous)?;
    let publish = request::publish(1024);
    wait_until("an event is delivered", || {
        Client::connect(beside.ports.http, &publish)?.send(&publish)?;
        Ok(beside.delivered()? > 0.0)
    })?;
    let (delivered, busy, began) = (beside.delivered()?, beside.processor_times()?, Instant::now());
    let load = Load { connections: PUBLISHERS, seconds, core: load::pin().1 };
    let loaded = load.run(beside.ports.http, &publish)?;
    if loaded.failed > 0.0 {
        return Err(format!("daprd refused {} of {} events", loaded.failed, loaded.requests).into());
    }
    // What was published last is still on its way.
    wait_until("all events are delivered", || Ok(beside.delivered()? - delivered >= loaded.requests))?;
    let took = began.elapsed();
    beside.add(cell, beside.delivered()? - delivered, busy, took)
}

/// Asks the function to send what it got.
pub(crate) fn send(side: Side, seconds: u32, cell: &mut Cell) -> Result {
    let beside = Beside::start(side, "send", Platform::Synchronous)?;
    let request = Shape::Json(1024).request();
    let port = beside.function.port();
    wait_until("a request is answered", || {
        Client::connect(port, &request)?.send(&request)?;
        Ok(true)
    })?;
    let load = |seconds| Load { connections: PUBLISHERS, seconds, core: load::pin().1 }.run(port, &request);
    load(1)?;
    let busy = beside.processor_times()?;
    let loaded = load(seconds)?;
    if loaded.failed > 0.0 {
        return Err(format!("{} of {} requests were not answered with success", loaded.failed, loaded.requests).into());
    }
    beside.add(cell, loaded.requests, busy, loaded.took)
}

/// A function beside a real sidecar.
struct Beside {
    function: Server,
    sidecar: Ended,
    ports: Ports,
}

impl Beside {
    fn start(side: Side, mode: &'static str, platform: Platform) -> Result<Self> {
        let ports = Ports::free()?;
        let mut program = match side.foreign() {
            Some(foreign) => foreign.program(mode, platform.context())?,
            None => side.program(mode, platform, ports.grpc, &[]),
        };
        program.environment.push(("DAPR_GRPC_PORT", ports.grpc.to_string()));
        program.environment.extend([("DAPR_HTTP_PORT", ports.http.to_string()), ("APP_PROTOCOL", "grpc".to_owned())]);
        let (words, core) = load::pin();
        let function = Server::spawn(&words, &program)?;
        let daprd = Tool::Daprd.find()?;
        let mut command = core.map_or_else(|| std::process::Command::new(&daprd), |core| wrk::pinned(core, &daprd));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = dapr::start_daprd(&mut command, &resources()?, "bench", function.port(), "grpc", &ports)?;
        Ok(Self { function, sidecar: Ended(child), ports })
    }

    /// How many events the function has taken, as daprd counts them.
    fn delivered(&self) -> Result<f64> {
        Ok(taken(&client::get(self.ports.metrics, "/metrics")?))
    }

    fn processor_times(&self) -> Result<[Duration; 2]> {
        Ok([process::processor_time(self.function.id())?, process::processor_time(self.sidecar.0.id())?])
    }

    fn add(&self, cell: &mut Cell, events: f64, before: [Duration; 2], took: Duration) -> Result {
        let [function, sidecar] = self.processor_times()?;
        let micros = |now: Duration, before: Duration| now.saturating_sub(before).as_secs_f64() * 1e6 / events;
        cell.add(Figure::PerSecond, events / took.as_secs_f64());
        cell.add(Figure::CpuMicros, micros(function, before[0]));
        cell.add(Figure::SidecarMicros, micros(sidecar, before[1]));
        Ok(())
    }
}

/// Waits until it is so; an error means that it is not so yet.
fn wait_until(what: &str, mut look: impl FnMut() -> Result<bool>) -> Result {
    let deadline = Instant::now() + WITHIN;
    loop {
        let seen = look();
        match seen {
            Ok(true) => return Ok(()),
            _ if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
            Ok(false) => return Err(format!("it took longer than {WITHIN:?} until {what}").into()),
            Err(error) => return Err(format!("it took longer than {WITHIN:?} until {what}: {error}").into()),
        }
    }
}

/// The count of events that were delivered with success, in daprd's metrics.
fn taken(metrics: &str) -> f64 {
    let of_success =
        |line: &&str| line.starts_with("dapr_component_pubsub_ingress_count{") && line.contains("process_status=\"success\"");
    metrics.lines().filter(of_success).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// A folder with a component: topics in daprd's memory.
fn resources() -> Result<PathBuf> {
    const BUS: &str = "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: bus\nspec:\n  type: pubsub.in-memory\n  version: v1\n";
    let folder = workspace::target_dir().join("bench/dapr");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("bus.yaml"), BUS)?;
    Ok(folder)
}

/// Publishes events at the embedded sidecar, which delivers them to the function around it.
pub(crate) fn embedded(events: u32, cell: &mut Cell) -> Result {
    let embedded = Embedded::start("take", &[])?;
    // Past what is made once.
    embedded.publish(AT_ONCE)?;
    embedded.wait_until_waiting(|waiting| waiting == 0)?;
    let (busy, began) = (process::processor_time(embedded.server.id())?, Instant::now());
    embedded.publish(events)?;
    embedded.wait_until_waiting(|waiting| waiting == 0)?;
    let took = began.elapsed();
    let used = process::processor_time(embedded.server.id())?.saturating_sub(busy);
    cell.add(Figure::PerSecond, f64::from(events) / took.as_secs_f64());
    cell.add(Figure::CpuMicros, used.as_secs_f64() * 1e6 / f64::from(events));
    Ok(())
}

/// Publishes messages that nobody takes, and looks at the memory.
pub(crate) fn waiting(messages: u32, cell: &mut Cell) -> Result {
    let embedded = Embedded::start("hold", &[("FUNCTION_CONCURRENCY", "1")])?;
    embedded.publish(AT_ONCE)?;
    load::settle();
    let (before, began) = (process::memory(embedded.server.id())?.anonymous, Instant::now());
    embedded.publish(messages)?;
    let took = began.elapsed();
    embedded.wait_until_waiting(|waiting| waiting >= messages)?;
    let more = f64::from(process::memory(embedded.server.id())?.anonymous) - f64::from(before);
    cell.add(Figure::PerSecond, f64::from(messages) / took.as_secs_f64());
    cell.add(Figure::MessageBytes, more * 1024.0 / f64::from(messages));
    Ok(())
}

/// A function with the embedded sidecar.
struct Embedded {
    server: Server,
    /// Of its API.
    port: u16,
}

impl Embedded {
    fn start(mode: &'static str, variables: &[(&'static str, &str)]) -> Result<Self> {
        let port = Ports::free()?.http;
        let Program { binary, arguments, mut environment } = Side::Ours.program(mode, Platform::Asynchronous, 0, &[]);
        // Where nothing speaks of a sidecar, the embedded one stands in.
        environment.retain(|(name, _)| !name.starts_with("DAPR_"));
        environment.push(("FUNCTION_LOCAL_PORT", port.to_string()));
        environment.extend(variables.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let server = Server::spawn(&load::pin().0, &Program { binary, arguments, environment })?;
        let mut embedded = Self { server, port };
        let deadline = Instant::now() + WITHIN;
        while embedded.count_waiting().is_err() {
            embedded.server.check()?;
            if Instant::now() > deadline {
                return Err("the embedded sidecar does not answer".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(embedded)
    }

    fn publish(&self, events: u32) -> Result {
        let request: Request = request::publish_many(AT_ONCE);
        let mut client = Client::connect(self.port, &request)?;
        (0..events / AT_ONCE).try_for_each(|_| client.send(&request))
    }

    fn wait_until_waiting(&self, is: impl Fn(u32) -> bool) -> Result {
        let deadline = Instant::now() + WITHIN;
        loop {
            let waiting = self.count_waiting()?;
            if is(waiting) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("after {WITHIN:?} {waiting} messages wait").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn count_waiting(&self) -> Result<u32> {
        let inputs = client::get(self.port, "/_local/inputs")?;
        waiting_in(&inputs).ok_or_else(|| format!("it does not say how many messages wait: {inputs}").into())
    }
}

/// The number behind the first `"waiting":`.
fn waiting_in(inputs: &str) -> Option<u32> {
    let (_, rest) = inputs.split_once("\"waiting\":")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_taken_with_success_is_counted() {
        let metrics = "# TYPE dapr_component_pubsub_ingress_count counter\n\
            dapr_component_pubsub_ingress_count{app_id=\"bench\",process_status=\"success\",topic=\"orders\"} 1.5e+03\n\
            dapr_component_pubsub_ingress_count{app_id=\"bench\",process_status=\"drop\",topic=\"orders\"} 7\n\
            dapr_component_pubsub_ingress_latencies_count{process_status=\"success\"} 9\n";
        assert!((taken(metrics) - 1500.0).abs() < f64::EPSILON);
        assert!(taken("").abs() < f64::EPSILON);
    }

    #[test]
    fn the_messages_that_wait_are_read() {
        assert_eq!(waiting_in(r#"{"inputs":[{"name":"orders","waiting":1000000}]}"#), Some(1_000_000));
        assert_eq!(waiting_in(r#"{"inputs":[]}"#), None);
    }
}
