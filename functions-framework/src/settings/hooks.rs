//! The settings of hooks.

use super::table::{Row, Variable, variable};
use crate::hooks::OnError;

pub(super) const ROWS: &[Row] = &[
    Row {
        flag: Some("hooks"),
        value: "NAMES",
        alone: None,
        variables: &[Variable { name: "FUNCTION_HOOKS", part: |whole| whole, empty_is_value: true }],
        default: "the function context's; all, where there is none",
        what: "hooks to run before every function in this order, and after it in reverse; empty: none",
        expected: "names separated by commas",
        set: |settings, value| {
            let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
            settings.hooks = Some(names.map(str::to_owned).collect());
            Some(())
        },
    },
    Row {
        flag: Some("hook-errors"),
        value: "WHAT",
        alone: None,
        variables: &[variable("FUNCTION_HOOK_ERRORS")],
        default: "fail",
        what: "what becomes of an invocation where a hook fails: fail, or log and go on",
        expected: "fail or log",
        set: |settings, value| {
            settings.hook_errors = match value {
                "fail" => OnError::Fail,
                "log" => OnError::Log,
                _ => return None,
            };
            Some(())
        },
    },
    Row {
        flag: Some("unknown-hooks"),
        value: "WHAT",
        alone: None,
        variables: &[variable("FUNCTION_UNKNOWN_HOOKS")],
        default: "fail",
        what: "what becomes of a start where a list names a hook that is not registered: fail, or warn and go on without it",
        expected: "fail or warn",
        set: |settings, value| {
            settings.unknown_hooks_are_errors = match value {
                "fail" => true,
                "warn" => false,
                _ => return None,
            };
            Some(())
        },
    },
];
