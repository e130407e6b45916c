//! A line of the log as a JSON object; `docs/operations.md` says what its keys are.

use std::fmt::{self, Debug, Write as _};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

use super::ACCESS;
use crate::current;

/// What the keys are called.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    time: &'static str,
    level: &'static str,
    levels: [&'static str; 5],
    trace: &'static str,
    /// What stands before a trace id.
    trace_of: String,
    span: &'static str,
    /// Whether the trace is recorded, where that is a key.
    sampled: Option<&'static str>,
    /// Where what is known of a request over HTTP is an object of its own.
    request: Option<&'static str>,
}

/// What the keys of every line are, so that no field takes them.
const TAKEN: [&str; 9] = ["timestamp", "level", "target", "spans", "time", "severity", "httpRequest", "trace_id", "span_id"];

impl Schema {
    pub(super) const fn plain() -> Self {
        Self {
            time: "timestamp",
            level: "level",
            levels: ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"],
            trace: "trace_id",
            trace_of: String::new(),
            span: "span_id",
            sampled: None,
            request: None,
        }
    }

    /// The names that Google Cloud's logging gives a meaning.
    pub(super) fn cloud(project: Option<&str>) -> Self {
        Self {
            time: "time",
            level: "severity",
            levels: ["ERROR", "WARNING", "INFO", "DEBUG", "DEBUG"],
            trace: "logging.googleapis.com/trace",
            trace_of: project.map_or_else(String::new, |project| format!("projects/{project}/traces/")),
            span: "logging.googleapis.com/spanId",
            sampled: Some("logging.googleapis.com/trace_sampled"),
            request: Some("httpRequest"),
        }
    }

