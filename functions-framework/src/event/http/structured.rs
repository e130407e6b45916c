//! Structured mode: the event, attributes and data, is one JSON object (JSON event format).

use std::{borrow::Cow, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use cloudevents::{AttributesReader as _, Data, Event, event::ExtensionValue};
use http::StatusCode;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

use super::{
    attributes::{self, Draft, Invalid, quoted},
    header_value::find_control,
};
use crate::{
    error::Error,
    event::{Envelope, Payload, media_type},
};

/// Decodes the body of an event in structured mode.
pub(super) fn decode(body: &Bytes) -> Result<Envelope, Error> {
    whole(body, EnvelopeSeed { body })
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

/// Decodes a JSON object into an [`Envelope`] whose data is a part of `body`, from which it is read.
pub(super) struct EnvelopeSeed<'b> {
    pub(super) body: &'b Bytes,
}

impl<'de> DeserializeSeed<'de> for EnvelopeSeed<'de> {
    type Value = Envelope;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Envelope, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EnvelopeSeed<'de> {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvent, a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
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
                draft.extend(name.into_owned(), value);
            }
        }
        let payload = payload(self.body, draft.datacontenttype(), data, data_base64).map_err(A::Error::custom)?;
        let event = draft.finish().map_err(invalid)?;
        Ok(Envelope::new(event, payload))
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

fn check_text(name: &str, value: &str) -> Result<(), Invalid> {
    match find_control(value) {
        Some(control) => Err(Invalid::control(name, control)),
        None => Ok(()),
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

fn payload(
    body: &Bytes,
    media_type: Option<&str>,
    data: Option<&RawValue>,
    data_base64: Option<Cow<'_, str>>,
) -> Result<Payload, String> {
    let data = data.map(RawValue::get);
    let Some(base64) = data_base64 else {
        let Some(text) = data else { return Ok(Payload::None) };
        if media_type.is_none_or(media_type::is_json) {
            return Ok(Payload::Json(body.slice_ref(text.as_bytes())));
        }
        return match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text).map(Payload::Text).map_err(|error| format!("`data`: {error}")),
            Some(b'n') => Ok(Payload::None),
            _ => Ok(Payload::Json(body.slice_ref(text.as_bytes()))),
        };
    };
    if data.is_some_and(|text| text != "null") {
        return Err("the event has both `data` and `data_base64`: one of them is expected".to_owned());
    }
    match BASE64_STANDARD.decode(base64.as_bytes()) {
        Ok(bytes) => Ok(Payload::Bytes(bytes.into())),
        Err(error) => Err(format!("`data_base64` is not Base64 with padding (RFC 4648 §4): {error}")),
    }
}

/// Encodes an event as the body of structured mode.
pub(crate) fn encode(event: &Event) -> Result<Bytes, Error> {
    let mut body = Vec::with_capacity(512);
    write(&mut body, event)?;
    Ok(body.into())
}

/// Appends the JSON object of an event.
pub(super) fn write(out: &mut Vec<u8>, event: &Event) -> Result<(), Error> {
    out.extend_from_slice(br#"{"specversion":"1.0""#);
    known(out, "id", event.id())?;
    known(out, "source", event.source())?;
    known(out, "type", event.ty())?;
    if let Some(subject) = event.subject() {
        known(out, "subject", subject)?;
    }
    if let Some(time) = attributes::time_text(event)? {
        known(out, "time", &time)?;
    }
    if let Some(media_type) = event.datacontenttype() {
        attributes::check_media_type(media_type)?;
        known(out, "datacontenttype", media_type)?;
    }
    if let Some(dataschema) = event.dataschema() {
        known(out, "dataschema", dataschema.as_ref())?;
    }
    for (name, value) in event.iter_extensions() {
        attributes::check_extension_name(name)?;
        member(out, name);
        match value {
            ExtensionValue::String(text) => {
                attributes::check_text(name, text)?;
                serde_json::to_writer(&mut *out, text)?;
            }
            ExtensionValue::Boolean(value) => serde_json::to_writer(&mut *out, value)?,
            ExtensionValue::Integer(value) => serde_json::to_writer(&mut *out, value)?,
        }
    }
    data(out, event)?;
    out.push(b'}');
    Ok(())
}

fn data(out: &mut Vec<u8>, event: &Event) -> Result<(), Error> {
    let is_json = event.datacontenttype().map(media_type::is_json);
    let bytes = match event.data() {
        None => return Ok(()),
        Some(Data::Json(value)) => {
            member(out, "data");
            return Ok(serde_json::to_writer(out, value)?);
        }
        Some(Data::String(text)) if is_json != Some(true) => {
            member(out, "data");
            return Ok(serde_json::to_writer(out, text)?);
        }
        Some(Data::String(text)) => text.as_bytes(),
        Some(Data::Binary(bytes)) => bytes,
    };
    if is_json == Some(true)
        && let Ok(json) = serde_json::from_slice::<&RawValue>(bytes)
    {
        member(out, "data");
        out.extend_from_slice(json.get().as_bytes());
        return Ok(());
    }
    member(out, "data_base64");
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    BASE64_STANDARD.encode_slice(bytes, &mut out[start..])?;
    out.push(b'"');
    Ok(())
}

fn known(out: &mut Vec<u8>, name: &str, value: &str) -> Result<(), Error> {
    if value.is_empty() {
        return Err(attributes::empty(name));
    }
    attributes::check_text(name, value)?;
    member(out, name);
    Ok(serde_json::to_writer(out, value)?)
}

/// Writes the name of a member, which no character of needs an escape, after the comma.
fn member(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}
