//! The two contexts made one: each says what the other cannot.

use super::{
    ComponentKind, Hooks, Input, Manifest, Mode, Output, Provider, State, Tracing,
    fields::{self, Link, some, unknown_kind},
    node::{Mistake, Node},
    v1beta1,
    v1beta2::{self, Trigger},
};

/// A mistake, and the variable it is in.
pub(super) type Found = (&'static str, Mistake);

/// Merges both, either or none.
pub(super) fn merge(v1: Option<v1beta1::Context>, v2: Option<v1beta2::Context>) -> Result<Manifest, Found> {
    let has_v2 = v2.is_some();
    let (v1, v2) = (v1.unwrap_or_default(), v2.unwrap_or_default());
    let both = Both { v1: &v1, v2: &v2, has_v2 };
    let inputs = both.inputs()?;
    let tracing = both.tracing()?;
    Ok(Manifest {
        name: if v1.name.is_empty() { v2.name.clone() } else { v1.name.clone() },
        version: if v1.version.is_empty() { v2.version.clone() } else { v1.version.clone() },
        mode: v1.mode().unwrap_or(if inputs.is_empty() { Mode::Sync } else { Mode::Async }),
        port: v1.port.or(v2.port),
        // A platform's http trigger always has a port, and version 2 alone knows the triggers.
        http_trigger: v2.port.is_some(),
        outputs: both.outputs()?,
        states: both.states()?,
        hooks: both.hooks(tracing.as_ref()),
        inputs,
        tracing,
    })
}

struct Both<'a> {
    v1: &'a v1beta1::Context,
    v2: &'a v1beta2::Context,
    has_v2: bool,
}

