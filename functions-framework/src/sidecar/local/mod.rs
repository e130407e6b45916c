//! What stands in for a sidecar at a desk: `cargo run` needs nothing else.
//!
//! Components are what they are declared to be, as far as one process can be that: a broker with real redelivery, queues,
//! schedules, HTTP calls, files, state stores and secrets. With a data folder, what was taken is on the disk before its
//! sender is told so, and what was not done when the process ended comes again when it starts. Deliveries are *at least
//! once*, as everywhere: a function sees some events twice.
//!
//! ```text
//! Sidecar ──► calls ──► broker ──► queue ──► subscriber ──► Deliver
//! HTTP API ─► api ────►    │         │
//!             inspect      └─ store ─┘         schedule ─► cron ──► Deliver
//! ```

mod api;
mod apps;
mod broker;
mod calls;
mod chance;
mod choice;
mod cron;
mod dead;
#[cfg(feature = "tls")]
mod dial;
mod duration;
mod faults;
mod http;
mod inspect;
mod metadata;
mod plan;
mod query;
mod queue;
mod record;
mod rules;
mod schedule;
mod secrets;
mod sent;
mod state;
mod storage;
mod store;
mod subscriber;
#[cfg(test)]
pub(super) mod tests;
mod wrap;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout_at},
};

pub(crate) use self::{
    apps::Apps,
    choice::is_chosen,
    faults::{Faults, Retry},
};
use self::{
    broker::Broker,
    cron::Clock,
    plan::{From as Origin, Plan, StandIn},
    sent::Sent,
    state::States,
    store::Store,
    subscriber::Subscriber,
};
use crate::{
    delivery::Deliver,
    manifest::{Manifest, component::Component},
};

/// What the local backend is told.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The name of this app, as a sidecar knows it: it comes before the keys of state, and is the source of events.
    pub(crate) app: String,
    /// Where messages and state are kept; none: in memory, until the process ends.
    pub(crate) data_dir: Option<PathBuf>,
    /// The port of the HTTP API; none: 3500, or a free one when that is taken.
    pub(crate) port: Option<u16>,
    /// As many bytes of messages as may wait in all.
    pub(crate) room: u64,
    /// As many messages of one subscription as may be with the function at once.
    pub(crate) concurrency: usize,
    /// The largest body of a request of the HTTP API.
    pub(crate) max_body_size: usize,
    pub(crate) retry: Retry,
    pub(crate) faults: Faults,
    /// Looks a variable of the environment up.
    pub(crate) environment: fn(&str) -> Option<String>,
}

/// The port of a sidecar's HTTP API.
const PORT: u16 = 3500;

impl Options {
    /// The usual ones for this app.
    pub(crate) fn new(app: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            data_dir: None,
            port: None,
            room: 1 << 30,
            concurrency: 16,
            max_body_size: 16 << 20,
            retry: Retry::default(),
            faults: Faults::default(),
            environment: |name| std::env::var(name).ok(),
        }
    }
}

/// Why the local backend cannot start.
#[derive(Debug)]
pub(crate) enum StartError {
    /// Something was declared or set that it cannot use (exit code 78).
    Configuration(String),
    /// Something went wrong (exit code 70).
    Failed(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(text) | Self::Failed(text) => f.write_str(text),
        }
    }
}

/// The local backend of a process.
pub(crate) struct Local {
    options: Options,
    plan: Plan,
    store: Arc<Store>,
    states: States,
    broker: Arc<Broker>,
    client: http::Client,
    sent: Sent,
    /// Set when inputs may get events.
    deliver: OnceLock<Deliver>,
    /// Set when functions can be called.
    apps: OnceLock<Apps>,
    address: SocketAddr,
    phase: watch::Sender<bool>,
    running: Mutex<Running>,
}

/// What goes on in the background.
#[derive(Default)]
struct Running {
    listener: Option<TcpListener>,
    inputs: JoinSet<()>,
    server: Option<JoinHandle<()>>,
    purge: Option<JoinHandle<()>>,
}

/// How often values are looked for that have ended.
const PURGE: Duration = Duration::from_secs(10);

impl Local {
    /// Makes everything ready: from now on functions can send and store. No input gets an event before [`open`](Self::open).
    ///
    /// The inputs of the manifest are all there are: those that functions declare in code are among them.
    pub(crate) async fn start(
        manifest: &Manifest,
        components: &[Component],
        options: Options,
    ) -> Result<Arc<Self>, StartError> {
        let plan = Plan::new(manifest, components, &options.app, options.environment).map_err(StartError::Configuration)?;
        let folder = options.data_dir.clone();
        let open = move || folder.map_or_else(Store::in_memory, |folder| Store::in_folder(&folder));
        let store = tokio::task::spawn_blocking(open).await;
        let store = Arc::new(store.map_err(|error| StartError::Failed(error.to_string()))??);
        let disk = options.data_dir.is_some().then(|| Arc::clone(&store));
        let broker = Broker::new(plan.subscriptions(), disk, options.room).await;
        let broker = Arc::new(broker.map_err(|error| StartError::Failed(error.to_string()))?);
        let (listener, address) = listen(options.port).await?;
        let states = States::new(Arc::clone(&store));
        let running = Mutex::new(Running { listener: Some(listener), ..Running::default() });
        let (client, sent, phase) = (http::Client::new(), Sent::default(), watch::Sender::new(false));
        let (deliver, apps) = (OnceLock::new(), OnceLock::new());
        let local = Self { options, plan, store, states, broker, client, sent, deliver, apps, address, phase, running };
        local.announce();
        Ok(Arc::new(local))
    }

