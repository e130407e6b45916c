//! Alerts from a stream of log lines: what is an error goes to a webhook.
//!
//! ```sh
//! cargo run -p logs-handler
//! curl localhost:3500/v1.0/publish/logs/lines --json '{"level":"error","pod":"shop-1","text":"no disk"}'
//! ```

use functions_framework::{Context, Result, function, http::Json};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Line {
    level: String,
    pod: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Alert {
    summary: String,
}

/// A webhook that does not take an alert brings its line again.
#[function(main = false, input = "lines", concurrency = 8)]
async fn watch(ctx: Context, Json(line): Json<Line>) -> Result<()> {
    if matches!(line.level.as_str(), "error" | "fatal") {
        ctx.send("alerts", &Alert { summary: format!("{}: {}", line.pod, line.text) }).await?;
    }
    Ok(())
}

/// Stands for the pager, so that the example needs nothing else.
#[function(main = false, path = "/alerts", methods(POST))]
async fn page(Json(alert): Json<Alert>) {
    println!("alert: {}", alert.summary);
}

functions_framework::main!(watch, page);

#[cfg(test)]
mod tests {
    use functions_framework::{SidecarCode, Verdict, testing};
    use serde_json::{Value, json};

    use super::*;

    fn line(level: &str) -> Value {
        json!({ "level": level, "pod": "shop-1", "text": "no disk" })
    }

    #[tokio::test]
    async fn an_error_is_an_alert_and_nothing_else_is() {
        for (level, alerts) in [("error", 1), ("fatal", 1), ("info", 0)] {
            let test = testing::open_function(watch {}).input("lines").topic("lines").binding("alerts", "post");
            let run = test.run(line(level)).await;
            assert!(run.verdict().is_success());
            assert_eq!(run.sent("alerts").len(), alerts, "{level}");
        }
    }

    #[tokio::test]
    async fn an_alert_that_nobody_took_comes_again() {
        let test = testing::open_function(watch {}).input("lines").topic("lines").binding("alerts", "post");
        assert_eq!(test.fails("alerts", SidecarCode::Internal).run(line("error")).await.verdict(), Verdict::Retry);
    }
}
