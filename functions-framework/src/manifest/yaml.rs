//! YAML as JSON values, each with its place in the text, so that what is wrong with it can be shown there.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::{self, Write as _},
};

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_json::{Map, Number, Value};

use super::node::Mistake;

/// How deep values may be in one another.
const DEEPEST: usize = 64;
/// How many values a text may come to once its aliases are written out.
const MOST: usize = 100_000;

/// One document of a text.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    /// By the path of a value, such as `spec.serving.outputs[0].dapr.name`.
    places: BTreeMap<String, Place>,
}

/// Where something is, counted from 1 as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Document {
    /// Where the value at a path is, or the one that it is missing in.
    pub(super) fn place(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            match self.places.get(path) {
                Some(place) => return Some(*place),
                None if path.is_empty() => return None,
                None => path = &path[..path.rfind(['.', '[']).unwrap_or_default()],
            }
        }
    }
}

/// A text that is no YAML.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) place: Place,
    pub(super) mistake: Mistake,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Reads all documents; empty ones are left out.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, Broken> {
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        place: Place { line: 1, column: 1 },
        is_empty: false,
        path: String::new(),
        places: BTreeMap::new(),
        anchors: HashMap::new(),
        left: MOST,
    };
    reader.documents()
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Of the event that was read last.
    place: Place,
    /// Whether that event is nothing but a place where something could be.
    is_empty: bool,
    /// Of the value that is being read.
    path: String,
    places: BTreeMap<String, Place>,
    anchors: HashMap<usize, Anchor>,
    /// How many values may still come.
    left: usize,
}

/// A value that may be repeated.
struct Anchor {
    value: Value,
    size: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn documents(&mut self) -> Result<Vec<Document>, Broken> {
        let mut documents = Vec::new();
        while let Some(event) = self.next()? {
            if !event.is_node() {
                continue;
            }
            let value = self.value(event, 0)?;
            let places = std::mem::take(&mut self.places);
            if !value.is_null() {
                documents.push(Document { value, places });
            }
        }
        Ok(documents)
    }