impl Both<'_> {
    /// Every trigger of version 2, which alone has them all; then what only version 1 knows.
    fn inputs(&self) -> Result<Vec<Input>, Found> {
        let mut inputs = Vec::new();
        for (index, trigger) in self.v2.triggers.iter().enumerate() {
            let input = self
                .trigger(trigger)
                .map_err(|(field, what)| (v1beta2::VARIABLE, Mistake::new(format!("triggers.dapr[{index}].{field}"), what)))?;
            add(&mut inputs, input);
        }
        for (name, link) in &self.v1.inputs {
            let path = format!("inputs.{name}");
            let (kind, component_type) = self.component(link, &path).map_err(|mistake| (v1beta1::VARIABLE, mistake))?;
            let topic = link.topic_of(kind);
            if kind == ComponentKind::PubSub && topic.is_none() {
                return Err((v1beta1::VARIABLE, Mistake::new(format!("{path}.uri"), "expected the topic to subscribe to")));
            }
            // From the platform it is a trigger that is there already.
            if !inputs.iter().any(|known| known.component == link.component_name && known.topic == topic) {
                let (component, metadata) = (link.component_name.clone(), link.metadata.clone());
                add(&mut inputs, Input { name: name.clone(), kind, component, component_type, topic, metadata });
            }
        }
        Ok(inputs)
    }

    fn trigger(&self, trigger: &Trigger) -> Result<Input, (&'static str, String)> {
        let component = trigger.name.clone();
        if component.is_empty() {
            return Err(("name", "expected the name of a component".to_owned()));
        }
        let component_type = some(&trigger.component_type).or_else(|| self.type_of(&component));
        // A topic is there for pub/sub only.
        let component_type = component_type.or_else(|| some(&trigger.topic).map(|_| "pubsub".to_owned()));
        let Some(component_type) = component_type else {
            return Err(("type", "nothing tells what component it is: expected bindings.* or pubsub.*".to_owned()));
        };
        let Some(kind) = fields::kind(&component_type) else {
            return Err(("type", unknown_kind("", &component_type).what));
        };
        let topic = some(&trigger.topic).filter(|_| kind == ComponentKind::PubSub);
        if kind == ComponentKind::PubSub && topic.is_none() {
            return Err(("topic", "expected the topic to subscribe to".to_owned()));
        }
        let (name, link) = self.name_of(trigger, topic.as_ref());
        let mut metadata = link.map(|link| link.metadata.clone()).unwrap_or_default();
        metadata.extend(trigger.metadata.clone());
        Ok(Input { name, kind, component, component_type, topic, metadata })
    }

    /// What users call a trigger: the name they gave to the input, else the one by which their manifest knows the component.
    /// Only version 1 has the latter, as a key. A component may have several triggers: that one is the key which is of the same
    /// component and topic and is not the name of another input.
    fn name_of(&self, trigger: &Trigger, topic: Option<&String>) -> (String, Option<&Link>) {
        let of_component = |(_, link): &(&String, &Link)| link.component_name == trigger.name;
        let of_topic = |(_, link): &(&String, &Link)| topic.is_none_or(|topic| link.uri == *topic);
        if let Some(name) = some(&trigger.input_name) {
            let link = self.v1.inputs.get_key_value(&name).filter(of_component).filter(of_topic);
            return (name, link.map(|(_, link)| link));
        }
        let is_given = |name: &str| self.v2.triggers.iter().any(|trigger| trigger.input_name == name);
        let keys = || self.v1.inputs.iter().filter(of_component).filter(|(name, _)| !is_given(name));
        match keys().find(of_topic).or_else(|| keys().next()) {
            Some((name, link)) => (name.clone(), Some(link).filter(|link| topic.is_none_or(|topic| link.uri == *topic))),
            None => (generated(&trigger.name).map_or(trigger.name.as_str(), |(_, name)| name).to_owned(), None),
        }
    }

    /// Those of version 1, where they have their topics and names and are not merged by component; then, of components that
    /// version 1 does not know, those of version 2.
    fn outputs(&self) -> Result<Vec<Output>, Found> {
        let (v1, v2) = (&self.v1.outputs, &self.v2.outputs);
        let mut outputs = Vec::new();
        let mut add = |variable, name: &String, link: &Link| {
            let path = format!("outputs.{name}");
            let (kind, component_type) = self.component(link, &path).map_err(|mistake| (variable, mistake))?;
            outputs.push(Output {
                name: name.clone(),
                kind,
                component: link.component_name.clone(),
                component_type,
                topic: link.topic_of(kind),
                operation: some(&link.operation),
                metadata: link.metadata.clone(),
            });
            Ok(())
        };
        for (name, link) in v1 {
            add(v1beta1::VARIABLE, name, link)?;
        }
        for (name, link) in v2 {
            if !v1.contains_key(name) && !v1.values().any(|known| known.component_name == link.component_name) {
                add(v1beta2::VARIABLE, name, link)?;
            }
        }
        Ok(outputs)
    }

    fn states(&self) -> Result<Vec<State>, Found> {
        let mut states = Vec::new();
        for (variable, written) in [(v1beta1::VARIABLE, &self.v1.states), (v1beta2::VARIABLE, &self.v2.states)] {
            for (name, link) in written {
                if link.component_name.is_empty() {
                    return Err((variable, no_component(&format!("states.{name}"))));
                }
                if !states.iter().any(|known: &State| known.name == *name) {
                    let (component, component_type) = (link.component_name.clone(), link.component_type.clone());
                    states.push(State { name: name.clone(), component, component_type });
                }
            }
        }
        Ok(states)
    }

    /// The kind and the type of the component that an input or an output refers to.
    fn component(&self, link: &Link, path: &str) -> Result<(ComponentKind, String), Mistake> {
        if link.component_name.is_empty() {
            return Err(no_component(path));
        }
        let known = some(&link.component_type).or_else(|| self.type_of(&link.component_name)).unwrap_or_default();
        let kind = fields::kind(&known).ok_or_else(|| unknown_kind(format!("{path}.componentType"), &known))?;
        Ok((kind, known))
    }

    /// The type of a component, wherever it is written. The platform's own name for it has at least the kind.
    fn type_of(&self, component: &str) -> Option<String> {
        let (v1, v2) = (self.v1, self.v2);
        let mut links = [&v1.inputs, &v1.outputs, &v2.inputs, &v2.outputs].into_iter().flat_map(|links| links.values());
        let link = links.find(|link| link.component_name == component && !link.component_type.is_empty());
        link.map(|link| link.component_type.clone()).or_else(|| generated(component).map(|(kind, _)| kind.to_owned()))
    }

    /// Version 2 has the hooks of `spec.serving`; where it has none, those of version 1 come from annotations. They are never
    /// joined: what was declared in both ways is in both. While they are not used, the names that the platform adds for tracing
    /// would be hooks that nobody has.
    fn hooks(&self, tracing: Option<&Tracing>) -> Hooks {
        let (v1, v2) = (self.v1, self.v2);
        let in_v2 = !(v2.pre_hooks.is_empty() && v2.post_hooks.is_empty());
        let (pre, post) = if in_v2 { (&v2.pre_hooks, &v2.post_hooks) } else { (&v1.pre_plugins, &v1.post_plugins) };
        let unused = |name: &String| {
            Provider::ALL
                .iter()
                .any(|provider| provider.name() == name && tracing.is_none_or(|used| used.provider != *provider))
        };
        let of = |names: &[String]| names.iter().filter(|name| !unused(name)).cloned().collect();
        Hooks { pre: of(pre), post: of(post) }
    }

    /// That of version 2 when it is on. When it is off there, an annotation may have switched it on, which only version 1 shows.
    /// When it is missing there although there is a version 2, the function switched it off.
    fn tracing(&self) -> Result<Option<Tracing>, Found> {
        let v2 = (v1beta2::VARIABLE, "tracing", &self.v2.tracing);
        let v1 = (v1beta1::VARIABLE, "pluginsTracing", &self.v1.plugins_tracing);
        let may_be_v1 = !self.has_v2 || !self.v2.tracing.is_null();
        for (variable, path, tracing) in [v2].into_iter().chain(may_be_v1.then_some(v1)) {
            let tracing = Node::at(path, tracing);
            if fields::is_enabled(&tracing).map_err(|mistake| (variable, mistake))? {
                return fields::read_tracing(&tracing).map(Some).map_err(|mistake| (variable, mistake));
            }
        }
        Ok(None)
    }
}

