//! Which of the registered hooks run, and in what order.

use std::sync::Arc;

use super::{Hooks, OnError, register::Registered};
use crate::{manifest, spelling::did_you_mean};

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
    let hint = did_you_mean(name, registered.iter().map(String::as_str));
    let known = if registered.is_empty() { "none".to_owned() } else { registered.join(", ") };
    format!("no hook is named `{name}`{hint}\n  registered: {known}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::{Hook, register::IntoHook};

    #[derive(Clone)]
    struct Named(&'static str);

    impl Hook for Named {
        fn name(&self) -> &'static str {
            self.0
        }
    }

    /// What runs of hooks with these names, as `before|after`, those that do not, and the first line about each that is unknown.
    fn chosen(registered: &[&'static str], lists: Lists<'_>, tracing: Option<manifest::Provider>) -> (String, String, String) {
        let registered = registered.iter().map(|&name| Named(name).into_hook()).collect();
        let choice = choose(registered, lists, tracing, OnError::Fail).unwrap();
        let running = choice.hooks.map_or_else(String::new, |hooks| {
            let names = |indices: &[usize]| indices.iter().map(|&index| hooks.name(index)).collect::<Vec<_>>().join(",");
            format!("{}|{}", names(&hooks.before), names(&hooks.after))
        });
        let unknown: Vec<_> = choice.unknown.iter().filter_map(|text| text.lines().next()).collect();
        (running, choice.idle.join(","), unknown.join(","))
    }

    fn told(running: &str, idle: &str, unknown: &str) -> (String, String, String) {
        (running.to_owned(), idle.to_owned(), unknown.to_owned())
    }

    fn lists(pre: &[&str], post: &[&str]) -> manifest::Hooks {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        manifest::Hooks { pre: owned(pre), post: owned(post) }
    }

    #[test]
    fn the_lists_say_which_run_and_in_what_order() {
        let all = ["a", "b", "c"];
        let declared = lists(&["b", "a"], &["b", "b"]);
        assert_eq!(chosen(&all, Lists::Declared(&declared), None), told("b,a|b,b", "c", ""));
        assert_eq!(chosen(&all, Lists::Declared(&lists(&[], &[])), None), told("", "a,b,c", ""));
        assert_eq!(chosen(&all, Lists::Unsaid, None), told("a,b,c|c,b,a", "", ""));
        assert_eq!(chosen(&all, Lists::Set(&["c".to_owned(), "a".to_owned()]), None), told("c,a|a,c", "b", ""));
        assert_eq!(chosen(&[], Lists::Unsaid, None), told("", "", ""));
    }

    #[test]
    fn an_unknown_name_is_explained_once() {
        let declared = lists(&["adit", "other", "adit"], &["adit", "audit"]);
        let unknown = "no hook is named `adit`, did you mean `audit`?,no hook is named `other`";
        assert_eq!(chosen(&["audit"], Lists::Declared(&declared), None), told("|audit", "", unknown));
        let choice = choose(vec![Named("audit").into_hook()], Lists::Declared(&declared), None, OnError::Fail).unwrap();
        assert!(choice.unknown[0].ends_with("\n  registered: audit"), "{:?}", choice.unknown);
    }

    #[test]
    fn tracing_has_its_place_unless_a_hook_takes_it() {
        let declared = lists(&["a", "skywalking"], &["skywalking", "a"]);
        let used = Some(manifest::Provider::SkyWalking);
        assert_eq!(chosen(&["a"], Lists::Declared(&declared), used), told("a|a", "", ""));
        assert_eq!(chosen(&["skywalking", "a"], Lists::Declared(&declared), used), told("a,skywalking|skywalking,a", "", ""));
        let other = Some(manifest::Provider::OpenTelemetry);
        assert_eq!(chosen(&["a"], Lists::Declared(&declared), other).2, "no hook is named `skywalking`");
    }

    #[test]
    fn two_hooks_have_two_names() {
        let twice = [Named("a"), Named("b"), Named("a")].map(IntoHook::into_hook);
        let why = choose(twice.into(), Lists::Unsaid, None, OnError::Fail).unwrap_err();
        assert_eq!(why, "two hooks are named `a`: give one another name");
    }
}
