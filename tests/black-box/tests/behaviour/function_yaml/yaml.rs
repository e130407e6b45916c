//! YAML as JSON values, as `kubectl` makes them: what these files use of it, and anything else is refused.

use granit_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Value};

/// Reads all documents of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let options = granit_parser::options! { emit_comments: false };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut documents = Vec::new();
    while let Some(event) = next(&mut parser)? {
        if event.is_node() {
            documents.push(value(&mut parser, event)?);
        }
    }
    Ok(documents)
}

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Result<Option<Event<'a>>, String> {
    match parser.next() {
        None => Ok(None),
        Some(Ok((event, _))) => Ok(Some(event)),
        Some(Err(error)) => Err(format!("line {}: no YAML: {}", error.marker().line(), error.info())),
    }
}

fn inner<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Result<Event<'a>, String> {
    next(parser)?.ok_or_else(|| "it ends too early".to_owned())
}

fn value<'a>(parser: &mut Parser<'a, StrInput<'a>>, event: Event<'a>) -> Result<Value, String> {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => Ok(plain(&text)),
        Event::Scalar(text, ..) => Ok(Value::String(text.into_owned())),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match inner(parser)? {
                    Event::SequenceEnd => return Ok(Value::Array(items)),
                    event => items.push(value(parser, event)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut fields = Map::new();
            loop {
                let name = match inner(parser)? {
                    Event::MappingEnd => return Ok(Value::Object(fields)),
                    Event::Scalar(name, ..) => name.into_owned(),
                    other => return Err(format!("expected the name of a field, found {other:?}")),
                };
                let event = inner(parser)?;
                let value = value(parser, event)?;
                if fields.insert(name.clone(), value).is_some() {
                    return Err(format!("`{name}` is there twice"));
                }
            }
        }
        other => Err(format!("expected a value, found {other:?}")),
    }
}

/// What is not quoted may be something else than text.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => text.parse::<i64>().map_or_else(|_| text.into(), Into::into),
    }
}