    fn level(&self, level: Level) -> &'static str {
        self.levels[match level {
            Level::ERROR => 0,
            Level::WARN => 1,
            Level::INFO => 2,
            Level::DEBUG => 3,
            Level::TRACE => 4,
        }]
    }
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct Lines(pub(super) Schema);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (schema, metadata) = (&self.0, event.metadata());
        write!(line, r#"{{"{}":""#, schema.time)?;
        SystemTime.format_time(&mut line)?;
        write!(line, r#"","{}":"{}""#, schema.level, schema.level(*metadata.level()))?;
        let request = schema.request.filter(|_| metadata.target() == ACCESS);
        let mut fields =
            Members { line: &mut line, own: Own::default(), request: request.map(|_| String::new()), written: Ok(()) };
        event.record(&mut fields);
        let Members { own, request: request_members, written, .. } = fields;
        written?;
        if let (Some(name), Some(members)) = (request, request_members.filter(|members| !members.is_empty())) {
            write!(line, r#","{name}":{{{members}}}"#)?;
        }
        self.invocation(&mut line, own)?;
        line.write_str(r#","target":"#)?;
        text(&mut line, metadata.target())?;
        let mut spans = context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root).peekable();
        if spans.peek().is_some() {
            line.write_str(r#","spans":["#)?;
            for (index, span) in spans.enumerate() {
                line.write_str(if index == 0 { r#"{"name":"# } else { r#",{"name":"# })?;
                text(&mut line, span.name())?;
                if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                    line.write_str(&fields.fields)?;
                }
                line.write_char('}')?;
            }
            line.write_char(']')?;
        }
        line.write_str("}\n")
    }
}

impl Lines {
    /// Says which invocation it was, where the line does not say it itself.
    fn invocation(&self, line: &mut Writer<'_>, own: Own) -> fmt::Result {
        let schema = &self.0;
        current::look(|current| {
            let Some(current) = current else { return Ok(()) };
            let mut member = |name, value: Option<&str>| match value {
                Some(value) if !own.has(name) => {
                    write!(line, r#","{name}":"#)?;
                    text(line, value)
                }
                _ => Ok(()),
            };
            member("function", current.function())?;
            member("input", current.input())?;
            let event = current.event();
            member("event_id", event.map(|(id, _)| id))?;
            member("event_type", event.map(|(_, ty)| ty))?;
            let ids = current.ids();
            member("request_id", Some(&ids.request))?;
            let Some(trace) = &ids.trace else { return Ok(()) };
            // They are digits.
            write!(line, r#","{}":"{}{}""#, schema.trace, schema.trace_of, trace.trace)?;
            if let Some(span) = &trace.span {
                write!(line, r#","{}":"{span}""#, schema.span)?;
            }
            schema.sampled.map_or(Ok(()), |name| write!(line, r#","{name}":{}"#, trace.sampled))
        })
    }
}

/// The names, of those that an invocation gives a line, that the line has already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Own(u8);

const NAMES: [&str; 5] = ["function", "input", "event_id", "event_type", "request_id"];

impl Own {
    pub(super) fn note(&mut self, name: &str) {
        if let Some(index) = NAMES.iter().position(|known| *known == name) {
            self.0 |= 1 << index;
        }
    }

    pub(super) fn has(self, name: &str) -> bool {
        NAMES.iter().position(|known| *known == name).is_some_and(|index| self.0 & (1 << index) != 0)
    }
}

/// Writes the fields of spans as members of an object that has others before them.
#[derive(Debug)]
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, mut line: Writer<'writer>, fields: R) -> fmt::Result {
        let mut members = Members { line: &mut line, own: Own::default(), request: None, written: Ok(()) };
        fields.record(&mut members);
        members.written
    }

    fn add_fields(&self, current: &'writer mut FormattedFields<Self>, fields: &tracing::span::Record<'_>) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

/// The members of an object, each with a comma before it.
struct Members<'a, 'writer> {
    line: &'a mut Writer<'writer>,
    own: Own,
    /// What is to be the object of a request.
    request: Option<String>,
    written: fmt::Result,
}

impl Members<'_, '_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) {
        if self.written.is_err() {
            return;
        }
        self.own.note(field.name());
        let name = field.name().strip_prefix("r#").unwrap_or(field.name());
        let underscore = if TAKEN.contains(&name) { "_" } else { "" };
        self.written = write!(self.line, r#","{underscore}{}":"#, Escaped(name)).and_then(|()| value(&mut *self.line));
    }

    /// Takes a field that is part of a request, where that is an object; tells whether it was one.
    fn of_request(&mut self, field: &Field, value: &dyn fmt::Display) -> bool {
        let Some(members) = &mut self.request else { return false };
        let (name, quote, unit) = match field.name() {
            "method" => ("requestMethod", "\"", ""),
            "path" => ("requestUrl", "\"", ""),
            "status" => ("status", "", ""),
            "duration_ms" => ("latency", "\"", "s"),
            _ => return false,
        };
        let comma = if members.is_empty() { "" } else { "," };
        // Writing to a text cannot fail.
        let _ = write!(members, r#"{comma}"{name}":{quote}{}{unit}{quote}"#, Escaped(value));
        true
    }
}

impl Visit for Members<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if !self.of_request(field, &format_args!("{:.6}", value / 1e3)) {
            // JSON has no name for what is no number.
            self.member(field, |line| if value.is_finite() { write!(line, "{value:?}") } else { line.write_str("null") });
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !self.of_request(field, &value) {
            self.member(field, |line| write!(line, "{value}"));
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.of_request(field, &value) {
            self.member(field, |line| text(line, value));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.member(field, |line| write!(line, r#""{}""#, Escaped(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if !self.of_request(field, &format_args!("{value:?}")) {
            self.member(field, |line| write!(line, r#""{}""#, Escaped(format_args!("{value:?}"))));
        }
    }
}

/// Writes a text as JSON does.
fn text(line: &mut (impl fmt::Write + ?Sized), text: &str) -> fmt::Result {
    line.write_char('"')?;
    escape(line, text)?;
    line.write_char('"')
}

/// A value as it stands between quotes.
struct Escaped<T>(T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl fmt::Write for Escaping<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                escape(self.0, text)
            }
        }
        write!(Escaping(f), "{}", self.0)
    }
}

fn escape(line: &mut (impl fmt::Write + ?Sized), text: &str) -> fmt::Result {
    let mut plain = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        line.write_str(&text[plain..index])?;
        plain = index + 1;
        match byte {
            b'"' => line.write_str("\\\""),
            b'\\' => line.write_str("\\\\"),
            b'\n' => line.write_str("\\n"),
            b'\r' => line.write_str("\\r"),
            b'\t' => line.write_str("\\t"),
            other => write!(line, "\\u{other:04x}"),
        }?;
    }
    line.write_str(&text[plain..])
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::{Registry, fmt::MakeWriter, layer::SubscriberExt as _};

    use super::*;
    use crate::current::Current;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Written {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What is logged, line by line.
    fn logged(schema: Schema, log: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let lines =
            tracing_subscriber::fmt::layer().fmt_fields(Fields).event_format(Lines(schema)).with_writer(written.clone());
        tracing::subscriber::with_default(Registry::default().with(lines), log);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    #[test]
    fn every_value_is_json_and_no_field_takes_the_place_of_a_key() {
        let lines = logged(Schema::plain(), || {
            let error = std::io::Error::other("a \"b\"\u{1}\\\n");
            tracing::warn!(
                int = -1,
                big = u128::MAX,
                yes = true,
                half = 0.5,
                none = f64::NAN,
                tab = "\t",
                error = &error as &dyn std::error::Error,
                debug = ?Some("x"),
                level = "mine",
                r#type = "t",
                "it {}",
                "\"works\""
            );
        });
        let line = &lines[0];
        assert_eq!(
            (&line["level"], &line["message"], &line["_level"]),
            (&json!("WARN"), &json!("it \"works\""), &json!("mine"))
        );
        assert_eq!(
            (&line["int"], &line["yes"], &line["half"], &line["none"]),
            (&json!(-1), &json!(true), &json!(0.5), &Value::Null)
        );
        assert_eq!((&line["tab"], &line["error"]), (&json!("\t"), &json!("a \"b\"\u{1}\\\n")));
        assert_eq!((&line["debug"], &line["type"]), (&json!("Some(\"x\")"), &json!("t")));
        assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')) && line["target"].is_string(), "{line}");
    }

    #[test]
    fn spans_are_listed_from_the_outermost_with_what_they_recorded() {
        let lines = logged(Schema::plain(), || {
            let _outer = tracing::info_span!("outer", a = 1).entered();
            let inner = tracing::info_span!("inner", b = tracing::field::Empty).entered();
            inner.record("b", "late");
            tracing::info!("here");
        });
        assert_eq!(lines[0]["spans"], json!([{ "name": "outer", "a": 1 }, { "name": "inner", "b": "late" }]));
    }

    #[test]
    fn a_line_has_what_is_known_of_its_invocation_unless_it_says_it_itself() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let headers = [("traceparent", parent), ("x-request-id", "r-1")];
        let headers = headers.map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        let mut current = Current::of_request(None, &headers.into_iter().collect());
        let mut log = |schema| {
            logged(schema, || {
                current.during(|| {
                    let event = crate::Event::builder().id("7").source("/s").ty("t\"").build().unwrap();
                    current::called_with_event(&event);
                    tracing::info!("one");
                    tracing::info!(request_id = "mine", "two");
                });
            })
        };
        let lines = log(Schema::plain());
        let known = |line: &Value| ["request_id", "event_id", "event_type", "trace_id", "span_id"].map(|key| line[key].clone());
        let ids = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
        assert_eq!(known(&lines[0]), ["r-1", "7", "t\"", ids[0], ids[1]]);
        assert_eq!(known(&lines[1]), ["mine", "7", "t\"", ids[0], ids[1]]);
        let cloud = log(Schema::cloud(Some("shop")));
        assert_eq!(cloud[0]["logging.googleapis.com/trace"], format!("projects/shop/traces/{}", ids[0]));
        assert_eq!((&cloud[0]["logging.googleapis.com/spanId"], &cloud[0]["severity"]), (&json!(ids[1]), &json!("INFO")));
        assert_eq!(cloud[0]["logging.googleapis.com/trace_sampled"], true);
    }

    #[test]
    fn in_the_cloud_a_request_is_an_object() {
        let lines = logged(Schema::cloud(None), || {
            let method = http::Method::GET;
            tracing::error!(target: ACCESS, %method, path = "/a\"", status = 500_u16, duration_ms = 1.5, "request failed");
            tracing::info!(path = "/mine", "another");
        });
        let request = json!({ "requestMethod": "GET", "requestUrl": "/a\"", "status": 500, "latency": "0.001500s" });
        assert_eq!(
            (&lines[0]["httpRequest"], &lines[0]["severity"], &lines[0]["path"]),
            (&request, &json!("ERROR"), &Value::Null)
        );
        assert_eq!((&lines[1]["path"], &lines[1]["httpRequest"]), (&json!("/mine"), &Value::Null));
    }
}
