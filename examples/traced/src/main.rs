//! A function that publishes an order, one that makes what was ordered, and one trace of both.
//!
//! ```sh
//! cargo run -p traced --bin spans
//! cargo run -p traced
//! curl --data coffee localhost:8080/orders
//! ```

use functions_framework::{Context, Error, Out, Result, function, http::StatusCode};
use tracing::instrument;

/// Takes an order, and answers once the broker has it.
#[function(main = false, path = "/orders", methods(POST))]
async fn order(ctx: Context, item: String) -> Result<Out> {
    check(&item)?;
    ctx.send("placed", item).await?;
    Ok(Out::ok().status(202))
}

/// A span of the function's own: a `tracing` span within an invocation is a child of it.
#[instrument(skip_all)]
fn check(item: &str) -> Result<()> {
    if item.trim().is_empty() { Err(Error::status(StatusCode::BAD_REQUEST, "an order of nothing")) } else { Ok(()) }
}

/// Makes what was ordered.
#[function(main = false, input = "orders")]
async fn make(_ctx: Context, item: String) {
    brew(&item).await;
}

#[instrument(skip_all)]
async fn brew(item: &str) {
    println!("{item} is ready");
}

functions_framework::main!(order, make);
