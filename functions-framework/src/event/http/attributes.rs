//! The rules every attribute keeps, whichever mode it travels in.

use std::borrow::Cow;

use cloudevents::{
    AttributesReader as _, AttributesWriter as _, Event, EventBuilder as _, EventBuilderV10,
    event::{ExtensionValue, TryIntoUrl as _},
};
use http::StatusCode;

use super::{header_value::find_control, time};
use crate::{error::Error, event::media_type};

/// What is wrong with an event, in words for its sender.
#[derive(Debug)]
pub(super) struct Invalid(pub(super) String);

impl Invalid {
    /// Answers `400 Bad Request` with the words.
    pub(super) fn refused(self) -> Error {
        Error::refused(StatusCode::BAD_REQUEST, self.0)
    }

    pub(super) fn twice(name: &str) -> Self {
        Self(format!("the CloudEvents attribute {} is given twice", quoted(name)))
    }

    pub(super) fn control(name: &str, control: char) -> Self {
        Self(format!("the CloudEvents attribute {} holds the control character U+{:04X}", quoted(name), u32::from(control)))
    }

    pub(super) fn not_utf8(name: &str) -> Self {
        Self(format!("the CloudEvents attribute {} is not valid UTF-8", quoted(name)))
    }

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

/// The attributes of an event that arrives, as texts without control characters, before anything else is checked.
#[derive(Default)]
pub(super) struct Draft<'a> {
    pub(super) specversion: Option<Cow<'a, str>>,
    pub(super) id: Option<Cow<'a, str>>,
    pub(super) source: Option<Cow<'a, str>>,
    pub(super) ty: Option<Cow<'a, str>>,
    pub(super) subject: Option<Cow<'a, str>>,
    pub(super) time: Option<Cow<'a, str>>,
    pub(super) datacontenttype: Option<Cow<'a, str>>,
    pub(super) dataschema: Option<Cow<'a, str>>,
    pub(super) extensions: Vec<(Cow<'a, str>, ExtensionValue)>,
}

impl<'a> Draft<'a> {
    /// Returns the place of an attribute the specification knows.
    pub(super) fn known(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        Some(match name {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.ty,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "datacontenttype" => &mut self.datacontenttype,
            "dataschema" => &mut self.dataschema,
            _ => return None,
        })
    }

    /// Checks the attributes and makes the event, without data.
    pub(super) fn finish(self) -> Result<Event, Invalid> {
        match self.specversion.as_deref() {
            Some("1.0") => {}
            Some(other) => return Err(Invalid::value("specversion", other, "`1.0`")),
            None => return Err(missing("specversion")),
        }
        let mut event = EventBuilderV10::new()
            .id(required("id", self.id)?)
            .source(required("source", self.source)?)
            .ty(required("type", self.ty)?)
            .build()
            .map_err(|error| Invalid(error.to_string()))?;
        if let Some(subject) = self.subject {
            event.set_subject(Some(not_empty("subject", subject)?));
        }
        if let Some(text) = self.time {
            let Some(time) = time::parse(&text) else {
                return Err(Invalid::value("time", &text, "an RFC 3339 timestamp such as `2026-01-31T12:00:00Z`"));
            };
            event.set_time(Some(time));
        }
        if let Some(media_type) = self.datacontenttype {
            if !media_type::is_valid(&media_type) {
                return Err(Invalid::value("datacontenttype", &media_type, "a media type such as `application/json`"));
            }
            event.set_datacontenttype(Some(media_type));
        }
        if let Some(text) = self.dataschema {
            let Ok(uri) = (&*text).into_url() else {
                return Err(Invalid::value("dataschema", &text, "an absolute URI"));
            };
            event.set_dataschema(Some(uri));
        }
        for (name, value) in self.extensions {
            if event.extension(&name).is_some() {
                return Err(Invalid::twice(&name));
            }
            event.set_extension(&name, value);
        }
        Ok(event)
    }
}

fn missing(name: &str) -> Invalid {
    Invalid(format!("the required CloudEvents attribute `{name}` is missing"))
}

fn required(name: &str, value: Option<Cow<'_, str>>) -> Result<String, Invalid> {
    value.map_or_else(|| Err(missing(name)), |value| not_empty(name, value))
}

fn not_empty(name: &str, value: Cow<'_, str>) -> Result<String, Invalid> {
    if value.is_empty() {
        return Err(Invalid(format!("the CloudEvents attribute `{name}` is empty")));
    }
    Ok(value.into_owned())
}

/// Tells whether an attribute may have that name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
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

/// Checks the name of an extension that is to be sent.
pub(super) fn check_extension_name(name: &str) -> Result<(), Error> {
    if !is_name(name) {
        return Err(cannot_be_sent(&format!(
            "the name of the attribute {} has characters other than a-z and 0-9",
            quoted(name)
        )));
    }
    if name == "data" || Draft::default().known(name).is_some() {
        return Err(cannot_be_sent(&format!("an extension cannot be named `{name}`")));
    }
    Ok(())
}

/// Checks the value of a text attribute that is to be sent.
pub(super) fn check_text(name: &str, value: &str) -> Result<(), Error> {
    match find_control(value) {
        Some(control) => Err(cannot_be_sent(&Invalid::control(name, control).0)),
        None => Ok(()),
    }
}

/// Checks the value of a known attribute that is to be sent.
pub(super) fn check_known(name: &str, value: &str) -> Result<(), Error> {
    if value.is_empty() {
        return Err(cannot_be_sent(&format!("the attribute `{name}` is empty")));
    }
    check_text(name, value)
}

/// Checks a `datacontenttype` that is to be sent.
pub(super) fn check_media_type(value: &str) -> Result<(), Error> {
    if media_type::is_valid(value) {
        return Ok(());
    }
    Err(cannot_be_sent(&Invalid::value("datacontenttype", value, "a media type").0))
}

/// Formats the `time` of an event that is to be sent.
pub(super) fn time_text(event: &Event) -> Result<Option<String>, Error> {
    let Some(time) = event.time() else { return Ok(None) };
    time::format(*time).map(Some).ok_or_else(|| cannot_be_sent("the year of the attribute `time` is not 0 to 9999"))
}

/// Makes the error of an event that the function made and that is none on the wire; the caller is not to blame for it.
pub(super) fn cannot_be_sent(why: &str) -> Error {
    Error::new(format!("the event cannot be sent: {why}"))
}
