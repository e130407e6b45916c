//! What the platform's controllers say in `CONFIG`: JSON, in base64.

mod fields;
mod json;
mod mistakes;

use std::ffi::OsStr;

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use functions_framework::Declared;

pub(crate) use fields::Fields;
pub(crate) use json::Json;
pub use mistakes::Mistakes;

/// Holds the names that a configuration may use: what the function context declares.
///
/// ```
/// use openfunction_events::Known;
///
/// let known = Known { outputs: vec!["so-es-my-eventsource-1".to_owned()], ..Known::default() };
/// ```
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The names of the outputs.
    pub outputs: Vec<String>,
    /// The names of the states.
    pub states: Vec<String>,
    /// The topics that inputs subscribe to.
    pub topics: Vec<String>,
}

impl From<&Declared<'_>> for Known {
    fn from(declared: &Declared<'_>) -> Self {
        Self {
            outputs: declared.outputs().map(str::to_owned).collect(),
            states: declared.states().map(str::to_owned).collect(),
            topics: declared.topics().map(str::to_owned).collect(),
        }
    }
}

impl Known {
    /// An output that is named, if there is one of the name.
    pub(crate) fn output(&self, fields: &Fields<'_>, name: &str, mistakes: &mut Mistakes) -> Option<String> {
        let output = fields.text(name, mistakes)?;
        Self::expect("output", &self.outputs, &fields.path(name), &output, mistakes);
        Some(output)
    }

    /// A state that is named, if there is one of the name.
    pub(crate) fn state(&self, fields: &Fields<'_>, name: &str, mistakes: &mut Mistakes) -> Option<String> {
        let state = fields.text(name, mistakes)?;
        Self::expect("state", &self.states, &fields.path(name), &state, mistakes);
        Some(state)
    }

    fn expect(what: &str, known: &[String], path: &str, name: &str, mistakes: &mut Mistakes) {
        if !known.iter().any(|known| known == name) {
            let known = listed(known);
            mistakes.add(path, format_args!("no {what} of the function context is named `{name}` ({what}s: {known})"));
        }
    }
}

/// Names for a message.
pub(crate) fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Go's decoder, which made the values that are around, passes over line breaks; padding may be missing.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Decodes the value of `CONFIG`.
pub(crate) fn decode(value: &OsStr, mistakes: &mut Mistakes) -> Option<Json> {
    let text: Vec<u8> = value.as_encoded_bytes().iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = match BASE64.decode(text) {
        Ok(bytes) => bytes,
        Err(error) => {
            mistakes.add("", format_args!("is not base64 (standard alphabet): {error}"));
            return None;
        }
    };
    match serde_json::from_slice(&bytes) {
        Ok(json) => Some(json),
        Err(error) => {
            mistakes.add("", format_args!("is not JSON after base64 was decoded: {error}"));
            None
        }
    }
}
