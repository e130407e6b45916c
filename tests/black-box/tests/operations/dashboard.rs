//! The dashboard of `docs`, query by query.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use super::{exercise, figures, measured};

/// Its queries, as Grafana sends them where all functions are chosen; each with the title of its panel.
#[track_caller]
pub(crate) fn queries() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grafana-dashboard.json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let dashboard: Value = serde_json::from_str(&text).expect("it is JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let queries = list(&dashboard["panels"]).into_iter().flat_map(|panel| {
        let title = panel["title"].as_str().expect("a panel has a title").to_owned();
        list(&panel["targets"]).into_iter().map(move |target| {
            let query = target["expr"].as_str().expect("a target has a query");
            (title.clone(), query.replace("$function", ".*").replace("$__rate_interval", "1m"))
        })
    });
    queries.collect()
}

/// What looks like a name of a metric: a word with an underscore, outside of braces.
fn names(query: &str) -> BTreeSet<&str> {
    let outside = query.split('{').map(|part| part.rsplit('}').next().unwrap_or(part));
    let words = outside.flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.filter(|word| word.contains('_') && !["histogram_quantile", "group_left"].contains(word)).collect()
}

#[test]
fn every_metric_of_the_dashboard_is_one_that_a_process_has() {
    let program = measured().serve();
    exercise(&program);
    let figures = figures(&program);
    let there: BTreeSet<_> = figures.series().map(|(name, ..)| name).collect();
    let queries = queries();
    assert!(queries.len() > 20, "{queries:?}");
    for (title, query) in &queries {
        let names = names(query);
        assert!(!names.is_empty(), "{query}");
        for name in names {
            assert!(there.contains(name), "{title}: there is no {name}");
        }
    }
}

#[test]
fn every_metric_of_a_process_is_in_the_documentation() {
    let program = measured().serve();
    exercise(&program);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let figures = figures(&program);
    let kinds = figures.0.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut count = 0;
    for (name, kind) in kinds.filter(|(name, _)| !name.starts_with("greeting")) {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` ")));
        assert!(row.is_some_and(|row| row.contains(&format!("| {kind} |"))), "{name}, a {kind}: {row:?}");
        count += 1;
    }
    assert!(count > 15, "{}", figures.0);
}
