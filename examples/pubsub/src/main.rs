//! A producer that is called over HTTP and publishes, and a subscriber that takes what was published.
//!
//! ```sh
//! cargo run -p pubsub
//! curl --json '{"item":"coffee","cups":2}' localhost:8080/orders
//! ```

use functions_framework::{Context, Error, Out, Result, function, http::Json};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    item: String,
    cups: u32,
}

/// Takes an order, and answers once the broker has it.
#[function(main = false, path = "/orders", methods(POST))]
async fn produce(ctx: Context, Json(order): Json<Order>) -> Result<Out> {
    ctx.send("placed", &order).await?;
    Ok(Out::ok().status(202))
}

/// Makes what was ordered; an order that nobody can make is given up, and any other failure brings it again.
#[function(main = false, input = "orders", order_by = "subject")]
async fn consume(_ctx: Context, Json(order): Json<Order>) -> Result<()> {
    if order.cups == 0 {
        return Err(Error::new("an order of no cups").drop_event());
    }
    println!("{} x {}", order.cups, order.item);
    Ok(())
}

functions_framework::main!(produce, consume);

#[cfg(test)]
mod tests {
    use functions_framework::{Verdict, testing};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn an_order_is_published() {
        let run = testing::open_function(produce {}).outputs(["placed"]).run(json!({ "item": "tea", "cups": 1 })).await;
        assert_eq!(run.result().unwrap().status_code(), 202);
        assert_eq!(run.sent("placed")[0].json::<Value>().unwrap(), json!({ "item": "tea", "cups": 1 }));
    }

    #[tokio::test]
    async fn an_order_nobody_can_make_is_given_up() {
        let consumed =
            |cups: u32| testing::open_function(consume {}).input("orders").run(json!({ "item": "tea", "cups": cups }));
        assert!(consumed(1).await.verdict().is_success());
        assert_eq!(consumed(0).await.verdict(), Verdict::Drop);
    }
}
