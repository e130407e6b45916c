//! Which function an event is for.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use super::{Incoming, Outcome, Source, source::Terms, subscription::Subscription};
use crate::{
    context::DeclaredInput,
    function::{BoxFuture, Deliveries, Kind},
    manifest::{self, ComponentKind, Manifest},
    server::endpoint::Endpoint,
};

/// The inputs of a process, each with the function it calls.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    sources: Vec<Arc<Source>>,
    by_name: HashMap<Box<str>, usize>,
    by_binding: HashMap<Box<str>, usize>,
    /// Of a component, by topic.
    by_topic: HashMap<Box<str>, HashMap<Box<str>, usize>>,
}

/// An event that no input takes; says which there are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unknown(String);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Inputs {
    /// Gives every input that is declared, in the manifest or in code, to a function.
    ///
    /// # Errors
    /// An input that no function takes or that two want, and a function that wants one that is not there: a start that would lose
    /// events is none.
    pub(crate) fn assign(manifest: &Manifest, endpoints: &[Arc<Endpoint>], terms: Terms) -> Result<Self, String> {
        let functions: Vec<_> = endpoints.iter().filter(|endpoint| endpoint.kind() == Kind::OpenFunction).collect();
        let declared = &manifest.inputs;
        let mut owners: Vec<Option<usize>> = vec![None; declared.len()];
        for (index, function) in functions.iter().enumerate() {
            for wanted in wanted(function.deliveries()) {
                let Some(found) = declared.iter().position(|input| wanted.is(input)) else {
                    return Err(missing(function.name(), &wanted, declared));
                };
                match owners[found].replace(index) {
                    Some(other) if other != index => {
                        let name = &declared[found].name;
                        return Err(both(name, functions[other].name(), function.name()));
                    }
                    _ => {}
                }
            }
        }
        // Who names none has all that is left.
        let open: Vec<_> = (0..functions.len()).filter(|&index| !functions[index].deliveries().names_any()).collect();
        let mut inputs = Self::default();
        for (input, owner) in declared.iter().zip(owners) {
            let owner = match (owner, &open[..]) {
                (Some(owner), _) => owner,
                (None, [only]) => *only,
                (None, []) => return Err(nobody(&input.name, functions.iter().map(|function| function.name()))),
                (None, [first, second, ..]) => {
                    return Err(both(&input.name, functions[*first].name(), functions[*second].name()));
                }
            };
            inputs.add(input.clone(), functions[owner], terms)?;
        }
        Ok(inputs)
    }

    fn add(&mut self, input: manifest::Input, function: &Arc<Endpoint>, terms: Terms) -> Result<(), String> {
        let index = self.sources.len();
        let subscription = Subscription::of(&input)?;
        let taken = match (input.kind, input.topic.as_deref()) {
            (ComponentKind::PubSub, Some(topic)) => {
                let topics = self.by_topic.entry(input.component.as_str().into()).or_default();
                *topics.entry(topic.into()).or_insert(index)
            }
            (ComponentKind::PubSub, None) => {
                return Err(format!("input `{}`: a subscription to `{}` needs a topic", input.name, input.component));
            }
            (ComponentKind::Binding, _) => *self.by_binding.entry(input.component.as_str().into()).or_insert(index),
        };
        if taken != index {
            let (first, name) = (&self.sources[taken], &input.name);
            let other = &first.declared.name;
            if first.function() != function.name() {
                return Err(format!(
                    "inputs `{other}` and `{name}` are the same `{}`, for two functions: an event of it can call only one",
                    input.component
                ));
            }
            tracing::warn!(input = name, same_as = other, component = input.component, "two inputs are the same: one is used");
            return Ok(());
        }
        if self.by_name.insert(input.name.as_str().into(), index).is_some() {
            return Err(format!("two inputs are named `{}`: give one another name", input.name));
        }
        let manifest::Input { name, kind, component, component_type, topic, .. } = input;
        let declared = DeclaredInput { name, kind, component, component_type, topic };
        self.sources.push(Arc::new(Source::new(declared, subscription, Arc::clone(function), terms)));
        Ok(())
    }

    pub(crate) fn all(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// The names of the inputs that call a function.
    pub(crate) fn of<'a>(&'a self, function: &'a str) -> impl Iterator<Item = &'a str> {
        self.sources.iter().filter(move |source| source.function() == function).map(|source| &*source.declared.name)
    }

    /// Finds the input of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Source>> {
        self.by_name.get(name).map(|&index| &self.sources[index])
    }

    /// Finds the input of this name: a job calls the one that is named as it is.
    pub(crate) fn named(&self, name: &str) -> Result<&Arc<Source>, Unknown> {
        self.find(name).ok_or_else(|| self.unknown(format_args!("no input is named `{name}`")))
    }

    /// Finds the input of a binding component.
    ///
    /// dapr-proxy mixes the names up when it has several inputs (contract function-context.md §1.8): where there is one
    /// input only, it is meant whatever it is called.
    pub(crate) fn binding(&self, component: &str) -> Result<&Arc<Source>, Unknown> {
        let found = self.by_binding.get(component).map(|&index| &self.sources[index]);
        found.or_else(|| self.only()).ok_or_else(|| self.unknown(format_args!("no input takes the binding `{component}`")))
    }

    /// Finds the input of a topic; a topic by itself will do where one component only has it.
    pub(crate) fn topic(&self, component: &str, topic: &str) -> Result<&Arc<Source>, Unknown> {
        let exact = self.by_topic.get(component).and_then(|topics| topics.get(topic));
        let found = exact.copied().or_else(|| {
            let mut anywhere = self.by_topic.values().filter_map(|topics| topics.get(topic));
            anywhere.next().filter(|_| component.is_empty() && anywhere.next().is_none()).copied()
        });
        let found = found.map(|index| &self.sources[index]);
        found
            .or_else(|| self.only())
            .ok_or_else(|| self.unknown(format_args!("no input is subscribed to topic `{topic}` of `{component}`")))
    }

    /// Finds the input of a topic of a component, to the letter.
    pub(crate) fn subscribed(&self, component: &str, topic: &str) -> Option<&Arc<Source>> {
        self.by_topic.get(component)?.get(topic).map(|&index| &self.sources[index])
    }

    /// Tells whether a component is an input, to the letter.
    pub(crate) fn has_binding(&self, component: &str) -> bool {
        self.by_binding.contains_key(component)
    }

    /// Tells whether a topic is subscribed to on any component, to the letter.
    pub(crate) fn has_topic(&self, topic: &str) -> bool {
        self.by_topic.values().any(|topics| topics.contains_key(topic))
    }

    fn only(&self) -> Option<&Arc<Source>> {
        match &self.sources[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Says that an event is for none of the inputs.
    pub(crate) fn unknown(&self, what: fmt::Arguments<'_>) -> Unknown {
        let names: Vec<_> = self.sources.iter().map(|source| source.declared.describe()).collect();
        let known = if names.is_empty() { "there are none".to_owned() } else { format!("inputs: {}", names.join(", ")) };
        Unknown(format!("{what} ({known})"))
    }

    /// Brings an event to the input of this name.
    #[cfg_attr(not(feature = "local"), expect(dead_code, reason = "a sidecar does not know the names"))]
    pub(crate) fn deliver(&self, name: &str, incoming: Incoming) -> BoxFuture<'static, Outcome> {
        match self.named(name) {
            Ok(source) => {
                let source = Arc::clone(source);
                Box::pin(async move { source.deliver(incoming).await })
            }
            Err(unknown) => Box::pin(std::future::ready(Outcome::retry(unknown.to_string()))),
        }
    }
}

