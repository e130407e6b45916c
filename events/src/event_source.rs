//! EventSource: from any input to the bus, then to the sink.

use std::ffi::OsStr;

use bytes::Bytes;
use functions_framework::{Context, Result};

use crate::{
    config::{self, Fields, Known, Mistakes},
    forward::forward,
};

/// What the platform's controllers write, and no more.
const KNOWN: [&str; 6] = ["eventBusComponent", "eventBusOutputName", "eventBusTopic", "sinkOutputName", "logLevel", "port"];

/// Sends what comes from a source to the outputs that `CONFIG` names.
///
/// ```
/// use functions_framework::{Verdict, testing};
/// use openfunction_events::{EventSource, Known};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let known = Known { outputs: vec!["sink".to_owned()], ..Known::default() };
/// // {"sinkOutputName":"sink"}
/// let source = EventSource::read(Some("eyJzaW5rT3V0cHV0TmFtZSI6InNpbmsifQ==".as_ref()), &known).unwrap();
/// let test = testing::open_function(move |ctx, payload| { let source = source.clone(); async move { source.handle(ctx, payload).await } });
/// let run = test.binding("sink", "post").input("tick").run_bytes("Hello").await;
/// assert_eq!((run.verdict(), &run.sent("sink")[0].bytes()[..]), (Verdict::Success, &b"Hello"[..]));
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSource {
    /// In the order in which they are sent to: the bus, then the sink.
    outputs: Vec<String>,
}

impl EventSource {
    /// Reads the value of `CONFIG`; without one there is nowhere to send to, as with the existing handler.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(config: Option<&OsStr>, known: &Known) -> Result<Self, Mistakes> {
        let Some(config) = config.filter(|config| !config.is_empty()) else { return Ok(Self::default()) };
        let mut mistakes = Mistakes::default();
        let json = config::decode(config, &mut mistakes);
        let fields = json.as_ref().and_then(|json| Fields::of("", json, &KNOWN, &mut mistakes));
        let read = fields.map(|fields| {
            // What the log says is for RUST_LOG to choose; a level that is none is a mistake all the same.
            fields.number("logLevel", &mut mistakes);
            let outputs = ["eventBusOutputName", "sinkOutputName"].map(|name| known.output(&fields, name, &mut mistakes));
            Self { outputs: outputs.into_iter().flatten().collect() }
        });
        mistakes.or(read)
    }

    /// Tells whether it has nowhere to send to.
    pub fn is_idle(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Sends an event on; it is done once every output has taken it.
    ///
    /// # Errors
    /// An output that did not take it: the event comes again, by the way it came.
    pub async fn handle(&self, ctx: Context, payload: Bytes) -> Result<()> {
        for output in &self.outputs {
            forward(&ctx, output, &payload, None).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use functions_framework::{
        Event, SidecarCode, Verdict,
        testing::{self, OpenFunctionTest},
    };

    use super::*;

    fn read(config: &str) -> Result<EventSource, Mistakes> {
        let known = Known { outputs: vec!["bus".to_owned(), "sink".to_owned()], ..Known::default() };
        EventSource::read(Some(BASE64_STANDARD.encode(config).as_ref()), &known)
    }

    fn test(source: &EventSource) -> OpenFunctionTest {
        let source = source.clone();
        let test = testing::open_function(move |ctx, payload: Bytes| {
            let source = source.clone();
            async move { source.handle(ctx, payload).await }
        });
        test.outputs(["bus"]).binding("sink", "post").input("source")
    }

    const BOTH: &str =
        r#"{"eventBusComponent":"c","eventBusOutputName":"bus","eventBusTopic":"t","sinkOutputName":"sink","logLevel":"2"}"#;

    #[tokio::test]
    async fn bytes_of_a_binding_reach_bus_and_sink_as_they_are() {
        let run = test(&read(BOTH).unwrap()).run_bytes(&b"\xff\0"[..]).await;
        assert!(run.verdict().is_success());
        for output in ["bus", "sink"] {
            let sent = &run.sent(output)[0];
            assert_eq!((&sent.bytes()[..], sent.content_type()), (&b"\xff\0"[..], "application/octet-stream"), "{output}");
        }
    }

    #[tokio::test]
    async fn an_event_keeps_its_attributes_and_a_sink_gets_its_data() {
        let event =
            Event::builder().id("7").source("/s").ty("t").extension("tenant", "a b").data("text/plain", "Hello").build();
        let event = event.unwrap();
        let run = test(&read(BOTH).unwrap()).topic("orders").run_event(event.clone()).await;
        assert_eq!(Event::from_json(run.sent("bus")[0].bytes().clone()).unwrap(), event);
        let sink = &run.sent("sink")[0];
        assert_eq!(
            (&sink.bytes()[..], sink.metadata("Ce-Id"), sink.metadata("Ce-Tenant")),
            (&b"Hello"[..], Some("7"), Some("a%20b"))
        );
    }

    #[tokio::test]
    async fn an_event_comes_again_unless_bus_and_then_sink_took_it() {
        let source = read(BOTH).unwrap();
        let run = test(&source).fails("bus", SidecarCode::Unavailable).run_bytes("x").await;
        assert_eq!((run.verdict(), run.sent("sink").len()), (Verdict::Retry, 0));
        let run = test(&source).fails("sink", SidecarCode::NotFound).run_bytes("x").await;
        assert_eq!((run.verdict(), run.sent("bus").len()), (Verdict::Retry, 1));
    }

    #[test]
    fn without_a_configuration_it_is_idle_and_a_wrong_one_is_refused() {
        for none in [None, Some("")] {
            assert!(EventSource::read(none.map(OsStr::new), &Known::default()).unwrap().is_idle());
        }
        assert!(read("{}").unwrap().is_idle());
        let told = read(r#"{"sinkOutputName":"sinks","eventBusOutputName":7,"logLevel":"x"}"#).unwrap_err().to_string();
        for part in ["has 3 mistakes", "`sinks` (outputs: bus, sink)", "eventBusOutputName: is a number", "logLevel: is \"x\""]
        {
            assert!(told.contains(part), "{told}");
        }
    }
}
