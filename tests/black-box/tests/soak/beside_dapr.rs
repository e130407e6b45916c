//! Two functions beside a sidecar each, and a broker between them.

use std::io;

use black_box_tests::{AppProtocol, Daprd, Folder, Nats, Redis, Resource, Sidecar, broker::Client, component, eventually};
use serde_json::json;

use crate::{
    LANES,
    load::Load,
    messages, scaled,
    stage::{Stage, declared},
    tally::Tally,
};

/// What is between the functions.
trait Between {
    /// A component that brings the messages of the topic of its name.
    fn input(&self, name: &str) -> Resource;

    /// A component to publish to the topic of its name.
    fn output(&self, name: &str) -> Resource;

    /// How a message is published to a topic, past Dapr.
    fn publisher(&self, topic: String) -> impl FnMut(usize) -> io::Result<()> + Send + 'static;

    /// Ends it and starts it again.
    fn restart(&mut self);

    /// Tells whether everything of an app's topic was taken.
    fn is_done(&self, app: &str, topic: &str) -> bool;
}

/// A message as Dapr publishes it.
fn event(id: usize) -> String {
    json!({
        "specversion": "1.0", "id": format!("m{id}"), "source": "soak", "type": "soak",
        "datacontenttype": "text/plain", "data": id.to_string(),
    })
    .to_string()
}

impl Between for Nats {
    fn input(&self, name: &str) -> Resource {
        // Few are on their way to the sidecar at once: what waits there for longer than `ackWait` comes once more.
        component::durable_jetstream_topic(name, self, name).with("ackWait", "1s").with("maxAckPending", 16)
    }

    fn output(&self, name: &str) -> Resource {
        component::jetstream_topics(name, self)
    }

    fn publisher(&self, topic: String) -> impl FnMut(usize) -> io::Result<()> + Send + 'static {
        let (address, mut open) = (self.address(), None::<Client>);
        move |id| {
            let mut client = open.take().map_or_else(|| Client::open(address), Ok)?;
            client.try_publish(&topic, event(id))?;
            open = Some(client);
            Ok(())
        }
    }

    fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    fn is_done(&self, _: &str, topic: &str) -> bool {
        let consumers = self.consumers("lanes");
        let of_topic = consumers.iter().find(|consumer| consumer["name"] == topic);
        of_topic.is_some_and(|consumer| consumer["num_pending"] == 0 && consumer["num_ack_pending"] == 0)
    }
}

impl Between for Redis {
    fn input(&self, name: &str) -> Resource {
        component::redis_topics(name, self)
    }

    fn output(&self, name: &str) -> Resource {
        component::redis_topics(name, self)
    }

    fn publisher(&self, topic: String) -> impl FnMut(usize) -> io::Result<()> + Send + 'static {
        let address = self.address();
        move |id| Self::try_command(address, &["XADD", &topic, "*", "data", &event(id)]).map(drop)
    }

    fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    fn is_done(&self, app: &str, topic: &str) -> bool {
        self.command(&["XPENDING", topic, app])[0] == 0
    }
}

/// What happens to whom.
#[derive(Clone, Copy)]
enum Fault {
    Kill,
    Stop,
    KillSidecar,
    RestartBroker,
}

/// All faults, those of each kind spread evenly over the run.
fn faults(counts: [(Fault, usize); 4]) -> Vec<(Fault, usize)> {
    let each = counts.into_iter().flat_map(|(fault, count)| {
        // A place in the run, without fractions: the middle of the part that is this fault's.
        (0..count).map(move |number| ((2 * number + 1) * 10_000 / count, (fault, number)))
    });
    let mut each: Vec<_> = each.collect();
    each.sort_by_key(|(place, _)| *place);
    each.into_iter().map(|(_, fault)| fault).collect()
}

fn topics(name: &str) -> impl Iterator<Item = String> {
    (0..LANES).map(move |lane| format!("{name}{lane}"))
}