/// Adds the inputs that functions declare in code to those of the manifest.
pub(crate) fn declare(manifest: &mut Manifest, functions: impl IntoIterator<Item = Deliveries>) {
    for wanted in functions.into_iter().flat_map(wanted) {
        if !manifest.inputs.iter().any(|input| wanted.is(input))
            && let Ok(input) = wanted.declare()
        {
            manifest.inputs.push(input);
        }
    }
}

/// An input that a function names.
enum Wanted {
    Input(&'static str),
    Topic(&'static str, &'static str),
    Binding(&'static str),
}

fn wanted(deliveries: Deliveries) -> impl Iterator<Item = Wanted> {
    let inputs = deliveries.inputs.iter().map(|name| Wanted::Input(name));
    // `#[function]` has seen to the slash.
    let topics = deliveries.topics.iter().filter_map(|both| both.split_once('/'));
    let bindings = deliveries.bindings.iter().map(|component| Wanted::Binding(component));
    inputs.chain(topics.map(|(component, topic)| Wanted::Topic(component, topic))).chain(bindings)
}

impl Wanted {
    fn is(&self, input: &manifest::Input) -> bool {
        match *self {
            Self::Input(name) => input.name == name,
            Self::Topic(component, topic) => input.component == component && input.topic.as_deref() == Some(topic),
            Self::Binding(component) => input.kind == ComponentKind::Binding && input.component == component,
        }
    }

    /// Declares it, where a manifest need not; gives the name of one that only a manifest can declare.
    fn declare(&self) -> Result<manifest::Input, &'static str> {
        let (kind, name, component, topic) = match *self {
            Self::Input(name) => return Err(name),
            Self::Topic(component, topic) => (ComponentKind::PubSub, format!("{component}/{topic}"), component, Some(topic)),
            Self::Binding(component) => (ComponentKind::Binding, component.to_owned(), component, None),
        };
        Ok(manifest::Input {
            name,
            kind,
            component: component.to_owned(),
            component_type: String::new(),
            topic: topic.map(str::to_owned),
            metadata: BTreeMap::new(),
        })
    }
}

fn missing(function: &str, wanted: &Wanted, declared: &[manifest::Input]) -> String {
    let (Wanted::Input(name) | Wanted::Topic(_, name) | Wanted::Binding(name)) = wanted;
    let names: Vec<_> = declared.iter().map(|input| &*input.name).collect();
    let known = if names.is_empty() {
        "the function context and function.yaml declare none; without them, name a topic = \"component/topic\" or a \
         binding = \"component\""
            .to_owned()
    } else {
        format!("declared: {}", names.join(", "))
    };
    format!("function `{function}` wants the input `{name}`, which is not declared ({known})")
}

fn both(input: &str, first: &str, second: &str) -> String {
    format!("input `{input}` could call `{first}` or `{second}`: name it at one of them, #[function(input = \"{input}\")]")
}

fn nobody<'a>(input: &str, functions: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = functions.collect();
    format!(
        "no function takes the input `{input}`, its events would be lost: name it at one of {}, #[function(input = \"{input}\")]",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use functions_framework::{__private::Registration, Context, function};

    use super::*;
    use crate::{function::Function, outcome::Verdict, settings::Settings, startup, telemetry::Traces};

    #[function(main = false, input("a", "b"))]
    async fn both(_ctx: Context) {}

    #[function(main = false, input = "b")]
    async fn second(_ctx: Context) {}

    #[function(main = false)]
    async fn rest(_ctx: Context) {}

    #[function(main = false)]
    async fn more(_ctx: Context) {}

    #[function(main = false, topic = "bus/x/y")]
    async fn in_code(_ctx: Context) {}

    #[function(main = false)]
    async fn request() {}

    /// Which input calls which function, or why the start fails; the manifest declares bindings of these names.
    async fn assigned(names: &[&str], functions: Vec<Function>) -> Result<Vec<(String, String)>, String> {
        let inputs = names.iter().map(|name| manifest::Input {
            name: (*name).to_owned(),
            kind: ComponentKind::Binding,
            component: (*name).to_owned(),
            component_type: "bindings.mqtt3".to_owned(),
            topic: None,
            metadata: BTreeMap::new(),
        });
        let mut manifest = Manifest { inputs: inputs.collect(), ..Manifest::default() };
        declare(&mut manifest, functions.iter().map(Function::deliveries));
        let built =
            startup::build(functions, &Settings::default(), &Manifest::default(), None, Vec::new(), None, Traces::default())
                .await;
        let (_, endpoints) = built.map_err(|exit| exit.to_string())?;
        let terms = Terms { undecodable: Verdict::Drop, access: false };
        let inputs = Inputs::assign(&manifest, &endpoints, terms)?;
        Ok(inputs.all().iter().map(|source| (source.declared.name.clone(), source.function().to_owned())).collect())
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(input, function)| ((*input).to_owned(), (*function).to_owned())).collect()
    }

