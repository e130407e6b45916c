//! Structured mode: the event, attributes and data, is one JSON object (JSON event format).

use std::{borrow::Cow, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::StatusCode;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

use super::draft::Draft;
use crate::{
    error::Error,
    event::{
        Data, Event, ExtensionValue,
        attributes::{self, Invalid, check_text, find_control, quoted},
        data::Form,
        media_type, time,
    },
};

/// Decodes the body of an event in structured mode.
pub(super) fn decode(body: &Bytes) -> Result<Event, Error> {
    whole(body, EventSeed { body })
}

/// Decodes the whole of a body with `seed`, whose texts may borrow from it.
pub(super) fn whole<'de, S: DeserializeSeed<'de>>(body: &'de Bytes, seed: S) -> Result<S::Value, Error> {
    let refused = |text: String| Error::refused(StatusCode::BAD_REQUEST, text);
    // Checked once here, no text is checked again.
    let text = std::str::from_utf8(body)
        .map_err(|error| refused(format!("the body is not valid UTF-8 at byte {}", error.valid_up_to())))?;
    if text.starts_with('\u{feff}') {
        return Err(refused("the body begins with a byte order mark, which JSON does not allow".to_owned()));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value)).map_err(|error| {
        if error.is_data() { refused(error.to_string()) } else { refused(format!("the body is broken JSON: {error}")) }
    })
}

/// Decodes a JSON object into an [`Event`] whose data is a part of `body`, from which it is read.
pub(super) struct EventSeed<'b> {
    pub(super) body: &'b Bytes,
}

impl<'de> DeserializeSeed<'de> for EventSeed<'de> {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Event, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EventSeed<'de> {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvent, a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
        let mut draft = Draft::default();
        let mut seen = Seen::default();
        let mut data: Option<&'de RawValue> = None;
        let mut data_base64 = None;
        while let Some(name) = map.next_key_seed(Text("the name of an attribute"))? {
            let name = name.unwrap_or_default();
            if let Some(index) = KNOWN.iter().position(|known| *known == name) {
                if !seen.first_time(index) {
                    return Err(invalid(Invalid::twice(&name)));
                }
                match index {
                    0 => data = Some(map.next_value()?),
                    1 => data_base64 = map.next_value_seed(Text(KNOWN[1]))?,
                    _ => {
                        if let Some(value) = map.next_value_seed(Text(KNOWN[index]))? {
                            check_text(&name, &value).and_then(|()| draft.set(&name, value)).map_err(invalid)?;
                        }
                    }
                }
                continue;
            }
            if !attributes::is_name(&name) {
                let text = format!("{} names no CloudEvents attribute: a-z and 0-9 are expected", quoted(&name));
                return Err(A::Error::custom(text));
            }
            let raw: &'de RawValue = map.next_value()?;
            if let Some(value) = extension(&name, raw.get()).map_err(A::Error::custom)? {
                draft.extend(&name, value);
            }
        }
        if let Some(data) = read_data(self.body, draft.datacontenttype(), data, data_base64).map_err(A::Error::custom)? {
            if data.form() == Form::Json {
                draft.default_to_json();
            }
            draft.set_data(data);
        }
        draft.finish().map_err(invalid)
    }
}

const KNOWN: [&str; 10] =
    ["data", "data_base64", "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];

/// Which of [`KNOWN`] were there.
#[derive(Default)]
struct Seen(u16);

impl Seen {
    const fn first_time(&mut self, index: usize) -> bool {
        let bit = 1 << index;
        let first = self.0 & bit == 0;
        self.0 |= bit;
        first
    }
}

/// Decodes a JSON string or null, borrowed where no escape is in it.
struct Text(&'static str);

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string for the CloudEvents attribute `{}`", self.0)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

fn invalid<E: serde::de::Error>(invalid: Invalid) -> E {
    E::custom(invalid.0)
}

/// Reads the value of an extension: what the specification does not allow there, senders do, and its JSON text is kept.
fn extension(name: &str, raw: &str) -> Result<Option<ExtensionValue>, String> {
    Ok(Some(match raw.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(raw).map_err(|error| format!("{}: {error}", quoted(name)))?;
            check_text(name, &text).map_err(|invalid| invalid.0)?;
            ExtensionValue::String(text)
        }
        Some(b'n') => return Ok(None),
        Some(b't') => ExtensionValue::Boolean(true),
        Some(b'f') => ExtensionValue::Boolean(false),
        _ => match raw.parse() {
            Ok(integer) => ExtensionValue::Integer(integer),
            // A line break between the members of an object would be a control character of the text.
            Err(_) if find_control(raw).is_some() => {
                let value: Value = serde_json::from_str(raw).map_err(|error| format!("{}: {error}", quoted(name)))?;
                let text = value.to_string();
                check_text(name, &text).map_err(|invalid| invalid.0)?;
                ExtensionValue::String(text)
            }
            Err(_) => ExtensionValue::String(raw.to_owned()),
        },
    }))
}

