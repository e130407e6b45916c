//! The conditions of a subscription's routes: the part of CEL that they are written in.
//!
//! `event.type == "a"`, the other comparisons, `in [..]`, `startsWith`, `endsWith` and `contains`, put together with `&&`, `||`,
//! `!` and parentheses; `event.data.order.id` reaches into JSON data. What is more of CEL than that is told when it is read.

use serde_json::Value;

use crate::delivery::Subscription;

/// Says which route of its subscription an event takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes {
    rules: Vec<(Condition, String)>,
    default: Option<String>,
}

impl Routes {
    /// Reads the rules of a subscription; one that is not understood never matches, which the log says.
    pub(super) fn of(input: &str, subscription: &Subscription) -> Self {
        let rules = subscription.rules.iter().filter_map(|rule| match Condition::parse(&rule.matches) {
            Ok(condition) => Some((condition, path(&rule.path))),
            Err(why) => {
                tracing::warn!(input, path = rule.path, "local backend: a route that no event takes here: {why}");
                None
            }
        });
        Self { rules: rules.collect(), default: subscription.default_path.as_deref().map(path) }
    }

    /// The route of an event; none when the subscription has no other.
    pub(super) fn route(&self, envelope: &[u8]) -> Option<String> {
        if self.rules.is_empty() {
            return self.default.clone();
        }
        let event = serde_json::from_slice(envelope).unwrap_or(Value::Null);
        let found = self.rules.iter().find(|(condition, _)| condition.holds(&event));
        found.map(|(_, path)| path).or(self.default.as_ref()).cloned()
    }
}

/// A path begins with a slash, as it does when a sidecar calls it.
fn path(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// A condition on an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Always,
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare(Operand, Comparison, Operand),
    In(Operand, Vec<Operand>),
    Text(Operand, Method, Operand),
    /// A value that is true or false by itself.
    Holds(Operand),
}

/// A value that is written out, or a path into the event.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Value(Value),
    Path(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    StartsWith,
    EndsWith,
    Contains,
}

const SIGNS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

const METHODS: [(&str, Method); 3] =
    [("startsWith", Method::StartsWith), ("endsWith", Method::EndsWith), ("contains", Method::Contains)];

/// As deep as conditions may stand in one another.
const DEEPEST: usize = 50;

impl Condition {
    /// Reads a condition; an empty one always holds.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::Always);
        }
        let mut reader = Reader { rest: text.trim_start(), depth: 0 };
        let condition = reader.any().and_then(|condition| match reader.rest {
            "" => Ok(condition),
            rest => Err(format!("{rest:?} is left over")),
        });
        condition.map_err(|why| format!("{text:?} is more of CEL than the local backend reads: {why}"))
    }

    /// Tells whether it holds. As with Dapr, what cannot be compared does not.
    pub(super) fn holds(&self, event: &Value) -> bool {
        match self {
            Self::Always => true,
            Self::Not(condition) => !condition.holds(event),
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(event)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(event)),
            Self::Holds(operand) => operand.of(event) == Some(&Value::Bool(true)),
            Self::In(operand, list) => {
                operand.of(event).is_some_and(|value| list.iter().any(|one| one.of(event).is_some_and(|one| equal(value, one))))
            }
            Self::Text(operand, method, part) => {
                let texts = operand.of(event).and_then(Value::as_str).zip(part.of(event).and_then(Value::as_str));
                texts.is_some_and(|(text, part)| match method {
                    Method::StartsWith => text.starts_with(part),
                    Method::EndsWith => text.ends_with(part),
                    Method::Contains => text.contains(part),
                })
            }
            Self::Compare(a, comparison, b) => {
                let Some((a, b)) = a.of(event).zip(b.of(event)) else { return false };
                let ordering = compare(a, b);
                match comparison {
                    Comparison::Equal => equal(a, b),
                    Comparison::NotEqual => !equal(a, b),
                    Comparison::Less => ordering.is_some_and(std::cmp::Ordering::is_lt),
                    Comparison::LessOrEqual => ordering.is_some_and(std::cmp::Ordering::is_le),
                    Comparison::Greater => ordering.is_some_and(std::cmp::Ordering::is_gt),
                    Comparison::GreaterOrEqual => ordering.is_some_and(std::cmp::Ordering::is_ge),
                }
            }
        }
    }
}