    #[tokio::test]
    async fn who_names_an_input_has_it_and_one_that_names_none_has_the_rest() {
        let functions = || vec![second::function(), rest::function(), request::function()];
        assert_eq!(
            assigned(&["a", "b", "c"], functions()).await.unwrap(),
            pairs(&[("a", "rest"), ("b", "second"), ("c", "rest")])
        );
        let in_code = assigned(&["a"], vec![in_code::function(), rest::function()]).await.unwrap();
        assert_eq!(in_code, pairs(&[("a", "rest"), ("bus/x/y", "in_code")]));
        assert_eq!(assigned(&[], vec![rest::function(), more::function()]).await.unwrap(), []);
    }

    #[tokio::test]
    async fn an_input_for_two_for_none_or_of_no_manifest_is_told() {
        let why = async |names: &[&str], functions| assigned(names, functions).await.unwrap_err();
        let two = why(&["a", "b"], vec![both::function(), second::function()]).await;
        assert!(two.contains("input `b` could call `both` or `second`"), "{two}");
        let open = why(&["c"], vec![rest::function(), more::function()]).await;
        assert!(open.contains("input `c` could call `rest` or `more`"), "{open}");
        let none = why(&["b", "c"], vec![second::function()]).await;
        assert!(none.contains("no function takes the input `c`"), "{none}");
        let missing = why(&["a"], vec![both::function()]).await;
        assert!(missing.contains("function `both` wants the input `b`") && missing.contains("declared: a"), "{missing}");
    }
}
