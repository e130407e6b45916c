//! A line of the log as a JSON object; `docs/operations.md` says what its keys are.

use std::{
    cell::Cell,
    fmt::{self, Debug},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer},
    registry::LookupSpan,
};

use super::{ACCESS, value};
use crate::current::{self, Current};

/// What the keys are called.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    /// What stands before the time, with which a line begins.
    time: &'static str,
    /// What stands after it, up to the fields: each level in one piece, for many pieces of a line are many steps.
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

/// Whether a key of every line is called so, which no field takes then.
fn is_taken(name: &str) -> bool {
    matches!(name, "timestamp" | "level" | "target" | "spans" | "time" | "severity" | "httpRequest" | "trace_id" | "span_id")
}

impl Schema {
    pub(super) const fn plain() -> Self {
        Self {
            time: r#"{"timestamp":""#,
            levels: [
                r#"","level":"ERROR""#,
                r#"","level":"WARN""#,
                r#"","level":"INFO""#,
                r#"","level":"DEBUG""#,
                r#"","level":"TRACE""#,
            ],
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
            time: r#"{"time":""#,
            levels: [
                r#"","severity":"ERROR""#,
                r#"","severity":"WARNING""#,
                r#"","severity":"INFO""#,
                r#"","severity":"DEBUG""#,
                r#"","severity":"DEBUG""#,
            ],
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

/// The target of access lines as a member, in one piece too.
const OF_ACCESS: &str = r#","target":"functions_framework::access""#;

thread_local! {
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

/// The memory of a line that is larger is not kept for the next.
const LARGE: usize = 64 << 10;

/// Writes lines.
#[derive(Debug)]
pub(super) struct Lines(pub(super) Schema);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    /// Makes the line in a text of its own: what is written to that is a copy, and what is written to a `Writer` a call.
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (schema, metadata) = (&self.0, event.metadata());
        // The one of the line before, unless this one is logged while that is made.
        let mut line = LINE.take();
        line.clear();
        line.push_str(schema.time);
        value::time(&mut line);
        line.push_str(schema.level(*metadata.level()));
        let plain = metadata.target() == ACCESS;
        let request = schema.request.filter(|_| plain);
        let mut fields = Members { line: &mut line, own: Own::default(), plain, request: request.map(|_| String::new()) };
        event.record(&mut fields);
        let Members { own, request: members, .. } = fields;
        if let (Some(name), Some(members)) = (request, members.filter(|members| !members.is_empty())) {
            line.extend([",\"", name, "\":{", &members, "}"]);
        }
        current::look(|current| {
            if let Some(current) = current {
                self.invocation(&mut line, own, current);
            }
        });
        if plain {
            line.push_str(OF_ACCESS);
        } else {
            member(&mut line, "target", metadata.target());
        }
        let mut spans = context.event_scope().into_iter().flat_map(tracing_subscriber::registry::Scope::from_root).peekable();
        if spans.peek().is_some() {
            line.push_str(",\"spans\":[");
            for (index, span) in spans.enumerate() {
                line.push_str(if index == 0 { "{\"name\":\"" } else { ",{\"name\":\"" });
                value::escape(&mut line, span.name());
                line.push('"');
                if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                    line.push_str(&fields.fields);
                }
                line.push('}');
            }
            line.push(']');
        }
        line.push_str("}\n");
        let written = writer.write_str(&line);
        if line.capacity() <= LARGE {
            LINE.set(line);
        }
        written
    }
}

impl Lines {
    /// Says which invocation it was, where the line does not say it itself.
    fn invocation(&self, line: &mut String, own: Own, current: &mut Current) {
        let schema = &self.0;
        let mut say = |name, value: Option<&str>| {
            if let Some(value) = value.filter(|_| !own.has(name)) {
                member(line, name, value);
            }
        };
        say("function", current.function());
        say("input", current.input());
        let event = current.event();
        say("event_id", event.map(|(id, _)| id));
        say("event_type", event.map(|(_, ty)| ty));
        say("request_id", Some(&current.ids().request));
        let Some(trace) = current.trace() else { return };
        // They are digits.
        line.extend([",\"", schema.trace, "\":\"", &schema.trace_of, &trace.trace, "\""]);
        if let Some(span) = &trace.span {
            line.extend([",\"", schema.span, "\":\"", span, "\""]);
        }
        if let Some(name) = schema.sampled {
            line.extend([",\"", name, if trace.sampled { "\":true" } else { "\":false" }]);
        }
    }
}

/// Adds a text.
fn member(line: &mut String, name: &str, text: &str) {
    line.push_str(",\"");
    line.push_str(name);
    line.push_str("\":\"");
    value::escape(line, text);
    line.push('"');
}

/// The names, of those that an invocation gives a line, that the line has already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Own(u8);

impl Own {
    fn bit(name: &str) -> u8 {
        match name {
            "function" => 1,
            "input" => 1 << 1,
            "event_id" => 1 << 2,
            "event_type" => 1 << 3,
            "request_id" => 1 << 4,
            _ => 0,
        }
    }

