//! Binary mode: attributes are headers, the body is the data and nothing else.

use std::borrow::Cow;

use bytes::Bytes;
use cloudevents::{AttributesReader as _, AttributesWriter as _, Data, Event, event::ExtensionValue};
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use serde_json::Value;

use super::{
    ascii,
    attributes::{self, Draft, Invalid, cannot_be_sent, is_uri_reference, quoted},
    header_value,
};
use crate::{
    error::Error,
    event::{Envelope, Payload, media_type},
};

/// Headers that say that a request is an event in binary mode; one is enough, so that a sender that forgot another is told.
const MARKS: [&str; 4] = ["ce-specversion", "ce-id", "ce-source", "ce-type"];

/// Tells whether headers mean an event in binary mode.
pub(super) fn is_event(headers: &HeaderMap) -> bool {
    MARKS.into_iter().any(|name| headers.contains_key(name))
}

/// Decodes an event, or `None` when the headers mean none.
pub(super) fn decode(headers: &HeaderMap, body: Bytes) -> Result<Option<Envelope>, Invalid> {
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
    let payload = if body.is_empty() { Payload::None } else { Payload::Bytes(body) };
    Ok(Some(Envelope::new(draft.finish()?, payload)))
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
            draft.extend(name.to_owned(), ExtensionValue::String(text));
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
    if value == "application/json" {
        return draft.set_datacontenttype("application/json");
    }
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => draft.set_datacontenttype(text),
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
static CE_ID: HeaderName = HeaderName::from_static("ce-id");
static CE_SOURCE: HeaderName = HeaderName::from_static("ce-source");
static CE_TYPE: HeaderName = HeaderName::from_static("ce-type");
static CE_SUBJECT: HeaderName = HeaderName::from_static("ce-subject");
static CE_TIME: HeaderName = HeaderName::from_static("ce-time");
static CE_DATASCHEMA: HeaderName = HeaderName::from_static("ce-dataschema");

/// Encodes an event as the headers, `Content-Type` among them, and the body of a message.
pub(crate) fn encode(mut event: Event) -> Result<(HeaderMap, Bytes), Error> {
    let mut headers = HeaderMap::with_capacity(10);
    headers.insert(CE_SPECVERSION.clone(), HeaderValue::from_static("1.0"));
    // Taking the texts out saves a copy of each.
    known(&mut headers, &CE_ID, event.set_id(String::new()))?;
    known(&mut headers, &CE_SOURCE, event.set_source(String::new()))?;
    known(&mut headers, &CE_TYPE, event.set_type(String::new()))?;
    if let Some(subject) = event.set_subject(None::<String>) {
        known(&mut headers, &CE_SUBJECT, subject)?;
    }
    if let Some(time) = attributes::time_text(&event)? {
        headers.insert(CE_TIME.clone(), HeaderValue::try_from(time)?);
    }
    if let Some(dataschema) = event.dataschema() {
        known(&mut headers, &CE_DATASCHEMA, dataschema.to_string())?;
    }
    for (name, value) in event.iter_extensions() {
        attributes::check_extension_name(name)?;
        let header = HeaderName::try_from(format!("ce-{name}"))?;
        let value = header_value(&header, value.to_string())?;
        headers.insert(header, value);
    }
    let (media_type, _, data) = event.take_data();
    let (media_type, body) = body(media_type, data);
    if let Some(media_type) = media_type {
        headers.insert(CONTENT_TYPE, media_type_value(media_type)?);
    }
    Ok((headers, body))
}

fn known(headers: &mut HeaderMap, header: &HeaderName, value: String) -> Result<(), Error> {
    if value.is_empty() {
        return Err(attributes::empty(attribute(header)));
    }
    let value = header_value(header, value)?;
    headers.insert(header.clone(), value);
    Ok(())
}

fn header_value(header: &HeaderName, value: String) -> Result<HeaderValue, Error> {
    if ascii::is_unescaped(value.as_bytes()) {
        return Ok(HeaderValue::try_from(value)?);
    }
    attributes::check_text(attribute(header), &value)?;
    Ok(HeaderValue::try_from(header_value::encode(&value))?)
}

/// Gives the name of the attribute a header carries.
fn attribute(header: &HeaderName) -> &str {
    let name = header.as_str();
    name.strip_prefix("ce-").unwrap_or(name)
}

fn media_type_value(media_type: String) -> Result<HeaderValue, Error> {
    if media_type == "application/json" {
        return Ok(HeaderValue::from_static("application/json"));
    }
    attributes::check_media_type(&media_type)?;
    let value = HeaderValue::try_from(media_type)?;
    if super::names_event_format(&value) {
        return Err(cannot_be_sent("in binary mode its datacontenttype would say that the body is an event"));
    }
    Ok(value)
}

/// Gives the data as a body, and the media type of that body.
fn body(media_type: Option<String>, data: Option<Data>) -> (Option<String>, Bytes) {
    match (data, media_type) {
        (None, media_type) => (media_type, Bytes::new()),
        (Some(Data::Binary(bytes)), media_type) => (media_type, bytes.into()),
        // `data` without a content type is JSON, and the receiver of a body has to be told.
        (Some(Data::String(text)), None) => (Some("application/json".to_owned()), Value::String(text).to_string().into()),
        (Some(Data::Json(value)), None) => (Some("application/json".to_owned()), value.to_string().into()),
        (Some(Data::String(text)), media_type) => (media_type, text.into()),
        (Some(Data::Json(Value::String(text))), Some(media_type)) if !media_type::is_json(&media_type) => {
            (Some(media_type), text.into())
        }
        (Some(Data::Json(value)), media_type) => (media_type, value.to_string().into()),
    }
}
