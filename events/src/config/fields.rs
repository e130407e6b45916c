//! The members of an object, taken one by one; what is wrong with each is written down, and reading goes on.

use super::{Mistakes, json::Json};

/// An object, and where it is.
pub(crate) struct Fields<'a> {
    path: &'a str,
    members: &'a [(String, Json)],
}

impl<'a> Fields<'a> {
    /// Of a value that must be an object with members of these names.
    ///
    /// A name that is not known is a warning: a newer controller may write more.
    pub(crate) fn of(path: &'a str, json: &'a Json, known: &[&str], mistakes: &mut Mistakes) -> Option<Self> {
        let Json::Object(members) = json else {
            mistakes.add(path, format_args!("is {}, expected an object", json.kind()));
            return None;
        };
        for (index, (name, _)) in members.iter().enumerate() {
            if members[..index].iter().any(|(other, _)| other == name) {
                mistakes.add(&join(path, name), "is there twice, expected once");
            } else if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                tracing::warn!("CONFIG: {} is not known and does nothing (known: {known})", join(path, name));
            }
        }
        Some(Self { path, members })
    }

    pub(crate) fn path(&self, name: &str) -> String {
        join(self.path, name)
    }

    /// A member; one that is null is not there.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Json> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, json)| json).filter(|json| **json != Json::Null)
    }

    /// A text; an empty one is not there, as the controllers write it.
    pub(crate) fn text(&self, name: &str, mistakes: &mut Mistakes) -> Option<String> {
        match self.get(name)? {
            Json::Text(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            other => {
                mistakes.add(&self.path(name), format_args!("is {}, expected a text", other.kind()));
                None
            }
        }
    }

    /// A text that must be there.
    pub(crate) fn needed(&self, name: &str, mistakes: &mut Mistakes) -> Option<String> {
        if !matches!(self.get(name), None | Some(Json::Text(_))) {
            return self.text(name, mistakes);
        }
        let text = self.text(name, mistakes);
        if text.is_none() {
            mistakes.add(&self.path(name), "is missing, expected a text");
        }
        text
    }

    pub(crate) fn bool(&self, name: &str, mistakes: &mut Mistakes) -> bool {
        match self.get(name) {
            None => false,
            Some(Json::Bool(value)) => *value,
            Some(other) => {
                mistakes.add(&self.path(name), format_args!("is {}, expected true or false", other.kind()));
                false
            }
        }
    }

    /// A whole number, which the controllers write as a text.
    pub(crate) fn number(&self, name: &str, mistakes: &mut Mistakes) -> Option<u32> {
        let found = match self.get(name)? {
            Json::Number(number) => number.to_string(),
            Json::Text(text) if text.is_empty() => return None,
            Json::Text(text) => text.clone(),
            other => other.kind().to_owned(),
        };
        let number = found.parse().ok();
        if number.is_none() {
            mistakes.add(&self.path(name), format_args!("is {found:?}, expected a whole number from 0 on"));
        }
        number
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
