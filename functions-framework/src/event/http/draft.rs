//! An event that arrives, while its attributes are read one by one.

use std::borrow::Cow;

use crate::event::{
    Data, Event, ExtensionValue, Parts,
    attributes::{self, Invalid},
    media_type,
    texts::Text,
    time,
};

/// The attributes and the data of an event that arrives, each checked as it is read.
#[derive(Default)]
pub(super) struct Draft {
    specversion: bool,
    parts: Parts,
}

impl Draft {
    /// Takes an attribute the specification knows, or gives its value back. The value holds no control characters.
    #[inline]
    pub(super) fn set<'a>(&mut self, name: &str, value: Cow<'a, str>) -> Result<Option<Cow<'a, str>>, Invalid> {
        let text = match name {
            "id" => Text::Id,
            "source" => Text::Source,
            "type" => Text::Type,
            "subject" => Text::Subject,
            "dataschema" => Text::Dataschema,
            "datacontenttype" => Text::Datacontenttype,
            "time" => return self.set_time(&value).map(|()| None),
            "specversion" => return self.set_specversion(&value).map(|()| None),
            _ => return Ok(Some(value)),
        };
        self.set_text(text, &value).map(|()| None)
    }

    pub(super) fn set_text(&mut self, text: Text, value: &str) -> Result<(), Invalid> {
        if self.parts.attributes.texts.get(text).is_some() {
            return Err(Invalid::twice(text.name()));
        }
        attributes::check_form(text, value)?;
        self.parts.attributes.texts.set(text, value);
        Ok(())
    }

    pub(super) fn set_specversion(&mut self, value: &str) -> Result<(), Invalid> {
        if value != "1.0" {
            return Err(Invalid::specversion(value));
        }
        if self.specversion {
            return Err(Invalid::twice("specversion"));
        }
        self.specversion = true;
        Ok(())
    }

    /// Takes a time in the form nearly every sender writes; tells whether it was one.
    pub(super) fn set_plain_time(&mut self, value: &[u8]) -> bool {
        if self.parts.attributes.time.is_none() {
            self.parts.attributes.time = time::parse_utc(value);
            return self.parts.attributes.time.is_some();
        }
        false
    }

    fn set_time(&mut self, value: &str) -> Result<(), Invalid> {
        let Some(time) = time::parse(value) else { return Err(Invalid::time(value)) };
        match self.parts.attributes.time.replace(time) {
            None => Ok(()),
            Some(_) => Err(Invalid::twice("time")),
        }
    }

    /// Says of data that is JSON and has no content type that it is (JSON format §3.1).
    pub(super) fn default_to_json(&mut self) {
        if self.datacontenttype().is_none() {
            self.parts.attributes.texts.set(Text::Datacontenttype, media_type::JSON);
        }
    }

    /// Takes an extension, whose name is right.
    pub(super) fn extend(&mut self, name: &str, value: ExtensionValue) {
        self.parts.attributes.extensions.push((name.into(), value));
    }

    pub(super) fn set_data(&mut self, data: Data) {
        self.parts.data = Some(data);
    }

    pub(super) fn datacontenttype(&self) -> Option<&str> {
        self.parts.attributes.texts.get(Text::Datacontenttype)
    }

    /// Tells whether none of the attributes is there that every event has.
    pub(super) fn is_blank(&self) -> bool {
        !self.specversion
            && [Text::Id, Text::Source, Text::Type].iter().all(|text| self.parts.attributes.texts.get(*text).is_none())
    }

    /// Makes the event.
    #[inline]
    pub(super) fn finish(mut self) -> Result<Event, Invalid> {
        if !self.specversion {
            return Err(Invalid::missing("specversion"));
        }
        self.parts.attributes.check_required()?;
        let extensions = &mut self.parts.attributes.extensions;
        if extensions.len() > 1 {
            extensions.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
            if let Some(same) = extensions.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(Invalid::twice(&same[0].0));
            }
        }
        Ok(self.parts.into())
    }
}
