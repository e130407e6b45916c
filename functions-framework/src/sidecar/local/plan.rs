//! What stands in for each component, and where each input gets its events from.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    broker::{Exchange, Subscription},
    http::{Target, is_true},
    metadata::{Reader, SecretStores, secret_stores},
    rules::Routes,
    schedule::Schedule,
    secrets::{Environment, Secrets},
    state::Prefix,
    storage::Root,
    subscriber::Kind,
};
use crate::{
    delivery,
    manifest::{ComponentKind, Input, Manifest, component::Component},
};

/// All that the local backend is to be.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// By the names of the components.
    pub(super) parts: BTreeMap<String, Part>,
    pub(super) inputs: Vec<Source>,
}

/// A component and what stands in for it.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) component_type: String,
    pub(super) version: String,
    pub(super) stand_in: StandIn,
}

/// What a component is here.
#[derive(Debug)]
pub(super) enum StandIn {
    Broker,
    Clock(Schedule),
    Http(Target),
    Files(Root),
    /// Holds the queue that is sent to.
    Queue(String),
    State(Prefix),
    Secrets(Secrets),
    /// Nothing that a function could call.
    Nothing,
    /// Nothing, for want of a declaration: the function context knows the name and the type, and no more.
    Undeclared,
}

/// Where an input gets its events from.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) input: String,
    pub(super) component: String,
    pub(super) from: From,
}

#[derive(Debug)]
pub(super) enum From {
    Clock(Schedule),
    Messages {
        subscriptions: Vec<Subscription>,
        kind: Kind,
        concurrency: Option<usize>,
    },
    /// Only from whoever injects them: `/_local/inputs`, or a sidecar that calls after all.
    Outside,
}

/// Where a component says which queue it reads from, by what it is of: the first that is there.
const READ: [&str; 11] = [
    "topics",
    "topic",
    "queueName",
    "queue",
    "channel",
    "streamName",
    "stream",
    "eventHub",
    "subscription",
    "topicName",
    "publishTopic",
];

/// Where it says which queue it writes to.
const WRITE: [&str; 10] =
    ["publishTopic", "topic", "queueName", "queue", "channel", "streamName", "stream", "eventHub", "topicName", "topics"];

/// All that is known of the components, for those who read their metadata.
struct Declared<'a> {
    components: &'a [Component],
    stores: SecretStores,
    app: &'a str,
    environment: Environment,
}

impl Declared<'_> {
    fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    fn reader(&self, name: &str) -> Reader<'_> {
        Reader { component: self.component(name), stores: &self.stores, environment: self.environment }
    }
}

