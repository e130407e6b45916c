//! Which of the registered hooks run, and in what order.

use std::sync::Arc;

use super::{Hooks, OnError, register::Registered};
use crate::{manifest, spelling::nearest};

/// Who says which hooks run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lists<'a> {
    /// An operator: these before a function, and after it in reverse.
    Set(&'a [String]),
    /// The function context, or a Function manifest.
    Declared(&'a manifest::Hooks),
    /// Nobody: all of them.
    Unsaid,
}

/// What was chosen, and what somebody should know of it.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// None when none run.
    pub(crate) hooks: Option<Arc<Hooks>>,
    /// The names of those that are registered and do not run.
    pub(crate) idle: Vec<String>,
    /// The names that are listed and not registered, each explained.
    pub(crate) unknown: Vec<String>,
}

/// Chooses.
///
/// While functions are traced the lists have the name of who traces them, too. It is not among the registered hooks: tracing has
/// its place there, unless a hook was registered by this name to take it.
///
/// # Errors
/// Two hooks with one name, in words for their author.
pub(crate) fn choose(
    registered: Vec<Registered>,
    lists: Lists<'_>,
    tracing: Option<manifest::Provider>,
    on_error: OnError,
) -> Result<Choice, String> {
    let all: Vec<String> = registered.iter().map(|hook| hook.name().to_owned()).collect();
    if let Some(twice) = all.iter().enumerate().find_map(|(index, name)| all[..index].contains(name).then_some(name)) {
        return Err(format!("two hooks are named `{twice}`: give one another name"));
    }
    let (before, after): (Vec<&String>, Vec<&String>) = match lists {
        Lists::Set(names) => (names.iter().collect(), names.iter().rev().collect()),
        Lists::Declared(hooks) => (hooks.pre.iter().collect(), hooks.post.iter().collect()),
        Lists::Unsaid => (all.iter().collect(), all.iter().rev().collect()),
    };
    let runs = |name: &String| before.contains(&name) || after.contains(&name);
    let is_tracing = |name: &str| tracing.is_some_and(|provider| provider.name() == name);
    let mut choice = Choice { idle: all.iter().filter(|name| !runs(name)).cloned().collect(), ..Choice::default() };
    for name in before.iter().chain(&after) {
        if !all.contains(name) && !is_tracing(name) {
            let explained = unknown(name, &all);
            if !choice.unknown.contains(&explained) {
                choice.unknown.push(explained);
            }
        }
    }
    let running: Vec<_> = registered.into_iter().filter(|hook| runs(&hook.name().to_owned())).collect();
    let indices = |names: &[&String]| -> Vec<usize> {
        names.iter().filter_map(|name| running.iter().position(|hook| hook.name() == **name)).collect()
    };
    let (before, after) = (indices(&before), indices(&after));
    if !running.is_empty() {
        choice.hooks = Some(Arc::new(Hooks { registered: running, before, after, on_error }));
    }
    Ok(choice)
}

fn unknown(name: &str, registered: &[String]) -> String {
    let hint = nearest(name, registered.iter().map(String::as_str));
    let hint = hint.map_or_else(String::new, |name| format!(", did you mean `{name}`?"));
    let known = if registered.is_empty() { "none".to_owned() } else { registered.join(", ") };
    format!("no hook is named `{name}`{hint}\n  registered: {known}")
}
