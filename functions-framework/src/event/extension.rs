//! The values of extension attributes.

use std::fmt;

/// Holds the value of an extension attribute.
///
/// In binary mode every value arrives as a text; its text, `{value}`, is the same in every mode.
///
/// ```
/// use functions_framework::event::ExtensionValue;
///
/// let attempt = ExtensionValue::from(3);
/// assert_eq!((attempt.to_string().as_str(), attempt.as_str()), ("3", None));
/// assert_eq!(ExtensionValue::from("acme"), *"acme");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtensionValue {
    /// A truth value.
    Boolean(bool),
    /// A whole number. CloudEvents has them up to 32 bits; senders do not keep to it.
    Integer(i64),
    /// Text, and what else has the form of one: a URI, a time, bytes in Base64.
    String(String),
}

impl ExtensionValue {
    /// Returns the text, unless it is a number or a truth value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Boolean(_) | Self::Integer(_) => None,
        }
    }
}

impl fmt::Display for ExtensionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}

/// A text, and nothing else, equals a text.
impl PartialEq<str> for ExtensionValue {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }
}

impl PartialEq<&str> for ExtensionValue {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

impl From<&str> for ExtensionValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for ExtensionValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for ExtensionValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for ExtensionValue {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for ExtensionValue {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<i64> for ExtensionValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}