fn no_component(path: &str) -> Mistake {
    Mistake::new(format!("{path}.componentName"), "expected the name of a component")
}

/// Adds an input under a name of its own.
///
/// Two triggers that a manifest gives the same name are two inputs: the later is told apart by its topic or its component, so
/// that a name is always one input.
pub(super) fn add(inputs: &mut Vec<Input>, mut input: Input) {
    let told_apart = format!("{}/{}", input.name, input.topic.as_ref().unwrap_or(&input.component));
    let by_both = format!("{told_apart}/{}", input.component);
    // Somebody may have given just these names to others.
    let numbered = (2..).map(|number| format!("{by_both}/{number}"));
    for name in [input.name.clone(), told_apart, by_both.clone()].into_iter().chain(numbered) {
        match inputs.iter().find(|known| known.name == name) {
            // The same once more.
            Some(known) if (&known.component, &known.topic) == (&input.component, &input.topic) => return,
            Some(_) => {}
            None => {
                input.name = name;
                inputs.push(input);
                return;
            }
        }
    }
}

/// The kind and the manifest's name of a component, from the name that the platform makes of them:
/// `serving-<5 characters>-<kind>-<name>-<5 characters>`.
fn generated(component: &str) -> Option<(&str, &str)> {
    let is_random = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let (serving, rest) = component.strip_prefix("serving-")?.split_once('-')?;
    let (kind, rest) = rest.split_once('-')?;
    let (name, random) = rest.rsplit_once('-')?;
    (is_random(serving) && is_random(random) && fields::kind(kind).is_some() && !kind.contains('.')).then_some((kind, name))
}