/// A sidecar that brings the topics of this name, and publishes to those of the others.
fn sidecar(app: &str, protocol: AppProtocol, broker: &impl Between, input: &str, outputs: &[&str]) -> Daprd {
    let names: Vec<String> = topics(input).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sidecar = names.iter().fold(Sidecar::new(app).app(protocol), |sidecar, name| sidecar.with(broker.input(name)));
    let outputs = outputs.iter().flat_map(|output| topics(output));
    let sidecar = outputs.fold(sidecar, |sidecar, name| sidecar.with(broker.output(&name)));
    // What a broker does after an error is its own matter: Redis streams would take a message as done. It never gives up.
    sidecar.with(component::retries(&names, u32::MAX)).start()
}

fn soak(name: &str, protocol: AppProtocol, mut broker: impl Between) {
    let folder = Folder::new(&format!("soak-{}", name.replace(' ', "-")));
    let mut tally = Tally::new(folder.path().to_owned());
    let mut sidecars = [sidecar("pass", protocol, &broker, "in", &["kept"]), sidecar("keep", protocol, &broker, "kept", &[])];
    let ends: [(&str, &[_], &[_]); 2] = [("pass", &[("in", "in")], &[("out", "kept")]), ("keep", &[("kept", "kept")], &[])];
    let mut stages = [0, 1].map(|index| {
        let (target, inputs, outputs) = ends[index];
        let (port, variables) = (sidecars[index].app_port().to_string(), sidecars[index].variables());
        Stage::start(&mut tally, move |journal: &str| {
            let start = declared(inputs, outputs).target(target).env("JOURNAL", journal);
            start.env("PORT", &port).envs(variables.clone()).serve()
        })
    });
    for sidecar in &sidecars {
        sidecar.wait_for_subscriptions(LANES);
    }

    let counts = [(Fault::Kill, 10), (Fault::Stop, 10), (Fault::KillSidecar, 5), (Fault::RestartBroker, 2)];
    let counts = counts.map(|(fault, count)| (fault, scaled(count)));
    let load = Load::start(tally.counter(), |lane| broker.publisher(format!("in{lane}")));
    let faults = faults(counts);
    for (index, (fault, number)) in faults.iter().enumerate() {
        if !tally.reaches((index + 1) * messages() / (faults.len() + 1)) {
            break;
        }
        // Each fault meets one function and then the other; where there is one fault of a kind, they do not all meet the same.
        match fault {
            Fault::Kill => stages[number % 2].kill(&mut tally),
            Fault::Stop => stages[(number + 1) % 2].stop(&mut tally),
            Fault::KillSidecar => {
                let sidecar = &mut sidecars[number % 2];
                sidecar.kill();
                sidecar.start_again();
                stages[number % 2].has_lost_its_sidecar(&mut tally);
            }
            Fault::RestartBroker => broker.restart(),
        }
    }
    if tally.reaches(messages()) {
        eventually("nothing is on its way any more", || {
            let done = |app: &str, name| topics(name).all(|topic| broker.is_done(app, &topic));
            (done("pass", "in") && done("keep", "kept")).then_some(())
        });
    }
    let sent = load.finished();
    for stage in &mut stages {
        stage.end(&tally);
    }
    let [kills, stops, sidecars, brokers] = counts.map(|(_, count)| count.to_string());
    tally.close(name, sent, [&kills, &stops, &sidecars, &brokers].map(String::as_str));
}

#[test]
fn jetstream_loses_nothing_while_functions_sidecars_and_broker_die() {
    let nats = Nats::start();
    let subjects: Vec<String> = topics("in").chain(topics("kept")).collect();
    nats.create_stream("lanes", &subjects.iter().map(String::as_str).collect::<Vec<_>>());
    soak("JetStream over gRPC", AppProtocol::Grpc, nats);
}

#[test]
fn redis_loses_nothing_while_functions_sidecars_and_broker_die() {
    soak("Redis over HTTP", AppProtocol::Http, Redis::start());
}