impl Operand {
    fn of<'v>(&'v self, event: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Path(path) => path.iter().try_fold(event, |value, name| value.get(name)),
        }
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    a == b || compare(a, b).is_some_and(std::cmp::Ordering::is_eq)
}

fn compare(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// What is still to be read.
struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    /// Takes a sign off the front, and the spaces after it.
    fn take(&mut self, sign: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("expected {sign:?} before {:?}", self.rest)) }
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut conditions = vec![self.all()?];
        while self.take("||") {
            conditions.push(self.all()?);
        }
        Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::Any(conditions) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut conditions = vec![self.one()?];
        while self.take("&&") {
            conditions.push(self.one()?);
        }
        Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::All(conditions) })
    }

    fn one(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("more than {DEEPEST} conditions stand in one another"));
        }
        let condition = if self.take("!") {
            Condition::Not(Box::new(self.one()?))
        } else if self.take("(") {
            let condition = self.any()?;
            self.expect(")")?;
            condition
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        let mut operand = self.operand()?;
        if self.rest.starts_with('(') {
            let Operand::Path(path) = &mut operand else { return Err(format!("{:?} is no condition", self.rest)) };
            let name = path.pop().unwrap_or_default();
            let known = METHODS.iter().find(|(known, _)| *known == name);
            let (_, method) = known.ok_or_else(|| format!("{name:?} is none of startsWith, endsWith and contains"))?;
            self.expect("(")?;
            let part = self.operand()?;
            self.expect(")")?;
            return Ok(Condition::Text(operand, *method, part));
        }
        if let Some((sign, comparison)) = SIGNS.iter().find(|(sign, _)| self.rest.starts_with(sign)) {
            self.expect(sign)?;
            return Ok(Condition::Compare(operand, *comparison, self.operand()?));
        }
        if self.rest.strip_prefix("in").is_some_and(|rest| rest.trim_start().starts_with('[')) {
            self.expect("in")?;
            self.expect("[")?;
            let mut list = Vec::new();
            while !self.take("]") {
                if !list.is_empty() {
                    self.expect(",")?;
                }
                list.push(self.operand()?);
            }
            return Ok(Condition::In(operand, list));
        }
        Ok(Condition::Holds(operand))
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.text(quote).map(|text| Operand::Value(text.into())),
            Some('-' | '0'..='9') => {
                let end =
                    self.rest.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')).unwrap_or(self.rest.len());
                let number = self.rest[..end].parse::<serde_json::Number>();
                let number = number.map_err(|_| format!("{:?} is no number", &self.rest[..end]))?;
                self.rest = self.rest[end..].trim_start();
                Ok(Operand::Value(Value::Number(number)))
            }
            _ => self.path(),
        }
    }

    fn text(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some((_, escaped @ ('\\' | '"' | '\''))) => text.push(escaped),
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    _ => return Err("a text has an escape that is not understood".to_owned()),
                },
                letter if letter == quote => {
                    self.rest = self.rest[at + 1..].trim_start();
                    return Ok(text);
                }
                letter => text.push(letter),
            }
        }
        Err("a text has no end".to_owned())
    }

    /// `true`, `false`, or `event` and the names behind it, each after a dot or in brackets.
    fn path(&mut self) -> Result<Operand, String> {
        match self.name()? {
            "true" => return Ok(Operand::Value(true.into())),
            "false" => return Ok(Operand::Value(false.into())),
            "event" => {}
            other => return Err(format!("{other:?} is not known: expected event")),
        }
        let mut path = Vec::new();
        loop {
            if self.take(".") {
                path.push(self.name()?.to_owned());
            } else if self.take("[") {
                let quote = self.rest.chars().next().filter(|quote| matches!(quote, '"' | '\''));
                path.push(self.text(quote.ok_or("expected a name in quotes after [")?)?);
                self.expect("]")?;
            } else {
                return Ok(Operand::Path(path));
            }
        }
    }

    fn name(&mut self) -> Result<&'t str, String> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        if name.is_empty() { Err(format!("expected a name before {rest:?}")) } else { Ok(name) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_hold_or_do_not() {
        let event = json!({
            "type": "order.placed", "source": "/shop", "id": "7", "data": {"total": 12.5, "big": true, "lines": {"first-one": "tea"}},
        });
        for (text, holds) in [
            ("", true),
            (r#"event.type == "order.placed""#, true),
            ("event.type=='order.placed'", true),
            (r#"event.type != "order.placed""#, false),
            (r#""order.placed" == event.type"#, true),
            (r#"event.type == "a" || event.source == "/shop""#, true),
            (r#"event.type == "a" || event.source == "/shop" && event.id == "8""#, false),
            (r#"(event.type == "a" || event.source == "/shop") && !(event.id == "8")"#, true),
            ("event.data.total > 12", true),
            ("event.data.total <= 12.5 && event.data.total >= 12.5", true),
            ("event.data.total < -3", false),
            ("event.data.total == \"12.5\"", false),
            ("event.data.big", true),
            ("!event.data.big", false),
            (r#"event["type"] in ["x", "order.placed"]"#, true),
            ("event.type in []", false),
            (r#"event.type.startsWith("order.")"#, true),
            (r#"event.type.endsWith("placed") && event.type.contains("der")"#, true),
            (r#"event.data.lines["first-one"] == "tea""#, true),
            (r#"event.nothing == "x""#, false),
            (r#"event.nothing != "x""#, false),
            ("true", true),
        ] {
            assert_eq!(Condition::parse(text).unwrap().holds(&event), holds, "{text}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_says_the_route() {
        use crate::manifest::component::Rule;

        let rule = |matches: &str, path: &str| Rule { matches: matches.to_owned(), path: path.to_owned() };
        let mut subscription = Subscription {
            rules: vec![
                rule("event.type.matches('.*')", "/unknown"),
                rule(r#"event.type == "a""#, "a"),
                rule(r#"event.type in ["a", "b"]"#, "/b"),
            ],
            ..Subscription::default()
        };
        let route = |subscription: &Subscription, kind: &str| {
            Routes::of("in", subscription).route(json!({ "type": kind }).to_string().as_bytes())
        };
        assert_eq!(route(&subscription, "a").as_deref(), Some("/a"));
        assert_eq!((route(&subscription, "b").as_deref(), route(&subscription, "c")), (Some("/b"), None));
        subscription.default_path = Some("/rest".to_owned());
        assert_eq!(
            (route(&subscription, "c").as_deref(), Routes::of("in", &subscription).route(b"no json").as_deref()),
            (Some("/rest"), Some("/rest"))
        );
        subscription.rules.clear();
        assert_eq!(route(&subscription, "a").as_deref(), Some("/rest"));
        assert_eq!(Routes::default().route(b"{}"), None);
    }

    #[test]
    fn what_is_more_than_that_is_told() {
        for text in [
            "event.type.matches(\"a.*\")",
            "size(event.data) > 3",
            "event.type ==",
            "event.type == \"a\" &",
            "event.type == \"a",
            "(event.type == \"a\"",
            "event.type == \"a\" ? true : false",
            "type == \"a\"",
            "event.",
            "event[0] == 1",
            "event.data.total + 1 > 2",
            "event.id in [\"a\" \"b\"]",
        ] {
            let error = Condition::parse(text).unwrap_err();
            assert!(error.contains("more of CEL than the local backend reads"), "{text}: {error}");
        }
        let nested = format!("{}event.a{}", "(".repeat(60), ")".repeat(60));
        assert!(Condition::parse(&nested).unwrap_err().contains("stand in one another"));
    }
}
