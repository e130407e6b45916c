//! Dapr's query language over the values of a state store.
//!
//! `{"filter": {"AND": [{"EQ": {"state": "CA"}}, …]}, "sort": [{"key": "person.id", "order": "DESC"}], "page": {"limit": 2,
//! "token": "…"}}`; keys are paths into a JSON value, their parts separated by dots.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::{Map, Value};

/// What is asked for.
#[derive(Debug, Default)]
pub(super) struct Query {
    filter: Option<Filter>,
    sort: Vec<Sort>,
    page: Page,
}

#[derive(Debug)]
enum Filter {
    Compare { path: String, with: Comparison, value: Value },
    In { path: String, values: Vec<Value> },
    And(Vec<Self>),
    Or(Vec<Self>),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sort {
    key: String,
    #[serde(default)]
    order: Option<Order>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Order {
    #[serde(rename = "ASC", alias = "asc")]
    Ascending,
    #[serde(rename = "DESC", alias = "desc")]
    Descending,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    limit: usize,
    #[serde(default)]
    token: Option<String>,
}

/// A value of the store, and what it means when it is JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row<T> {
    pub(super) of: T,
    pub(super) value: Value,
}

impl Query {
    /// Reads a query; an empty text asks for everything.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| format!("the query is no JSON: {error}"))?;
        let Value::Object(members) = value else { return Err("the query is no JSON object".to_owned()) };
        let mut query = Self::default();
        for (name, value) in members {
            match name.as_str() {
                // An empty filter lets everything through.
                "filter" if value.as_object().is_some_and(Map::is_empty) || value.is_null() => {}
                "filter" => query.filter = Some(filter(value)?),
                "sort" => query.sort = serde_json::from_value(value).map_err(|error| format!("sort: {error}"))?,
                "page" => query.page = serde_json::from_value(value).map_err(|error| format!("page: {error}"))?,
                _ => return Err(format!("{name:?}: expected filter, sort or page")),
            }
        }
        Ok(query)
    }

    /// Answers the query: the rows of one page, and where the next begins.
    pub(super) fn run<T>(&self, rows: Vec<Row<T>>) -> Result<(Vec<Row<T>>, Option<String>), String> {
        let filter = self.filter.as_ref();
        let mut rows: Vec<_> = rows.into_iter().filter(|row| filter.is_none_or(|filter| filter.fits(&row.value))).collect();
        rows.sort_by(|a, b| {
            let by_key = self.sort.iter().map(|sort| {
                let ordering = order(at(&a.value, &sort.key), at(&b.value, &sort.key));
                if matches!(sort.order, Some(Order::Descending)) { ordering.reverse() } else { ordering }
            });
            by_key.fold(Ordering::Equal, Ordering::then)
        });
        let start = match self.page.token.as_deref().filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => token.parse().map_err(|_| format!("page: token {token:?} is none that a query gave"))?,
        };
        let limit = if self.page.limit == 0 { usize::MAX } else { self.page.limit };
        let left = rows.len().saturating_sub(start);
        let next = (left > limit).then(|| (start + limit).to_string());
        Ok((rows.into_iter().skip(start).take(limit).collect(), next))
    }
}

/// Reads a filter; how deep they stand in one another is limited by the depth of JSON that is read at all.
fn filter(value: Value) -> Result<Filter, String> {
    let (name, value) = only("filter", value)?;
    Ok(match name.as_str() {
        "AND" => Filter::And(filters(&name, value)?),
        "OR" => Filter::Or(filters(&name, value)?),
        "IN" => match only(&name, value)? {
            (path, Value::Array(values)) => Filter::In { path, values },
            (path, _) => return Err(format!("filter IN {path:?}: expected an array of values")),
        },
        other => {
            let with = match other {
                "EQ" => Comparison::Equal,
                "NEQ" => Comparison::NotEqual,
                "GT" => Comparison::Greater,
                "GTE" => Comparison::GreaterOrEqual,
                "LT" => Comparison::Less,
                "LTE" => Comparison::LessOrEqual,
                _ => return Err(format!("filter {other:?}: expected EQ, NEQ, GT, GTE, LT, LTE, IN, AND or OR")),
            };
            let (path, value) = only(other, value)?;
            Filter::Compare { path, with, value }
        }
    })
}

