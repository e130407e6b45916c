//! The texts of an event, one behind the other in one piece of memory: most are so short that a piece for each would cost
//! more than all that is done with them.

use std::ops::Range;

use bytes::Bytes;

/// An attribute that is a text. None of them may be empty: an empty one is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Id,
    Source,
    Type,
    Subject,
    Datacontenttype,
    Dataschema,
}

impl Text {
    /// In the order of their numbers.
    pub(super) const ALL: [Self; 6] =
        [Self::Id, Self::Source, Self::Type, Self::Subject, Self::Datacontenttype, Self::Dataschema];

    /// Returns the name of the attribute.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Source => "source",
            Self::Type => "type",
            Self::Subject => "subject",
            Self::Datacontenttype => "datacontenttype",
            Self::Dataschema => "dataschema",
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    all: String,
    places: [(usize, usize); Text::ALL.len()],
}

impl Texts {
    const fn place(&self, text: Text) -> Range<usize> {
        let (start, end) = self.places[text as usize];
        start..end
    }

    pub(super) fn get(&self, text: Text) -> Option<&str> {
        let place = self.place(text);
        (!place.is_empty()).then(|| &self.all[place])
    }

    /// Sets a text; that of before stays in the memory, and is of no account.
    pub(super) fn set(&mut self, text: Text, value: &str) {
        if self.all.is_empty() {
            // Enough for nearly every event.
            self.all.reserve(192.max(value.len()));
        }
        let start = self.all.len();
        self.all.push_str(value);
        self.places[text as usize] = (start, self.all.len());
    }

    /// Takes all of them, each a part of the one memory.
    pub(super) fn into_bytes(self) -> [Option<Bytes>; Text::ALL.len()] {
        let places = Text::ALL.map(|text| self.place(text));
        let all = Bytes::from(self.all);
        places.map(|place| (!place.is_empty()).then(|| all.slice(place)))
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        Text::ALL.iter().all(|text| self.get(*text) == other.get(*text))
    }
}

impl Eq for Texts {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_one_that_was_set_last() {
        let mut texts = Texts::default();
        assert_eq!(texts.get(Text::Id), None);
        texts.set(Text::Type, "t");
        texts.set(Text::Id, "first");
        texts.set(Text::Subject, "é");
        texts.set(Text::Id, &"second".repeat(100));
        assert_eq!(texts.get(Text::Id).unwrap(), "second".repeat(100));
        assert_eq!((texts.get(Text::Type), texts.get(Text::Subject), texts.get(Text::Source)), (Some("t"), Some("é"), None));

        let mut same = Texts::default();
        same.set(Text::Id, &"second".repeat(100));
        assert_ne!(same, texts);
        same.set(Text::Subject, "é");
        same.set(Text::Type, "t");
        assert_eq!(same, texts);
        let [id, _, ty, ..] = same.into_bytes();
        assert_eq!((id.unwrap().len(), ty.unwrap()), (600, Bytes::from("t")));
    }

    #[test]
    fn each_text_has_a_place_of_its_own() {
        for (number, text) in Text::ALL.into_iter().enumerate() {
            assert_eq!(text as usize, number);
        }
    }
}
