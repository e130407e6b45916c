//! The rules every attribute keeps, whichever mode it travels in.

use std::{borrow::Cow, sync::LazyLock};

use chrono::{DateTime, Utc};
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

/// What every event that arrives starts as. The SDK's builder would move each of them about several times, and its `Default`
/// asks for the host name, the time and a random id.
static BLANK: LazyLock<Event> = LazyLock::new(|| {
    let mut event = EventBuilderV10::new().id("").source("-").ty("").build().expect("the three required attributes are there");
    // Unlike an empty text, one byte would cost each event an allocation.
    event.set_source("");
    event
});

/// The attributes of an event that arrives, each checked as it is read.
#[derive(Default)]
pub(super) struct Draft {
    specversion: bool,
    id: Option<String>,
    source: Option<String>,
    ty: Option<String>,
    subject: Option<String>,
    time: Option<DateTime<Utc>>,
    datacontenttype: Option<String>,
    dataschema: Option<String>,
    extensions: Vec<(String, ExtensionValue)>,
}

impl Draft {
    /// Takes an attribute the specification knows, or gives its value back. The value holds no control characters.
    #[inline]
    pub(super) fn set<'a>(&mut self, name: &str, value: Cow<'a, str>) -> Result<Option<Cow<'a, str>>, Invalid> {
        let (name, place) = match name {
            "id" => ("id", &mut self.id),
            "source" => ("source", &mut self.source),
            "type" => ("type", &mut self.ty),
            "subject" => ("subject", &mut self.subject),
            "dataschema" => ("dataschema", &mut self.dataschema),
            "time" => return self.set_time(&value).map(|()| None),
            "specversion" => return self.set_specversion(&value).map(|()| None),
            "datacontenttype" => return self.set_datacontenttype(&value).map(|()| None),
            _ => return Ok(Some(value)),
        };
        if place.is_some() {
            return Err(Invalid::twice(name));
        }
        if value.is_empty() {
            return Err(Invalid(format!("the CloudEvents attribute `{name}` is empty")));
        }
        *place = Some(value.into_owned());
        Ok(None)
    }

    pub(super) fn set_specversion(&mut self, value: &str) -> Result<(), Invalid> {
        if value != "1.0" {
            return Err(Invalid::value("specversion", value, "`1.0`"));
        }
        if self.specversion {
            return Err(Invalid::twice("specversion"));
        }
        self.specversion = true;
        Ok(())
    }

    /// Takes a time in the form nearly every sender writes; tells whether it was one.
    pub(super) fn set_plain_time(&mut self, value: &[u8]) -> bool {
        if self.time.is_none() {
            self.time = time::parse_utc(value);
            return self.time.is_some();
        }
        false
    }

    fn set_time(&mut self, value: &str) -> Result<(), Invalid> {
        let Some(time) = time::parse(value) else {
            return Err(Invalid::value("time", value, "an RFC 3339 timestamp such as `2026-01-31T12:00:00Z`"));
        };
        match self.time.replace(time) {
            None => Ok(()),
            Some(_) => Err(Invalid::twice("time")),
        }
    }

    pub(super) fn set_datacontenttype(&mut self, value: &str) -> Result<(), Invalid> {
        if !media_type::is_valid(value) {
            return Err(Invalid::value("datacontenttype", value, "a media type such as `application/json`"));
        }
        match self.datacontenttype.replace(value.to_owned()) {
            None => Ok(()),
            Some(_) => Err(Invalid::twice("datacontenttype")),
        }
    }

    /// Takes an extension, whose name is right.
    pub(super) fn extend(&mut self, name: String, value: ExtensionValue) {
        self.extensions.push((name, value));
    }

    pub(super) fn datacontenttype(&self) -> Option<&str> {
        self.datacontenttype.as_deref()
    }

    /// Tells whether none of the attributes is there that every event has.
    pub(super) const fn is_blank(&self) -> bool {
        !self.specversion && self.id.is_none() && self.source.is_none() && self.ty.is_none()
    }

    /// Makes the event, without data. It is boxed: it is large, and on its way to the function it moves from one result
    /// into another several times, which costs more than the allocation.
    #[inline]
    pub(super) fn finish(self) -> Result<Box<Event>, Invalid> {
        if !self.specversion {
            return Err(missing("specversion"));
        }
        let mut event = Box::new(BLANK.clone());
        event.set_id(self.id.ok_or_else(|| missing("id"))?);
        event.set_source(self.source.ok_or_else(|| missing("source"))?);
        event.set_type(self.ty.ok_or_else(|| missing("type"))?);
        event.set_subject(self.subject);
        event.set_time(self.time);
        event.set_datacontenttype(self.datacontenttype);
        if let Some(text) = self.dataschema {
            let Ok(uri) = text.as_str().into_url() else {
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

#[cold]
fn missing(name: &str) -> Invalid {
    Invalid(format!("the required CloudEvents attribute `{name}` is missing"))
}

/// The names of the attributes the specification knows.
const KNOWN: [&str; 8] = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];

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
    if name == "data" || KNOWN.contains(&name) {
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

/// Makes the error of a known attribute that is to be sent, and is empty.
#[cold]
pub(super) fn empty(name: &str) -> Error {
    cannot_be_sent(&format!("the attribute `{name}` is empty"))
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
