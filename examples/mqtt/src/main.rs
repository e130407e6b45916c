//! MQTT in and out: readings of one topic, alarms to another.
//!
//! ```sh
//! cargo run -p mqtt
//! curl localhost:8080/_local/inputs/readings --json '{"room":"oven","celsius":231.5}'
//! ```

use functions_framework::{Context, Result, function, http::Json};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Reading {
    room: String,
    celsius: f64,
}

/// What a device sends that is no reading is given up: it would be none the next time either.
#[function(input = "readings")]
async fn watch(ctx: Context, Json(reading): Json<Reading>) -> Result<()> {
    println!("{}: {} °C", reading.room, reading.celsius);
    if reading.celsius > 30.0 {
        ctx.send("alarms", &reading).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use functions_framework::{Verdict, testing};
    use serde_json::{Value, json};

    use super::*;

    async fn run(payload: Value) -> (Verdict, usize) {
        let test = testing::open_function(watch {}).input("readings").binding("alarms", "create");
        let run = test.run(payload).await;
        (run.verdict(), run.sent("alarms").len())
    }

    #[tokio::test]
    async fn heat_alone_is_an_alarm() {
        assert_eq!(run(json!({ "room": "hall", "celsius": 30.0 })).await, (Verdict::Success, 0));
        assert_eq!(run(json!({ "room": "oven", "celsius": 30.1 })).await, (Verdict::Success, 1));
    }
}
