//! Binary mode: attributes are headers, the body is the data and nothing else.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};

use super::{draft::Draft, header_value};
use crate::{
    error::Error,
    event::{
        Attributes, Data, Event, ExtensionValue, ascii,
        attributes::{self, Invalid, is_uri_reference, quoted},
        media_type,
        texts::Text,
        time,
    },
};

/// Headers that say that a request is an event in binary mode; one is enough, so that a sender that forgot another is told.
const MARKS: [&str; 4] = ["ce-specversion", "ce-id", "ce-source", "ce-type"];

/// Tells whether headers mean an event in binary mode.
pub(super) fn is_event(headers: &HeaderMap) -> bool {
    // One pass over the names is less than four look-ups, for most requests have few headers.
    headers.keys().any(|name| name.as_str().starts_with("ce-") && MARKS.contains(&name.as_str()))
}

/// Decodes an event, or `None` when the headers mean none.
pub(super) fn decode(headers: &HeaderMap, body: Bytes) -> Result<Option<Event>, Invalid> {
    let mut draft = Draft::default();
    for (name, value) in headers {
        if let Err(invalid) = header(&mut draft, name, value) {
            // Headers of another protocol may begin with `ce-`: they are wrong only in an event.
            return if is_event(headers) { Err(invalid) } else { Ok(None) };
        }
    }
    if draft.is_blank() {
        return Ok(None);
    }
    // Nothing tells an empty body from no body.
    if !body.is_empty() {
        draft.set_data(body.into());
    }
    draft.finish().map(Some)
}

#[inline]
fn header(draft: &mut Draft, name: &HeaderName, value: &HeaderValue) -> Result<(), Invalid> {
    let name = name.as_str();
    let Some(attribute) = name.strip_prefix("ce-") else {
        return if name == "content-type" { content_type(draft, value) } else { Ok(()) };
    };
    if attribute == "specversion" && value == "1.0" {
        return draft.set_specversion("1.0");
    }
    if attribute == "time" && draft.set_plain_time(value.as_bytes()) {
        return Ok(());
    }
    let mut text = match header_value::decode(value.as_bytes()) {
        Ok(text) => text,
        Err(header_value::Invalid::NotUtf8) => return Err(Invalid::not_utf8(attribute)),
        Err(header_value::Invalid::Control(control)) => return Err(Invalid::control(attribute, control)),
    };
    if matches!(text, Cow::Owned(_)) && matches!(attribute, "source" | "dataschema") {
        text = uri(value, text);
    }
    if attribute == "datacontenttype" {
        return extension(draft, attribute, String::new());
    }
    match draft.set(attribute, text)? {
        None => Ok(()),
        Some(text) => extension(draft, attribute, text.into_owned()),
    }
}

fn extension(draft: &mut Draft, name: &str, text: String) -> Result<(), Invalid> {
    let instead = match name {
        "data" => "body",
        "datacontenttype" => "Content-Type header",
        _ if attributes::is_name(name) => {
            draft.extend(name, ExtensionValue::String(text));
            return Ok(());
        }
        _ => {
            let header = quoted(&format!("ce-{name}"));
            return Err(Invalid(format!(
                "the header {header} names no CloudEvents attribute: a-z and 0-9 are expected after `ce-`"
            )));
        }
    };
    Err(Invalid(format!("the header `ce-{name}` must not be present: binary mode has the {instead} instead")))
}

fn content_type(draft: &mut Draft, value: &HeaderValue) -> Result<(), Invalid> {
    if draft.datacontenttype().is_some() {
        return Err(Invalid("the Content-Type header is given twice".to_owned()));
    }
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => draft.set_text(Text::Datacontenttype, text),
        Err(_) => Err(Invalid::not_utf8("datacontenttype")),
    }
}

/// Senders that do not encode send a URI with its own escapes; undoing them would leave something that is no URI.
fn uri<'a>(value: &'a HeaderValue, decoded: Cow<'a, str>) -> Cow<'a, str> {
    match (&decoded, value.to_str()) {
        (Cow::Owned(text), Ok(raw)) if !is_uri_reference(text) && is_uri_reference(raw) => Cow::Borrowed(raw),
        _ => decoded,
    }
}

static CE_SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
static CE_TIME: HeaderName = HeaderName::from_static("ce-time");

/// The header of each text.
static HEADERS: [HeaderName; Text::ALL.len()] = [
    HeaderName::from_static("ce-id"),
    HeaderName::from_static("ce-source"),
    HeaderName::from_static("ce-type"),
    HeaderName::from_static("ce-subject"),
    CONTENT_TYPE,
    HeaderName::from_static("ce-dataschema"),
];

/// Encodes an event as the headers, `Content-Type` among them, and the body of a message.
pub(crate) fn encode(event: Event) -> Result<(HeaderMap, Bytes), Error> {
    // Taking the texts out of an event that nobody shares saves a copy of them.
    let Event { attributes, data } = event;
    let headers =
        headers(Arc::unwrap_or_clone(attributes)).map_err(|error| error.context("the event cannot be sent in binary mode"))?;
    Ok((headers, data.map_or_else(Bytes::new, Data::into_bytes)))
}

fn headers(attributes: Attributes) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(10);
    headers.insert(CE_SPECVERSION.clone(), HeaderValue::from_static("1.0"));
    for (header, text) in HEADERS.iter().zip(attributes.texts.into_bytes()) {
        if let Some(text) = text {
            let value = if header == CONTENT_TYPE { content_type_value(text)? } else { header_value(text)? };
            headers.insert(header.clone(), value);
        }
    }
    if let Some(time) = attributes.time {
        headers.insert(CE_TIME.clone(), HeaderValue::try_from(time::format(time))?);
    }
    for (name, value) in attributes.extensions {
        let header = HeaderName::try_from(format!("ce-{name}"))
            .map_err(|error| Error::from(error).context(format!("the name of the attribute {}", quoted(&name))))?;
        let text = match value {
            ExtensionValue::String(text) => text,
            other => other.to_string(),
        };
        // An event in structured mode may have more attributes than a message has room for headers.
        headers.try_append(header, header_value(text.into())?)?;
    }
    Ok(headers)
}

fn header_value(text: Bytes) -> Result<HeaderValue, Error> {
    if ascii::is_unescaped(&text) {
        return Ok(HeaderValue::from_maybe_shared(text)?);
    }
    Ok(HeaderValue::try_from(header_value::encode(&text))?)
}

fn content_type_value(media_type: Bytes) -> Result<HeaderValue, Error> {
    if media_type == media_type::JSON {
        return Ok(HeaderValue::from_static(media_type::JSON));
    }
    let value = HeaderValue::from_maybe_shared(media_type)?;
    if super::names_event_format(&value) {
        return Err(Error::new("its datacontenttype would say that the body is an event"));
    }
    Ok(value)
}
