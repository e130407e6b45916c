//! A program whose functions have hooks around them: the reference's own two, one with moods, and one that tells how it ended.

use std::sync::LazyLock;

use functions_framework::{
    Context, Error, Event, Input, Out, Result, function,
    hooks::{Hook, Invocation, Outcome},
    http::{Path, StatusCode},
};
use tokio::sync::Barrier;

/// Counts in itself.
#[derive(Clone, Default)]
struct Custom {
    c: u32,
}

impl Hook for Custom {
    fn name(&self) -> &'static str {
        "plugin-custom"
    }

    async fn before(&mut self, _: &mut Invocation) -> Result<()> {
        self.c += 1;
        Ok(())
    }
}

/// Adds what the other has counted, and tells. It is not `Clone`: a closure makes it.
struct Example {
    a: u32,
}

impl Hook for Example {
    fn name(&self) -> &'static str {
        "plugin-example"
    }

    async fn before(&mut self, _: &mut Invocation) -> Result<()> {
        self.a = 1;
        Ok(())
    }

    async fn after(&mut self, invocation: &Invocation, outcome: &mut Outcome) -> Result<()> {
        let custom: &Custom = invocation.hook("plugin-custom").ok_or_else(|| Error::new("there is no plugin-custom"))?;
        let sum = self.a + custom.c;
        tracing::info!(function = invocation.function(), "plugin - Result: {{\"sum\":{sum}}}");
        if let Some(response) = outcome.response_mut() {
            response.headers_mut().insert("x-sum", sum.into());
        }
        Ok(())
    }
}

/// Fails where the header `x-mood`, or the payload of an event, says so.
#[derive(Clone)]
struct Moody;

impl Moody {
    fn mood(invocation: &Invocation, when: &str) -> Result<()> {
        let header = invocation.request().and_then(|head| head.headers.get("x-mood")?.to_str().ok());
        let payload = invocation.payload().map(|payload| String::from_utf8_lossy(payload));
        match header.or(payload.as_deref()).and_then(|mood| mood.strip_prefix(when)) {
            Some(" error") => Err(Error::status(StatusCode::IM_A_TEAPOT, "secret mood")),
            Some(" drop") => Err(Error::new("secret mood").drop_event()),
            Some(" panic") => panic!("secret mood"),
            _ => Ok(()),
        }
    }
}

impl Hook for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    async fn before(&mut self, invocation: &mut Invocation) -> Result<()> {
        Self::mood(invocation, "before")
    }

    async fn after(&mut self, invocation: &Invocation, _: &mut Outcome) -> Result<()> {
        Self::mood(invocation, "after")
    }
}

/// Tells what it saw, from the outside.
#[derive(Clone)]
struct Witness;

impl Hook for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    async fn after(&mut self, invocation: &Invocation, outcome: &mut Outcome) -> Result<()> {
        let (kind, input) = (invocation.kind(), invocation.input().map(Input::name));
        let (status, crash, why) = (outcome.status(), outcome.is_crash(), outcome.why());
        let (status, why) = (status.as_str(), why.as_deref());
        tracing::info!(function = invocation.function(), %kind, input, status, %crash, why, "witnessed");
        Ok(())
    }
}

/// Takes the place of the built-in tracing.
#[derive(Clone)]
struct ByHand;

impl Hook for ByHand {
    fn name(&self) -> &'static str {
        "skywalking"
    }

    async fn before(&mut self, _: &mut Invocation) -> Result<()> {
        tracing::info!("traced by hand");
        Ok(())
    }
}

/// As many as must be inside before anyone goes on.
const CROWD: usize = 250;

static MEETING: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(CROWD));

#[function(main = false, path = "/page/{end}")]
async fn page(Path(end): Path<String>) -> Result<&'static str> {
    tracing::info!("the function runs");
    match &*end {
        "meet" => {
            MEETING.wait().await;
        }
        "fail" => return Err(Error::status(StatusCode::CONFLICT, "secret conflict")),
        "panic" => panic!("secret panic"),
        "wait" => std::future::pending().await,
        _ => {}
    }
    Ok("done")
}

#[function(main = false, path = "/seen")]
async fn seen(event: Event) {
    tracing::info!("the function runs with {}", event.id());
}

#[function(main = false, path = "/receive")]
async fn receive(_ctx: Context, payload: String) -> Out {
    tracing::info!("the function runs");
    assert!(payload != "panic", "secret panic");
    Out::data(payload)
}

functions_framework::main!(
    page, seen, receive;
    hooks = [Witness, Custom::default(), || Example { a: 0 }, Moody, ByHand]
);
