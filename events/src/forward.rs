//! An event on its way to an output, with all that it has.

use bytes::Bytes;
use functions_framework::{Context, Event, Output, Result};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Why an event is where it is: nobody else took it.
#[derive(Debug, Clone)]
pub(crate) struct Reason {
    /// The condition of the subscriber.
    pub(crate) condition: String,
    pub(crate) failure: String,
}

/// The extension attribute, and what follows `Ce-` in a header.
const REASON: &str = "deadletterreason";
const CONDITION: &str = "deadlettercondition";

/// A reason is for people: nobody needs more of it, and brokers and servers have limits for what goes with a message.
const LONGEST_REASON: usize = 1000;

/// Sends a payload to an output. Of an event, a topic gets all of it and a binding the data, with the attributes beside it.
pub(crate) async fn forward(ctx: &Context, output: &str, payload: &Bytes, reason: Option<&Reason>) -> Result<()> {
    let output = ctx.output(output)?;
    if output.topic().is_none() {
        let output = with_headers(output, ctx.event(), reason);
        return output.send(payload.clone()).await.map(drop);
    }
    match ctx.event() {
        Some(event) => output.send(noted(event, reason)?).await.map(drop),
        // The broker's own metadata is all there is to write it on.
        None => noted_beside(output, reason).send(payload.clone()).await.map(drop),
    }
}

/// The event as it can go through a sidecar, with the reason if there is one.
///
/// What came over gRPC is bytes: text is written as the text it is, for whoever reads the member `data`. Of what is neither text
/// nor JSON a sidecar keeps only base64.
fn noted(event: &Event, reason: Option<&Reason>) -> Result<Event> {
    let mut builder = event.clone().into_builder();
    if let (Some(media_type), Some(data)) = (event.datacontenttype(), event.data()) {
        let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        builder = match std::str::from_utf8(data) {
            Ok(text) if kind.starts_with("text/") => builder.data(media_type, text.to_owned()),
            _ if kind == "application/json" => builder,
            _ => builder.data(media_type, data.clone()),
        };
    }
    for (name, value) in reason.iter().flat_map(|reason| reason.attributes()) {
        builder = builder.extension(name, value);
    }
    builder.build()
}

fn noted_beside(output: Output, reason: Option<&Reason>) -> Output {
    let attributes = reason.iter().flat_map(|reason| reason.attributes());
    attributes.fold(output, |output, (name, value)| output.metadata(name, value))
}

/// The attributes as a request has them in binary mode: `bindings.http` makes headers of metadata in capitals, others pass over it
/// or keep it with the message.
fn with_headers(mut output: Output, event: Option<&Event>, reason: Option<&Reason>) -> Output {
    if let Some(event) = event {
        let time = event.time().map(|time| time.to_rfc3339());
        let attributes = [
            ("Specversion", Some("1.0")),
            ("Id", Some(event.id())),
            ("Source", Some(event.source())),
            ("Type", Some(event.ty())),
            ("Subject", event.subject()),
            ("Time", time.as_deref()),
            ("Dataschema", event.dataschema()),
        ];
        for (name, value) in attributes {
            if let Some(value) = value {
                output = output.metadata(format!("Ce-{name}"), header_value(value));
            }
        }
        for (name, value) in event.extensions() {
            output = output.metadata(format!("Ce-{}", capitalized(name)), header_value(&value.to_string()));
        }
        if let Some(media_type) = event.datacontenttype() {
            output = output.content_type(media_type);
        }
    }
    let attributes = reason.iter().flat_map(|reason| reason.attributes());
    attributes.fold(output, |output, (name, value)| output.metadata(format!("Ce-{}", capitalized(name)), header_value(&value)))
}

impl Reason {
    fn attributes(&self) -> [(&'static str, String); 2] {
        [(REASON, line(&self.failure)), (CONDITION, line(&self.condition))]
    }
}

/// A text as the value of an attribute: no control characters, and not without end.
fn line(text: &str) -> String {
    text.chars().take(LONGEST_REASON).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_uppercase().to_string() + characters.as_str()).unwrap_or_default()
}

/// What the HTTP binding of CloudEvents encodes, besides all that is not ASCII.
const ENCODED: AsciiSet = CONTROLS.add(b' ').add(b'"').add(b'%');

fn header_value(text: &str) -> String {
    utf8_percent_encode(text, &ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_what_a_header_can_have() {
        assert_eq!(header_value("a b%\"é\n"), "a%20b%25%22%C3%A9%0A");
        assert_eq!(capitalized("traceparent"), "Traceparent");
        assert_eq!(line("two\nlines"), "two lines");
        assert_eq!(line(&"x".repeat(5000)).len(), LONGEST_REASON);
    }

    #[test]
    fn text_and_json_are_themselves_and_what_a_sidecar_would_lose_is_base64() {
        let written = |media_type, data: &'static [u8]| {
            let event = Event::builder().id("1").source("/s").ty("t").data(media_type, Bytes::from_static(data));
            noted(&event.build().unwrap(), None).unwrap().to_string()
        };
        for (media_type, data, expected) in [
            ("foo/bar", &b"1"[..], r#""data_base64":"MQ==""#),
            ("text/plain", b"\xff", r#""data_base64":"/w==""#),
            ("text/csv", b"a,b", r#""data":"a,b""#),
            ("Text/Plain; charset=utf-8", b"x", r#""data":"x""#),
            ("application/json", b"[1]", r#""data":[1]"#),
        ] {
            assert!(written(media_type, data).contains(expected), "{media_type}: {}", written(media_type, data));
        }
    }

    #[test]
    fn the_reason_is_an_attribute_and_nothing_else_changes() {
        let event = Event::builder().id("1").source("/s").ty("t").extension("a", "b").data("text/plain", "x").build().unwrap();
        let reason = Reason { condition: "A || B".to_owned(), failure: "no\nroute".to_owned() };
        let noted = noted(&event, Some(&reason)).unwrap();
        assert_eq!((noted.id(), noted.extension("a").unwrap().to_string().as_str()), ("1", "b"));
        assert_eq!(noted.extension(REASON).unwrap().to_string(), "no route");
        assert_eq!((noted.extension(CONDITION).unwrap().to_string().as_str(), noted.data()), ("A || B", event.data()));
    }
}
