//! The configuration of a Trigger, with all that is wrong with it.

use std::{collections::HashMap, ffi::OsStr, time::Duration};

use super::{
    condition::{Condition, Language},
    duration,
};
use crate::config::{self, Fields, Json, Known, Mistakes, listed};

/// What a Trigger is told.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) language: Language,
    /// The inputs that an event of a topic counts for.
    pub(crate) topics: HashMap<String, Vec<usize>>,
    /// How many inputs there are, and what they are called.
    pub(crate) inputs: Vec<String>,
    /// In the order in which they are written.
    pub(crate) subscribers: Vec<Subscriber>,
    pub(crate) window: Duration,
    pub(crate) reset_on_match: bool,
    pub(crate) state: Option<String>,
    pub(crate) attempts: u32,
}

/// Who gets an event, and when.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) condition: Condition,
    /// The sink, then the bus.
    pub(crate) outputs: Vec<Way>,
}

/// An output, and where to go when it keeps failing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) output: String,
    pub(crate) dead_letter: Option<String>,
}

const WINDOW: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 5;

const KNOWN: [&str; 9] = [
    "eventBusComponent",
    "inputs",
    "subscribers",
    "logLevel",
    "port",
    "matchingWindow",
    "resetOnMatch",
    "stateName",
    "attempts",
];
const INPUT: [&str; 4] = ["name", "namespace", "eventSource", "event"];
const SUBSCRIBER: [&str; 4] = ["sinkOutputName", "dlSinkOutputName", "eventBusOutputName", "dlEventBusOutputName"];

/// Reads the value of `CONFIG`.
pub(crate) fn read(config: Option<&OsStr>, known: &Known) -> Result<Settings, Mistakes> {
    let mut mistakes = Mistakes::default();
    let Some(config) = config.filter(|config| !config.is_empty()) else {
        mistakes.add("", "is not set, expected the base64 of {\"inputs\":[..],\"subscribers\":{..}}");
        return Err(mistakes);
    };
    let json = config::decode(config, &mut mistakes);
    let fields = json.as_ref().and_then(|json| Fields::of("", json, &KNOWN, &mut mistakes));
    let settings = fields.map(|fields| settings(&fields, known, &mut mistakes));
    mistakes.or(settings)
}

fn settings(fields: &Fields<'_>, known: &Known, mistakes: &mut Mistakes) -> Settings {
    fields.number("logLevel", mistakes);
    let (inputs, topics) = inputs(fields, known, mistakes);
    let language = Language::new(inputs.clone());
    let subscribers = subscribers(fields, known, &language, mistakes);
    let window = fields.text("matchingWindow", mistakes).map(|text| duration::read(&text));
    let window = window.unwrap_or(Ok(WINDOW)).unwrap_or_else(|why| {
        mistakes.add(&fields.path("matchingWindow"), why);
        WINDOW
    });
    let attempts = fields.number("attempts", mistakes).unwrap_or(ATTEMPTS);
    if !(1..=20).contains(&attempts) {
        mistakes.add(&fields.path("attempts"), format_args!("is {attempts}, expected 1 to 20"));
    }
    Settings {
        language,
        topics,
        inputs,
        subscribers,
        window,
        reset_on_match: fields.bool("resetOnMatch", mistakes),
        state: known.state(fields, "stateName", mistakes),
        attempts,
    }
}

/// The names of the inputs, and for each topic which of them it is.
fn inputs(fields: &Fields<'_>, known: &Known, mistakes: &mut Mistakes) -> (Vec<String>, HashMap<String, Vec<usize>>) {
    let (mut names, mut topics) = (Vec::<String>::new(), HashMap::<String, Vec<usize>>::new());
    let path = fields.path("inputs");
    let list = match fields.get("inputs") {
        Some(Json::List(list)) if !list.is_empty() => list,
        None | Some(Json::List(_)) => {
            mistakes.add(&path, "there is none, expected one or more");
            return (names, topics);
        }
        Some(other) => {
            mistakes.add(&path, format_args!("is {}, expected a list", other.kind()));
            return (names, topics);
        }
    };
    for (index, json) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(fields) = Fields::of(&path, json, &INPUT, mistakes) else { continue };
        let (name, source, event) =
            (fields.needed("name", mistakes), fields.needed("eventSource", mistakes), fields.needed("event", mistakes));
        // As the controllers name it: also with a dash before it where no namespace is given.
        let namespace = fields.text("namespace", mistakes).unwrap_or_default();
        let (Some(name), Some(source), Some(event)) = (name, source, event) else { continue };
        if names.contains(&name) {
            mistakes.add(&fields.path("name"), format_args!("`{name}` is there twice, expected a name for each input"));
            continue;
        }
        let topic = format!("{namespace}-{source}-{event}");
        if !known.topics.contains(&topic) {
            let topics = listed(&known.topics);
            let what = format!("no input of the function context subscribes to the topic `{topic}` (topics: {topics})");
            mistakes.add(&path, what);
        }
        topics.entry(topic).or_default().push(names.len());
        names.push(name);
    }
    (names, topics)
}

fn subscribers(fields: &Fields<'_>, known: &Known, language: &Language, mistakes: &mut Mistakes) -> Vec<Subscriber> {
    let path = fields.path("subscribers");
    let members = match fields.get("subscribers") {
        Some(Json::Object(members)) if !members.is_empty() => members,
        None | Some(Json::Object(_)) => {
            mistakes.add(&path, "there is none, expected one or more, by its condition");
            return Vec::new();
        }
        Some(other) => {
            mistakes.add(&path, format_args!("is {}, expected an object with conditions as its names", other.kind()));
            return Vec::new();
        }
    };
    let mut subscribers = Vec::new();
    for (index, (condition, json)) in members.iter().enumerate() {
        let path = format!("{path}[{condition:?}]");
        if members[..index].iter().any(|(other, _)| other == condition) {
            mistakes.add(&path, "this condition is there twice, expected once: one of the two would be lost");
            continue;
        }
        let compiled = language.compile(condition).map_err(|why| mistakes.add(&path, why)).ok();
        let Some(fields) = Fields::of(&path, json, &SUBSCRIBER, mistakes) else { continue };
        let [sink, dead_sink, bus, dead_bus] = SUBSCRIBER.map(|name| known.output(&fields, name, mistakes));
        if sink.is_none() && bus.is_none() {
            mistakes.add(&path, "names no output, expected sinkOutputName, eventBusOutputName or both");
        }
        // A subscriber with one dead-letter output has it for both ways.
        let dead = [dead_sink.clone().or_else(|| dead_bus.clone()), dead_bus.or(dead_sink)];
        let ways = [sink, bus].into_iter().zip(dead);
        let outputs = ways.filter_map(|(output, dead_letter)| Some(Way { output: output?, dead_letter })).collect();
        subscribers.extend(compiled.map(|condition| Subscriber { condition, outputs }));
    }
    subscribers
}
