//! A function that does the work of an event once, though the event may come twice, at two replicas at the same time.
//!
//! Who claims the id of an event first does its work; the store decides, not two steps of ours. A mark that says *done* before the
//! work would lose the event when the work fails, one that is only set after it lets two do it. So there are two:
//!
//! - a claim, which ends by itself: when the process dies at work, the event comes again and finds none;
//! - *done*, once the work is. When the process dies between the work and this, the work is done again: send it with the id of the
//!   event, as here, and who gets it can do the same.
//!
//! ```sh
//! cargo run -p idempotent-consumer
//! curl localhost:3500/v1.0/publish/broker/payments -H 'content-type: application/cloudevents+json' \
//!     -d '{"specversion":"1.0","id":"7","source":"/bank","type":"paid","data":{"cents":450}}'
//! ```

use std::time::Duration;

use functions_framework::{Context, Error, Event, Out, Result, SidecarCode, SidecarError, function, http::Json};
use serde::{Deserialize, Serialize};

/// Longer than the function may take (`FUNCTION_TIMEOUT`, a minute): nobody claims what is still being worked on.
const CLAIM: Duration = Duration::from_secs(120);

/// Longer than any broker brings an event again.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Deserialize, Serialize)]
struct Payment {
    cents: u64,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
enum Step {
    Claimed,
    Done,
}

#[function(input = "payments")]
async fn pay(ctx: Context, Json(payment): Json<Payment>) -> Result<Out> {
    let event = ctx.event().ok_or_else(|| Error::new("a payment that is no event has no id").drop_event())?;
    // An id is unique among those of its source.
    let id = format!("{} {}", event.source(), event.id());
    match claim(&ctx, &id).await? {
        None => {}
        Some(Step::Done) => {
            println!("{id}: seen before");
            return Ok(Out::ok());
        }
        // Another is at it. If that fails, the event must not be gone.
        Some(Step::Claimed) => return Ok(Out::retry()),
    }
    let seen = ctx.state("seen")?;
    if let Err(error) = book(&ctx, event, &payment).await {
        // The next try need not wait for the claim to end.
        seen.delete(&id).await?;
        return Err(error);
    }
    seen.ttl(REMEMBERED).save(&id, &Step::Done).await?;
    println!("{id}: paid {} cents", payment.cents);
    Ok(Out::ok())
}

/// Claims an id; returns how far another has come who was first.
async fn claim(ctx: &Context, id: &str) -> Result<Option<Step>> {
    let seen = ctx.state("seen")?;
    match seen.clone().first_write().ttl(CLAIM).save(id, &Step::Claimed).await {
        Ok(()) => Ok(None),
        // A claim that has ended meanwhile counts as one: the event comes again.
        Err(error) if is_taken(&error) => Ok(Some(seen.get(id).await?.unwrap_or(Step::Claimed))),
        Err(error) => Err(error),
    }
}

fn is_taken(error: &Error) -> bool {
    error.cause().downcast_ref::<SidecarError>().is_some_and(|refused| refused.code() == SidecarCode::Aborted)
}

/// The work.
async fn book(ctx: &Context, event: &Event, payment: &Payment) -> Result<()> {
    ctx.output("receipts")?.attribute("id", event.id()).send(payment).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use functions_framework::{Verdict, testing};
    use serde_json::json;

    use super::*;

    fn event() -> Event {
        Event::builder().id("7").source("/bank").ty("paid").json(&json!({ "cents": 450 })).build().unwrap()
    }

    fn test() -> testing::OpenFunctionTest {
        testing::open_function(pay {}).input("payments").topic("payments").outputs(["receipts"]).state("seen")
    }

    #[tokio::test]
    async fn an_event_that_is_new_is_done_and_remembered() {
        let run = test().run_event(event()).await;
        assert_eq!((run.verdict(), run.sent("receipts").len()), (Verdict::Success, 1));
        assert_eq!(run.stored("seen", "/bank 7"), Some(Step::Done));
    }

    #[tokio::test]
    async fn one_that_was_done_is_left_alone_and_one_that_another_is_at_comes_again() {
        for (step, verdict) in [(Step::Done, Verdict::Success), (Step::Claimed, Verdict::Retry)] {
            let run = test().stored("seen", "/bank 7", &step).run_event(event()).await;
            assert_eq!((run.verdict(), run.sent("receipts").len()), (verdict, 0), "{step:?}");
        }
    }

    #[tokio::test]
    async fn work_that_failed_leaves_no_mark_behind() {
        let run = test().fails("receipts", SidecarCode::Unavailable).run_event(event()).await;
        assert_eq!(run.verdict(), Verdict::Retry);
        assert_eq!(run.stored::<Step>("seen", "/bank 7"), None);
    }
}