    /// Lets events come, through `deliver`, and the HTTP API answer.
    pub(crate) fn open(self: &Arc<Self>, deliver: &Deliver) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(listener) = running.listener.take() else { return };
        let deliver = self.deliver.get_or_init(|| Arc::clone(deliver));
        for source in &self.plan.inputs {
            match &source.from {
                Origin::Clock(schedule) => {
                    let (input, schedule, deliver) = (source.input.clone(), schedule.clone(), Arc::clone(deliver));
                    running.inputs.spawn(Arc::new(Clock { input, schedule, deliver }).run(self.phase.subscribe()));
                }
                Origin::Outside => {}
                Origin::Messages { subscriptions, kind, concurrency } => {
                    for subscription in subscriptions {
                        let name = subscription.queue();
                        let Some(queue) = self.broker.queues().find(|queue| queue.name == name) else { continue };
                        let subscriber = Subscriber {
                            input: source.input.clone(),
                            queue: Arc::clone(queue),
                            broker: Arc::clone(&self.broker),
                            kind: kind.clone(),
                            concurrency: concurrency.unwrap_or(self.options.concurrency),
                            deliver: Arc::clone(deliver),
                            retry: self.options.retry.clone(),
                            faults: self.options.faults.clone(),
                            dice: self.options.faults.dice(),
                        };
                        running.inputs.spawn(Arc::new(subscriber).run(self.phase.subscribe()));
                    }
                }
            }
        }
        running.server = Some(tokio::spawn(api::serve(listener, self.api())));
        let local = Arc::downgrade(self);
        running.purge = Some(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(PURGE);
            loop {
                ticks.tick().await;
                let Some(local) = local.upgrade() else { return };
                local.states.purge();
            }
        }));
    }

    /// Takes no more from queues and schedules, gives what is with functions until `grace` is over, and writes what is
    /// still to be written. Returns whether all of them were done in time; what was not comes again, with a data folder.
    pub(crate) async fn stop(&self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        self.phase.send_replace(true);
        let mut running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while running.inputs.join_next().await.is_some() {} };
        let in_time = timeout_at(deadline, all).await.is_ok();
        running.inputs.shutdown().await;
        // Until here functions and others could send and store.
        for task in running.server.into_iter().chain(running.purge) {
            task.abort();
            // It was cut off, which is what it is told to be.
            let _ = task.await;
        }
        if let Err(error) = self.store.flush().await {
            tracing::error!(%error, "local backend: the last changes were not written");
        }
        let waiting = self.broker.waiting();
        if waiting > 0 && self.options.data_dir.is_none() {
            tracing::warn!(messages = waiting, "local backend: messages that still waited are gone, for want of a --data-dir");
        }
        self.store.close();
        in_time
    }

    /// Where the HTTP API is.
    #[cfg(test)]
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what stands in for what. Nobody shall take it for the platform.
    fn announce(&self) {
        let place = match &self.options.data_dir {
            Some(folder) => format!("durable in {}", folder.display()),
            None => "in memory: it is gone when the process ends (--data-dir keeps it)".to_owned(),
        };
        for (name, part) in &self.plan.parts {
            let keeps = matches!(part.stand_in, StandIn::Broker | StandIn::Queue(_) | StandIn::State(_));
            let place = if keeps { format!(", {place}") } else { String::new() };
            tracing::info!("local backend: {name} ({}): {}{place}", part.component_type, part.stand_in);
            if let StandIn::Queue(queue) = &part.stand_in
                && !self.plan.is_read(&part.component_type, queue)
            {
                tracing::info!(
                    "local backend: no input reads `{queue}`: what is sent there is only shown by GET /_local/outputs"
                );
            }
        }
        for (queue, messages) in self.broker.left() {
            tracing::warn!(queue, messages, "local backend: messages wait for an input that this function does not have");
        }
        if self.options.faults != Faults::default() {
            tracing::warn!("local backend: faults on purpose: {}", self.options.faults);
        }
        tracing::info!(address = %self.address, "local backend: Dapr's HTTP API, and /_local to look inside");
    }
}

/// Opens the port of the HTTP API.
async fn listen(port: Option<u16>) -> Result<(TcpListener, SocketAddr), StartError> {
    let bind = async |port| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok::<_, io::Error>((listener, address))
    };
    let found = match port {
        Some(port) => bind(port).await.map_err(|error| (port, error)),
        None => match bind(PORT).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                tracing::info!("local backend: port {PORT} is taken, by a sidecar perhaps; its API takes a free one");
                bind(0).await.map_err(|error| (0, error))
            }
            other => other.map_err(|error| (PORT, error)),
        },
    };
    found.map_err(|(port, error)| {
        StartError::Configuration(format!(
            "127.0.0.1:{port} (--local-port, FUNCTION_LOCAL_PORT): the local backend cannot listen: {error}"
        ))
    })
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("address", &self.address).finish_non_exhaustive()
    }
}
