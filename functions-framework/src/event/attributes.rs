//! The rules every attribute keeps, whichever way an event came to be.

use http::StatusCode;

use super::{ascii, media_type, texts::Text};
use crate::error::Error;

/// What is wrong with an event, in words for whoever made it.
#[derive(Debug, Clone)]
pub(super) struct Invalid(pub(super) String);

impl Invalid {
    /// Answers `400 Bad Request` with the words: the event came from outside.
    pub(super) fn refused(self) -> Error {
        Error::refused(StatusCode::BAD_REQUEST, self.0)
    }

    /// Makes an error of the program that made the event; a caller is not to blame for it.
    pub(super) fn failed(self) -> Error {
        Error::new(self.0)
    }

    #[cold]
    pub(super) fn missing(name: &str) -> Self {
        Self(format!("the required CloudEvents attribute `{name}` is missing"))
    }

    #[cold]
    fn empty(name: &str) -> Self {
        Self(format!("the CloudEvents attribute `{name}` is empty"))
    }

    #[cold]
    pub(super) fn twice(name: &str) -> Self {
        Self(format!("the CloudEvents attribute {} is given twice", quoted(name)))
    }

    #[cold]
    pub(super) fn control(name: &str, control: char) -> Self {
        Self(format!("the CloudEvents attribute {} holds the control character U+{:04X}", quoted(name), u32::from(control)))
    }

    #[cold]
    pub(super) fn not_utf8(name: &str) -> Self {
        Self(format!("the CloudEvents attribute {} is not valid UTF-8", quoted(name)))
    }

    #[cold]
    pub(super) fn specversion(value: &str) -> Self {
        Self::value("specversion", value, "`1.0`")
    }

    #[cold]
    pub(super) fn time(value: &str) -> Self {
        Self::value("time", value, "an RFC 3339 timestamp such as `2026-01-31T12:00:00Z`")
    }

    #[cold]
    pub(super) fn year() -> Self {
        Self("the year of the CloudEvents attribute `time` is not 0 to 9999".to_owned())
    }

    #[cold]
    pub(super) fn dataschema(value: &str) -> Self {
        Self::value("dataschema", value, "an absolute URI")
    }

    #[cold]
    fn value(name: &str, value: &str, expected: &str) -> Self {
        Self(format!("the CloudEvents attribute `{name}` is {}: {expected} is expected", quoted(value)))
    }
}

/// Shows a text of the sender in a message: without control characters, and cut, for it may be as long as a body.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => format!("`{}`", text.escape_debug()),
        Some((end, _)) => format!("`{}…`", text[..end].escape_debug()),
    }
}

/// The names of the attributes the specification knows.
const KNOWN: [&str; 8] = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];

/// Tells whether an attribute may have that name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Checks the name of an extension that the program gives.
pub(super) fn check_extension_name(name: &str) -> Result<(), Invalid> {
    if !is_name(name) {
        return Err(Invalid(format!("the name of the attribute {} has characters other than a-z and 0-9", quoted(name))));
    }
    if name == "data" || KNOWN.contains(&name) {
        return Err(Invalid(format!("an extension cannot be named `{name}`")));
    }
    Ok(())
}

/// Checks a text attribute for what only its own rules say.
pub(super) fn check_form(text: Text, value: &str) -> Result<(), Invalid> {
    match text {
        Text::Datacontenttype if media_type::is_valid(value) => Ok(()),
        Text::Datacontenttype => Err(Invalid::value(text.name(), value, "a media type such as `application/json`")),
        _ if value.is_empty() => Err(Invalid::empty(text.name())),
        Text::Dataschema if !is_absolute_uri(value) => Err(Invalid::dataschema(value)),
        _ => Ok(()),
    }
}

/// Checks the value of any attribute that is text.
pub(super) fn check_text(name: &str, value: &str) -> Result<(), Invalid> {
    match find_control(value) {
        Some(control) => Err(Invalid::control(name, control)),
        None => Ok(()),
    }
}

/// Finds the first control character, U+0000 to U+001F or U+007F to U+009F, which no attribute may hold.
pub(super) fn find_control(text: &str) -> Option<char> {
    if ascii::is_printable(text.as_bytes()) {
        return None;
    }
    text.chars().find(|char| char.is_control())
}

/// Tells whether `text` has a scheme, and something after it without spaces. That is less than RFC 3986 asks for: the schema
/// is the sender's, and what is behind the scheme is for who fetches it.
pub(crate) fn is_absolute_uri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
            && !rest.is_empty()
            && !rest.contains(char::is_whitespace)
    })
}

/// Tells whether `text` is made of the characters of a URI reference (RFC 3986 §4.1), its escapes whole.
pub(super) fn is_uri_reference(text: &str) -> bool {
    let mut bytes = text.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        let allowed = match byte {
            b'%' => {
                let escape = bytes.as_slice().first_chunk::<2>();
                escape.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            }
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
            byte => byte.is_ascii_graphic(),
        };
        if !allowed {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_uri_has_a_scheme() {
        for uri in ["http://s", "urn:x", "https://s/a%20b?c#d", "x-y+z.1:/", "https://s/{id}", "http://s/\u{e9}"] {
            assert!(is_absolute_uri(uri), "{uri}");
        }
        for other in ["", "#", "a/b", "schema.json", ":", "http:", "1a:b", "/a:b", "\u{e9}:b", "http://s/a b"] {
            assert!(!is_absolute_uri(other), "{other}");
        }
    }
}