fn read_data(
    body: &Bytes,
    media_type: Option<&str>,
    data: Option<&RawValue>,
    data_base64: Option<Cow<'_, str>>,
) -> Result<Option<Data>, String> {
    let data = data.map(RawValue::get);
    if let Some(base64) = data_base64 {
        if data.is_some_and(|text| text != "null") {
            return Err("the event has both `data` and `data_base64`: one of them is expected".to_owned());
        }
        return match BASE64_STANDARD.decode(base64.as_bytes()) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) => Err(format!("`data_base64` is not Base64 with padding (RFC 4648 §4): {error}")),
        };
    }
    let Some(text) = data else { return Ok(None) };
    let json = || Ok(Some(Data::new(body.slice_ref(text.as_bytes()), Form::Json)));
    if media_type.is_none_or(media_type::is_json) {
        return json();
    }
    match text.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Ok(Some(Data::new(body.slice_ref(inner), Form::Text))),
        [b'"', ..] => match serde_json::from_str::<String>(text) {
            Ok(text) => Ok(Some(text.into())),
            Err(error) => Err(format!("`data`: {error}")),
        },
        [b'n', ..] => Ok(None),
        _ => json(),
    }
}

/// Encodes an event as the body of structured mode.
pub(crate) fn encode(event: &Event) -> Bytes {
    let mut body = Vec::with_capacity(512);
    write(&mut body, event);
    body.into()
}

/// Appends the JSON object of an event.
pub(super) fn write(out: &mut Vec<u8>, event: &Event) {
    out.extend_from_slice(br#"{"specversion":"1.0""#);
    let time = event.time().map(time::format);
    let time = time.as_deref().map(String::from_utf8_lossy);
    for (name, text) in [
        ("id", Some(event.id())),
        ("source", Some(event.source())),
        ("type", Some(event.ty())),
        ("subject", event.subject()),
        ("time", time.as_deref()),
        ("datacontenttype", event.datacontenttype()),
        ("dataschema", event.dataschema()),
    ] {
        if let Some(text) = text {
            member(out, name);
            string(out, text);
        }
    }
    for (name, value) in event.extensions() {
        member(out, name);
        match value {
            ExtensionValue::String(text) => string(out, text),
            other => out.extend_from_slice(other.to_string().as_bytes()),
        }
    }
    if let Some(data) = &event.data {
        write_data(out, data, event.datacontenttype());
    }
    out.push(b'}');
}

fn write_data(out: &mut Vec<u8>, data: &Data, media_type: Option<&str>) {
    let json = match data.form() {
        Form::Text => {
            member(out, "data");
            return string(out, &String::from_utf8_lossy(data.bytes()));
        }
        Form::Json => Some(&data.bytes()[..]),
        Form::Bytes if media_type.is_some_and(media_type::is_json) => {
            serde_json::from_slice::<&RawValue>(data.bytes()).ok().map(|json| json.get().as_bytes())
        }
        Form::Bytes => None,
    };
    if let Some(json) = json {
        member(out, "data");
        return out.extend_from_slice(json);
    }
    member(out, "data_base64");
    out.push(b'"');
    out.extend_from_slice(BASE64_STANDARD.encode(data.bytes()).as_bytes());
    out.push(b'"');
}

/// Writes the name of a member, which no character of needs an escape, after the comma.
fn member(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a vector takes whatever is written");
}