    pub(super) fn note(&mut self, name: &str) {
        self.0 |= Self::bit(name);
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.0 & Self::bit(name) != 0
    }
}

/// Writes the fields of spans as members of an object that has others before them.
#[derive(Debug)]
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut line = String::new();
        fields.record(&mut Members { line: &mut line, own: Own::default(), plain: false, request: None });
        writer.write_str(&line)
    }

    fn add_fields(&self, current: &'writer mut FormattedFields<Self>, fields: &tracing::span::Record<'_>) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

/// The members of an object, each with a comma before it.
struct Members<'a> {
    line: &'a mut String,
    own: Own,
    /// Whether the names are those of our own lines, which nothing has to be done about.
    plain: bool,
    /// What is to be the object of a request.
    request: Option<String>,
}

impl Members<'_> {
    /// Begins a member, whose value follows.
    fn name(&mut self, field: &Field) -> &mut String {
        let name = field.name();
        if self.plain {
            self.own.note(name);
            self.line.push_str(",\"");
            self.line.push_str(name);
            self.line.push_str("\":");
            return self.line;
        }
        // Nearly all are none of them, and what a name begins with tells it soonest.
        let begins = name.as_bytes().first().copied().unwrap_or_default();
        let name = if begins == b'r' { name.strip_prefix("r#").unwrap_or(name) } else { name };
        if matches!(begins, b'f' | b'i' | b'e' | b'r') {
            self.own.note(name);
        }
        let is_taken = matches!(begins, b't' | b'l' | b's' | b'h' | b'r') && is_taken(name);
        self.line.push_str(if is_taken { ",\"_" } else { ",\"" });
        value::escape(self.line, name);
        self.line.push_str("\":");
        self.line
    }

    fn raw(&mut self, field: &Field, value: impl fmt::Display) {
        value::write(self.name(field), value);
    }

    fn text(&mut self, field: &Field, text: impl fmt::Display) {
        let line = self.name(field);
        line.push('"');
        value::write_escaped(line, text);
        line.push('"');
    }

    /// Gives the place of a field that is part of a request, where that is an object, with what follows its value.
    #[inline]
    fn of_request(&mut self, field: &Field) -> Option<(&mut String, &'static str)> {
        let members = self.request.as_mut()?;
        let (name, end) = match field.name() {
            "method" => ("\"requestMethod\":\"", "\""),
            "path" => ("\"requestUrl\":\"", "\""),
            "status" => ("\"status\":", ""),
            "duration_ms" => ("\"latency\":\"", "s\""),
            _ => return None,
        };
        if !members.is_empty() {
            members.push(',');
        }
        members.push_str(name);
        Some((members, end))
    }
}

impl Visit for Members<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if let Some((members, end)) = self.of_request(field) {
            value::write(members, format_args!("{:.6}{end}", value / 1e3));
        } else {
            value::number(self.name(field), value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.raw(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match self.of_request(field) {
            Some((members, end)) => value::write(members, format_args!("{value}{end}")),
            None => value::whole(self.name(field), value),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.raw(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.raw(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.raw(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let (line, end) = if let Some(place) = self.of_request(field) {
            place
        } else {
            let line = self.name(field);
            line.push('"');
            (line, "\"")
        };
        value::escape(line, value);
        line.push_str(end);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::{Registry, fmt::MakeWriter, layer::SubscriberExt as _};

    use super::*;
    use crate::context::Origin;

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
    fn the_target_of_access_lines_is_written_as_any_other() {
        let mut line = String::new();
        member(&mut line, "target", ACCESS);
        assert_eq!(line, OF_ACCESS);
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
        let origin = Arc::new(Origin { function: "hello".into(), has_path: false, outside: Arc::default() });
        let mut current = Some(Current::of_request(&origin, &headers.into_iter().collect()));
        let mut log = |schema| {
            logged(schema, || {
                current::during(&mut current, || {
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
            tracing::error!(target: ACCESS, method = method.as_str(), path = "/a\"", status = 500_u16, duration_ms = 1.5, "request failed");
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