    fn next(&mut self) -> Result<Option<Event<'a>>, Broken> {
        match self.parser.next() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                self.place = Place { line: span.start.line(), column: span.start.col() + 1 };
                self.is_empty = span.is_empty();
                Ok(Some(event))
            }
            Some(Err(error)) => {
                self.place = Place { line: error.marker().line(), column: error.marker().col() + 1 };
                Err(self.broken(format!("no YAML: {}", error.info())))
            }
        }
    }

    /// The next event within a collection.
    fn inner(&mut self) -> Result<Event<'a>, Broken> {
        self.next()?.ok_or_else(|| self.broken("no YAML: it ends too early"))
    }

    fn broken(&self, what: impl Into<String>) -> Broken {
        Broken { place: self.place, mistake: Mistake::new(self.path.clone(), what) }
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Result<Value, Broken> {
        self.take(1)?;
        self.expect_depth(depth)?;
        self.places.entry(self.path.clone()).or_insert(self.place);
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (self.scalar(&text, style, tag.as_deref())?, anchor),
            Event::SequenceStart(_, anchor, tag) => {
                self.expect_tag(tag.as_deref(), "seq")?;
                (self.sequence(depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.expect_tag(tag.as_deref(), "map")?;
                (self.mapping(depth)?, anchor)
            }
            Event::Alias(anchor) => return self.repeated(anchor, depth),
            other => return Err(self.broken(format!("no YAML: unexpected {other:?}"))),
        };
        if anchor != 0 {
            let (size, depth) = measure(&value);
            self.anchors.insert(anchor, Anchor { value: value.clone(), size, depth });
        }
        Ok(value)
    }

    fn take(&mut self, size: usize) -> Result<(), Broken> {
        self.left = self.left.checked_sub(size).ok_or_else(|| self.too_much(format!("it has more than {MOST} values")))?;
        Ok(())
    }

    fn expect_depth(&self, depth: usize) -> Result<(), Broken> {
        let too_deep = || self.too_much(format!("values are more than {DEEPEST} deep in one another"));
        if depth > DEEPEST { Err(too_deep()) } else { Ok(()) }
    }

    /// Without the path, which would be as long.
    fn too_much(&self, what: String) -> Broken {
        Broken { place: self.place, mistake: Mistake::new("", what) }
    }

    fn repeated(&mut self, anchor: usize, depth: usize) -> Result<Value, Broken> {
        // It is not known before it is complete.
        let Some(anchor) = self.anchors.get(&anchor) else { return Err(self.broken("the alias is within its own anchor")) };
        let (value, size, deepest) = (anchor.value.clone(), anchor.size, depth + anchor.depth);
        self.expect_depth(deepest)?;
        self.take(size)?;
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, Broken> {
        let mut items = Vec::new();
        loop {
            let event = self.inner()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(items));
            }
            let length = self.path.len();
            // Writing to a text cannot fail.
            let _ = write!(self.path, "[{}]", items.len());
            items.push(self.value(event, depth + 1)?);
            self.path.truncate(length);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Broken> {
        let mut members = Map::new();
        let mut merged = Vec::new();
        loop {
            let (key, is_plain) = match self.inner()? {
                Event::MappingEnd => break,
                Event::Scalar(text, style, ..) => (text.into_owned(), style == ScalarStyle::Plain),
                _ => return Err(self.broken("expected a name with a colon after it")),
            };
            let length = self.path.len();
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            if members.contains_key(&key) {
                return Err(self.broken("it is there twice"));
            }
            let named_at = self.place;
            let event = self.inner()?;
            // What is empty has no place of its own.
            if self.is_empty && matches!(event, Event::Scalar(..)) {
                self.place = named_at;
            }
            let value = self.value(event, depth + 1)?;
            match value {
                value if is_plain && key == "<<" => merged.push(value),
                value => drop(members.insert(key, value)),
            }
            self.path.truncate(length);
        }
        // `<<: *defaults`, of YAML 1.1 and of kubectl: what is written out wins.
        for value in merged {
            let sources = if let Value::Array(sources) = value { sources } else { vec![value] };
            for source in sources {
                let Value::Object(source) = source else { return Err(self.broken("<<: expected an alias of a mapping")) };
                for (key, value) in source {
                    members.entry(key).or_insert(value);
                }
            }
        }
        Ok(Value::Object(members))
    }

    fn expect_tag(&self, tag: Option<&Tag>, expected: &str) -> Result<(), Broken> {
        match tag {
            None => Ok(()),
            Some(tag) if tag.is_yaml_core_schema_tag(expected) => Ok(()),
            Some(tag) => Err(self.unknown_tag(tag)),
        }
    }

    fn unknown_tag(&self, tag: &Tag) -> Broken {
        self.broken(format!("the tag {}{} is not known here", tag.handle(), tag.suffix()))
    }

    /// The core schema of YAML 1.2: `yes` and `on` are text.
    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, Broken> {
        let is_text = match tag.map(|tag| (tag, tag.core_suffix())) {
            None => style != ScalarStyle::Plain,
            Some((_, Some("str"))) => true,
            Some((_, Some("null" | "bool" | "int" | "float"))) => false,
            // A lone `!` is for text.
            Some((tag, _)) if tag.suffix().is_empty() => true,
            Some((tag, _)) => return Err(self.unknown_tag(tag)),
        };
        if is_text {
            return Ok(Value::String(text.to_owned()));
        }
        Ok(match text {
            "" | "~" | "null" | "Null" | "NULL" => Value::Null,
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
        })
    }
}

/// A number, when JSON can say it without a loss: an account number of 30 digits stays text.
fn number(text: &str) -> Option<Number> {
    let based = |prefix: &str, base: u32| {
        let digits = text.strip_prefix(prefix).filter(|digits| !digits.starts_with(['+', '-']))?;
        u64::from_str_radix(digits, base).ok().map(Number::from)
    };
    if let Some(number) = based("0x", 16).or_else(|| based("0o", 8)) {
        return Some(number);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        return text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from)).ok();
    }
    // Rust's own form of a number has names such as `inf` too.
    let is_written_out = unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let starts_as_one = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    (is_written_out && starts_as_one).then(|| text.parse().ok().and_then(Number::from_f64)).flatten()
}

/// How many values it is, and how deep they are in one another.
fn measure(value: &Value) -> (usize, usize) {
    let of_all = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(measure).fold((1, 0), |(size, depth), inner| (size + inner.0, depth.max(inner.1 + 1)))
    };
    match value {
        Value::Array(items) => of_all(&mut items.iter()),
        Value::Object(members) => of_all(&mut members.values()),
        _ => (1, 0),
    }
}