fn filters(name: &str, value: Value) -> Result<Vec<Filter>, String> {
    match value {
        Value::Array(values) if values.len() >= 2 => values.into_iter().map(filter).collect(),
        _ => Err(format!("filter {name}: expected an array of at least two filters")),
    }
}

/// The one member that an object has.
fn only(what: &str, value: Value) -> Result<(String, Value), String> {
    match value {
        Value::Object(members) if members.len() == 1 => members.into_iter().next(),
        _ => None,
    }
    .ok_or_else(|| format!("{what}: expected an object with one member"))
}

impl Filter {
    fn fits(&self, row: &Value) -> bool {
        match self {
            Self::And(filters) => filters.iter().all(|filter| filter.fits(row)),
            Self::Or(filters) => filters.iter().any(|filter| filter.fits(row)),
            Self::In { path, values } => values.iter().any(|value| at(row, path).is_some_and(|found| equal(found, value))),
            Self::Compare { path, with, value } => {
                let found = at(row, path);
                match with {
                    Comparison::Equal => found.is_some_and(|found| equal(found, value)),
                    Comparison::NotEqual => found.is_none_or(|found| !equal(found, value)),
                    // Values of different kinds are neither greater nor less.
                    other => found.and_then(|found| compare(found, value)).is_some_and(|ordering| match other {
                        Comparison::Greater => ordering.is_gt(),
                        Comparison::GreaterOrEqual => ordering.is_ge(),
                        Comparison::Less => ordering.is_lt(),
                        Comparison::LessOrEqual => ordering.is_le(),
                        Comparison::Equal | Comparison::NotEqual => false,
                    }),
                }
            }
        }
    }
}

/// The value at a path; a part of it may be the place in an array.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, part| match value {
        Value::Object(members) => members.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

fn equal(a: &Value, b: &Value) -> bool {
    // 1 and 1.0 are the same number.
    a == b || compare(a, b).is_some_and(Ordering::is_eq)
}

fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i128(), b.as_i128()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// An order of all values: what is not there comes first, then kind by kind.
fn order(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let kind = |value: Option<&Value>| match value {
        None | Some(Value::Null) => 0,
        Some(Value::Bool(_)) => 1,
        Some(Value::Number(_)) => 2,
        Some(Value::String(_)) => 3,
        Some(Value::Array(_)) => 4,
        Some(Value::Object(_)) => 5,
    };
    let same = || a.zip(b).and_then(|(a, b)| compare(a, b)).unwrap_or(Ordering::Equal);
    kind(a).cmp(&kind(b)).then_with(same)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn people() -> Vec<Row<u32>> {
        let people = [
            json!({"person": {"org": "Dev Ops", "id": 1036}, "city": "Seattle", "state": "WA"}),
            json!({"person": {"org": "Hardware", "id": 1028}, "city": "Portland", "state": "OR"}),
            json!({"person": {"org": "Finance", "id": 1071}, "city": "Sacramento", "state": "CA"}),
            json!({"person": {"org": "Dev Ops", "id": 1042.0}, "city": "Spokane", "state": "WA"}),
            json!({"person": {"org": "Hardware", "id": 1007}, "city": "Los Angeles", "state": "CA", "tags": ["a", "b"]}),
            json!("no object"),
        ];
        (1..).zip(people).map(|(of, value)| Row { of, value }).collect()
    }

    fn ask(query: &Value) -> (Vec<u32>, Option<String>) {
        let (rows, token) = Query::parse(&query.to_string()).unwrap().run(people()).unwrap();
        (rows.into_iter().map(|row| row.of).collect(), token)
    }

    #[test]
    fn filters_say_what_is_found() {
        for (filter, found) in [
            (json!({"EQ": {"state": "CA"}}), vec![3, 5]),
            (json!({"NEQ": {"state": "CA"}}), vec![1, 2, 4, 6]),
            (json!({"IN": {"state": ["CA", "OR"]}}), vec![2, 3, 5]),
            (json!({"IN": {"state": []}}), vec![]),
            (json!({"EQ": {"person.id": 1042}}), vec![4]),
            (json!({"GT": {"person.id": 1036}}), vec![3, 4]),
            (json!({"GTE": {"person.id": 1036}}), vec![1, 3, 4]),
            (json!({"LT": {"city": "Port"}}), vec![5]),
            (json!({"LTE": {"person.id": "1036"}}), vec![]),
            (json!({"EQ": {"tags.1": "b"}}), vec![5]),
            (json!({"AND": [{"EQ": {"state": "WA"}}, {"EQ": {"city": "Spokane"}}]}), vec![4]),
            (
                json!({"OR": [{"EQ": {"person.org": "Dev Ops"}}, {"AND": [{"EQ": {"person.org": "Finance"}}, {"IN": {"state": ["CA", "WA"]}}]}]}),
                vec![1, 3, 4],
            ),
            (json!({}), vec![1, 2, 3, 4, 5, 6]),
        ] {
            assert_eq!(ask(&json!({ "filter": filter })).0, found, "{filter}");
        }
        assert_eq!(Query::parse("").unwrap().run(people()).unwrap().0.len(), 6);
    }

    #[test]
    fn rows_are_sorted_and_come_page_by_page() {
        let sort = json!([{"key": "state", "order": "DESC"}, {"key": "person.id"}]);
        assert_eq!(ask(&json!({ "sort": sort })).0, [1, 4, 2, 5, 3, 6]);
        let mut pages = Vec::new();
        let mut token = Some(String::new());
        while let Some(next) = token {
            let (page, after) =
                ask(&json!({"filter": {"NEQ": {"city": "x"}}, "sort": sort, "page": {"limit": 4, "token": next}}));
            pages.push(page);
            token = after;
        }
        assert_eq!(pages, [vec![1, 4, 2, 5], vec![3, 6]]);
    }

    #[test]
    fn a_query_that_is_none_is_refused_with_its_mistake() {
        for (query, expected) in [
            ("{", "no JSON"),
            ("[]", "no JSON object"),
            (r#"{"where": {}}"#, "\"where\": expected filter"),
            (r#"{"filter": {"LIKE": {"a": 1}}}"#, "\"LIKE\": expected EQ"),
            (r#"{"filter": {"EQ": {"a": 1, "b": 2}}}"#, "one member"),
            (r#"{"filter": {"EQ": {"a": 1}, "IN": {}}}"#, "one member"),
            (r#"{"filter": {"AND": [{"EQ": {"a": 1}}]}}"#, "at least two"),
            (r#"{"filter": {"IN": {"a": 1}}}"#, "an array of values"),
            (r#"{"sort": "a"}"#, "sort:"),
            (r#"{"sort": [{"key": "a", "order": "UP"}]}"#, "sort:"),
            (r#"{"page": {"limit": -1}}"#, "page:"),
        ] {
            let error = Query::parse(query).unwrap_err();
            assert!(error.contains(expected), "{query}: {error}");
        }
        let nested = (0..70).fold(json!({"EQ": {"a": 1}}), |inner, _| json!({"AND": [{"EQ": {"a": 1}}, inner]}));
        assert!(Query::parse(&json!({ "filter": nested }).to_string()).unwrap_err().contains("recursion limit"));
        let token = Query::parse(r#"{"page": {"token": "x"}}"#).unwrap().run(people()).unwrap_err();
        assert!(token.contains("\"x\""), "{token}");
    }
}
