//! A value and where it is, read field by field: what is not as expected says where that is.
//!
//! Derived, the same would be a quarter of a megabyte more of machine code, and would take lists for objects.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use serde_json::Value;

use crate::spelling::nearest;

/// A field that is not what it has to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Such as `outputs.mail.componentType`; empty for the whole.
    pub(super) path: String,
    /// What it is and what was expected.
    pub(super) what: String,
}

impl Mistake {
    pub(super) fn new(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, what } = self;
        if path.is_empty() { f.write_str(what) } else { write!(f, "{path}: {what}") }
    }
}

/// A value within another. Null is absent, and what is absent reads as empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    step: Step<'a>,
    outer: Option<&'a Self>,
}

/// How one comes to a value from the one around it.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Node<'a> {
    pub(super) const fn whole(value: &'a Value) -> Self {
        Self::at("", value)
    }

    /// A value that stands alone, though it was found at a path.
    pub(super) const fn at(path: &'a str, value: &'a Value) -> Self {
        Self { value, step: Step::Name(path), outer: None }
    }

    pub(super) fn is_absent(&self) -> bool {
        self.value.is_null()
    }

    /// Where it is, such as `outputs[0].name`.
    pub(super) fn path(&self) -> String {
        let mut path = self.outer.map(Self::path).unwrap_or_default();
        match self.step {
            Step::Name(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Step::Index(index) => {
                // Writing to a text cannot fail.
                let _ = write!(path, "[{index}]");
            }
        }
        path
    }

    /// Says what is wrong with it.
    #[cold]
    pub(super) fn mistake(&self, what: impl Into<String>) -> Mistake {
        Mistake::new(self.path(), what)
    }

    /// Says what it is instead of what it has to be.
    #[cold]
    pub(super) fn expected(&self, expected: &str) -> Mistake {
        self.mistake(match self.value {
            Value::Null => format!("expected {expected}"),
            Value::Array(_) => format!("a list: expected {expected}"),
            Value::Object(_) => format!("an object: expected {expected}"),
            plain => format!("{plain}: expected {expected}"),
        })
    }

    /// A member of an object.
    pub(super) fn field<'b>(&'b self, name: &'b str) -> Result<Node<'b>, Mistake> {
        let value = match self.value {
            Value::Object(members) => members.get(name).unwrap_or(&Value::Null),
            Value::Null => &Value::Null,
            _ => return Err(self.expected("an object")),
        };
        Ok(Node { value, step: Step::Name(name), outer: Some(self) })
    }

    /// All members of an object.
    pub(super) fn entries(&self) -> Result<Vec<(&str, Node<'_>)>, Mistake> {
        let mut entries = Vec::new();
        match self.value {
            Value::Object(members) => {
                for (name, value) in members {
                    entries.push((name.as_str(), Node { value, step: Step::Name(name), outer: Some(self) }));
                }
            }
            Value::Null => (),
            _ => return Err(self.expected("an object")),
        }
        Ok(entries)
    }

    /// All members of an object, each read in the same way.
    pub(super) fn map<'b, T>(&'b self, read: fn(&Node<'b>) -> Result<T, Mistake>) -> Result<BTreeMap<String, T>, Mistake> {
        let mut map = BTreeMap::new();
        for (name, node) in self.entries()? {
            map.insert(name.to_owned(), read(&node)?);
        }
        Ok(map)
    }

    /// The items of a list, each read in the same way.
    pub(super) fn list<'b, T>(&'b self, read: fn(&Node<'b>) -> Result<T, Mistake>) -> Result<Vec<T>, Mistake> {
        let mut list = Vec::new();
        match self.value {
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    list.push(read(&Node { value, step: Step::Index(index), outer: Some(self) })?);
                }
            }
            Value::Null => (),
            _ => return Err(self.expected("a list")),
        }
        Ok(list)
    }

    /// A list of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, Mistake> {
        self.list(Node::text)
    }

    /// Names and texts, for a component.
    pub(super) fn metadata(&self) -> Result<BTreeMap<String, String>, Mistake> {
        self.map(Node::written)
    }

    /// Refuses members that are none of these: a slip of the pen, where all that may be there is known.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Mistake> {
        for (name, node) in self.entries()? {
            if !known.contains(&name) {
                let hint =
                    nearest(name, known.iter().copied()).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
                return Err(node.mistake(format!("it is not known here: expected one of {}{hint}", known.join(", "))));
            }
        }
        Ok(())
    }

    /// Text.
    pub(super) fn text(&self) -> Result<String, Mistake> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Null => Ok(String::new()),
            _ => Err(self.expected("text")),
        }
    }

    /// Text, also where somebody wrote a number, `true` or `false`.
    pub(super) fn written(&self) -> Result<String, Mistake> {
        match self.value {
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            _ => self.text(),
        }
    }

    pub(super) fn is_true(&self) -> Result<bool, Mistake> {
        match self.value {
            Value::Bool(truth) => Ok(*truth),
            Value::Null => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A port, as a number or as text; 0 is absent.
    pub(super) fn port(&self) -> Result<Option<u16>, Mistake> {
        let port = match self.value {
            Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
            Value::String(text) if !text.is_empty() => text.parse().ok(),
            Value::String(_) | Value::Null => Some(0),
            _ => None,
        };
        let port = port.ok_or_else(|| self.expected("a port from 1 to 65535"))?;
        Ok(Some(port).filter(|&port| port != 0))
    }

    /// A number that counts something.
    pub(super) fn count(&self) -> Result<Option<u32>, Mistake> {
        match self.value {
            Value::Null => Ok(None),
            value => {
                let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
                count.map(Some).ok_or_else(|| self.expected("a number from 0"))
            }
        }
    }
}