impl Plan {
    /// Makes the plan of all that is declared; a mistake is one of the configuration.
    pub(super) fn new(
        manifest: &Manifest,
        components: &[Component],
        app: &str,
        environment: Environment,
    ) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        if let Some(twice) = components.iter().find(|component| !names.insert(component.name.as_str())) {
            return Err(format!("component {} is declared twice", twice.name));
        }
        let declared = Declared { components, stores: secret_stores(components, environment)?, app, environment };
        let mut plan = Self::default();
        for (name, component_type, kind) in mentioned(manifest) {
            plan.add(&declared, name, component_type, Some(kind))?;
        }
        for Component { name, component_type, scopes, .. } in components {
            if !plan.parts.contains_key(name) && !scopes.is_empty() && !scopes.iter().any(|scope| scope == app) {
                tracing::info!(component = name, ?scopes, app, "local backend: a component of other apps is left out");
                continue;
            }
            plan.add(&declared, name, component_type, None)?;
        }
        for input in &manifest.inputs {
            let terms = delivery::Subscription::of(input)?;
            let source = plan.source(input, terms, &declared.reader(&input.component));
            plan.put(source.map_err(|why| format!("input {}: {why}", input.name))?);
        }
        Ok(plan)
    }

    /// Adds a component that is not there yet. What it is says its declaration, and without one whoever uses it.
    fn add(&mut self, declared: &Declared<'_>, name: &str, used_as: &str, kind: Option<ComponentKind>) -> Result<(), String> {
        if self.parts.contains_key(name) {
            return Ok(());
        }
        let component = declared.component(name);
        let component_type = component.map_or(used_as, |component| &component.component_type);
        let stand_in = stand_in(name, component_type, kind, declared);
        let stand_in = stand_in.map_err(|why| format!("component {name} ({component_type}): {why}"))?;
        let version = component.map_or("v1", |component| &component.version).to_owned();
        self.parts.insert(name.to_owned(), Part { component_type: component_type.to_owned(), version, stand_in });
        Ok(())
    }

    fn source(&self, input: &Input, terms: delivery::Subscription, reader: &Reader<'_>) -> Result<Source, String> {
        let part = self.parts.get(&input.component).ok_or_else(|| format!("component {} is not declared", input.component))?;
        let from = match &part.stand_in {
            StandIn::Clock(schedule) => From::Clock(schedule.clone()),
            StandIn::Undeclared => From::Outside,
            StandIn::Broker => {
                let topic = input.topic.clone().ok_or_else(|| format!("it says no topic of component {}", input.component))?;
                let said = |name: &str| terms.metadata.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                let exchange = Exchange::Topics { component: input.component.clone() };
                From::Messages {
                    subscriptions: vec![Subscription { exchange, address: topic }],
                    kind: Kind::Topic {
                        component: input.component.clone(),
                        raw: said("rawPayload").is_some_and(|(_, text)| is_true(text)),
                        routes: Routes::of(&input.name, &terms),
                        dead_letter_topic: terms.dead_letter_topic.filter(|topic| !topic.is_empty()),
                    },
                    concurrency: concurrency(reader)?,
                }
            }
            StandIn::Queue(_) => {
                let names = reader.first(&READ)?.unwrap_or_else(|| input.component.clone());
                let exchange = Exchange::Queues { component_type: part.component_type.clone() };
                let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
                let subscriptions =
                    names.map(|name| Subscription { exchange: exchange.clone(), address: name.to_owned() }).collect();
                From::Messages { subscriptions, kind: Kind::Queue, concurrency: concurrency(reader)? }
            }
            StandIn::Http(_) | StandIn::Files(_) | StandIn::State(_) | StandIn::Secrets(_) | StandIn::Nothing => {
                let (name, of) = (&input.component, &part.component_type);
                return Err(format!("component {name} ({of}) brings no events: it can be an output only"));
            }
        };
        Ok(Source { input: input.name.clone(), component: input.component.clone(), from })
    }

    /// Adds an input. As with Dapr, of two subscriptions to one topic the last counts.
    fn put(&mut self, source: Source) {
        if let From::Messages { subscriptions, kind: Kind::Topic { .. }, .. } = &source.from {
            let earlier = self.inputs.iter().position(|other| {
                matches!(&other.from, From::Messages { subscriptions: others, kind: Kind::Topic { .. }, .. } if others == subscriptions)
            });
            if let Some(index) = earlier {
                let dropped = self.inputs.remove(index);
                tracing::warn!(
                    input = dropped.input,
                    instead = source.input,
                    "two inputs subscribe to one topic: as with Dapr, the last gets its events"
                );
            }
        }
        self.inputs.push(source);
    }

    /// Tells whether an input gets what is sent to this queue.
    pub(super) fn is_read(&self, component_type: &str, queue: &str) -> bool {
        let exchange = Exchange::Queues { component_type: component_type.to_owned() };
        self.subscriptions().iter().any(|subscription| subscription.takes(&exchange, queue))
    }

    /// Every subscription once, in order.
    pub(super) fn subscriptions(&self) -> Vec<Subscription> {
        let mut all: Vec<Subscription> = Vec::new();
        for source in &self.inputs {
            if let From::Messages { subscriptions, .. } = &source.from {
                all.extend(subscriptions.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
            }
        }
        all
    }
}

