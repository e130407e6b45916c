//! A function that a topic calls: what to do with an event that fails, and what a delivery says of itself.
//!
//! ```sh
//! cargo run -p broker-input
//! curl localhost:3500/v1.0/publish/broker/orders --json '{"item":"tea","cups":2}'
//! ```

use functions_framework::{Context, Error, Result, function, http::Json};
use serde::Deserialize;

#[derive(Deserialize)]
struct Order {
    item: String,
    cups: u32,
}

/// An error brings the event again, `drop_event` gives it up; one that is no order at all never comes this far.
#[function(input = "orders")]
async fn take(ctx: Context, Json(order): Json<Order>) -> Result<()> {
    if order.cups == 0 {
        return Err(Error::new("an order of no cups").drop_event());
    }
    let source = ctx.event().map_or("nobody", |event| event.source());
    let topic = ctx.input().and_then(|input| input.topic()).unwrap_or("no topic");
    println!("{} x {}, ordered by {source} through {topic}", order.cups, order.item);
    Ok(())
}

#[cfg(test)]
mod tests {
    use functions_framework::{Verdict, testing};
    use serde_json::{Value, json};

    use super::*;

    async fn verdict(order: Value) -> Verdict {
        testing::open_function(take {}).input("orders").topic("orders").run(order).await.verdict()
    }

    #[tokio::test]
    async fn what_can_never_be_made_is_given_up() {
        assert!(verdict(json!({ "item": "tea", "cups": 1 })).await.is_success());
        assert_eq!(verdict(json!({ "item": "tea", "cups": 0 })).await, Verdict::Drop);
    }
}
