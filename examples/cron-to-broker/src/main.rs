//! A function that a schedule calls and that publishes what it measured.
//!
//! ```sh
//! cargo run -p cron-to-broker
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use functions_framework::{Context, Result, ResultExt as _, function};
use serde::Serialize;

#[derive(Serialize)]
struct Measured {
    seconds: u64,
}

/// A tick whose measurement was not taken by the broker fails, and is in the log: the schedule brings the next one.
#[function(input = "ticks")]
async fn measure(ctx: Context) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("while reading the clock")?;
    let measured = Measured { seconds: now.as_secs() };
    ctx.output("measured")?.attribute("type", "clock.measured").send(&measured).await?;
    println!("published {} s", measured.seconds);
    Ok(())
}

#[cfg(test)]
mod tests {
    use functions_framework::{SidecarCode, testing};
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn a_tick_is_a_measurement() {
        let run = testing::open_function(measure {}).input("ticks").outputs(["measured"]).run_bytes("").await;
        assert!(run.verdict().is_success());
        assert!(run.sent("measured")[0].json::<Value>().unwrap()["seconds"].as_u64() > Some(1_700_000_000));
    }

    #[tokio::test]
    async fn a_broker_that_is_away_is_a_failure() {
        let test = testing::open_function(measure {}).input("ticks").outputs(["measured"]);
        assert!(!test.fails("measured", SidecarCode::Unavailable).run_bytes("").await.verdict().is_success());
    }
}