/// The components that the manifest speaks of.
fn mentioned(manifest: &Manifest) -> impl Iterator<Item = (&str, &str, ComponentKind)> {
    let inputs = manifest.inputs.iter().map(|input| (input.component.as_str(), input.component_type.as_str(), input.kind));
    let outputs =
        manifest.outputs.iter().map(|output| (output.component.as_str(), output.component_type.as_str(), output.kind));
    let states = manifest.states.iter().map(|state| {
        let of = if state.component_type.is_empty() { "state" } else { &state.component_type };
        (state.component.as_str(), of, ComponentKind::Binding)
    });
    inputs.chain(outputs).chain(states)
}

fn stand_in(name: &str, component_type: &str, kind: Option<ComponentKind>, declared: &Declared<'_>) -> Result<StandIn, String> {
    let needs_declaration = ["bindings.cron", "bindings.http", "bindings.localstorage"].contains(&component_type);
    if needs_declaration && declared.component(name).is_none() {
        return Ok(StandIn::Undeclared);
    }
    let reader = declared.reader(name);
    let family = component_type.split('.').next().unwrap_or_default();
    Ok(match (family, component_type) {
        ("pubsub", _) => StandIn::Broker,
        ("state", _) => {
            let namespace = (declared.environment)("NAMESPACE").filter(|namespace| !namespace.is_empty());
            let prefix = reader.text("keyPrefix")?;
            StandIn::State(Prefix::parse(prefix.as_deref(), declared.app, name, namespace.as_deref())?)
        }
        ("secretstores", _) => declared.stores.get(name).cloned().map_or(StandIn::Nothing, StandIn::Secrets),
        (_, "bindings.cron") => {
            let schedule = reader.text("schedule")?.ok_or("schedule is missing")?;
            StandIn::Clock(Schedule::parse(&schedule).map_err(|why| format!("schedule: {why}"))?)
        }
        (_, "bindings.http") => StandIn::Http(Target::parse(|name| reader.text(name))?),
        (_, "bindings.localstorage") => StandIn::Files(Root::open(&reader.text("rootPath")?.unwrap_or_default())?),
        // Where nobody said what it is, what it is used for does.
        ("", _) if kind == Some(ComponentKind::PubSub) => StandIn::Broker,
        ("bindings" | "", _) => queue(name, &reader)?,
        _ => StandIn::Nothing,
    })
}

fn queue(name: &str, reader: &Reader<'_>) -> Result<StandIn, String> {
    let names = reader.first(&WRITE)?.unwrap_or_else(|| name.to_owned());
    Ok(StandIn::Queue(names.split(',').next().unwrap_or(name).trim().to_owned()))
}

/// As many messages at once as the component's own words for it say.
fn concurrency(reader: &Reader<'_>) -> Result<Option<usize>, String> {
    let Some(text) = reader.first(&["maxConcurrentHandlers", "concurrency"])? else { return Ok(None) };
    match text.as_str() {
        "parallel" => Ok(None),
        "single" => Ok(Some(1)),
        number => match number.parse() {
            Ok(0) => Ok(None),
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("concurrency {text:?}: expected a number, single or parallel")),
        },
    }
}

/// What the log says of it.
impl fmt::Display for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker => f.write_str("in-process broker"),
            Self::Clock(schedule) => write!(f, "clock of this machine, {schedule}"),
            Self::Http(target) => write!(f, "real calls of {}", target.url()),
            Self::Files(root) => write!(f, "real files in {}", root.path().display()),
            Self::Queue(name) => write!(f, "in-process queue `{name}`"),
            Self::State(_) => f.write_str("local state store"),
            Self::Secrets(Secrets::Environment { prefix }) if prefix.is_empty() => f.write_str("environment variables"),
            Self::Secrets(Secrets::Environment { prefix }) => write!(f, "environment variables {prefix}…"),
            Self::Secrets(Secrets::File(secrets)) => write!(f, "{} secrets of a file", secrets.len()),
            Self::Nothing => f.write_str("nothing: calls of it fail"),
            Self::Undeclared => f.write_str(
                "nothing, what it does is declared nowhere: give its component in a function.yaml or by --resources",
            ),
        }
    }
}
