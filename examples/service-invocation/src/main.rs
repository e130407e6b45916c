//! A function that calls another app, and tells an app that says no from one that is not there.
//!
//! ```sh
//! cargo run -p service-invocation
//! curl 'localhost:8080/totals/tea?cups=3'
//! ```

use functions_framework::{
    Context, Error, Out, Result, ResultExt as _, function,
    http::{Json, Query, StatusCode},
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Price {
    cents: u64,
}

/// What the other app answers is an answer, whatever its status; an error is that nobody answered.
#[function(main = false, path = "/totals/{item}", methods(GET))]
async fn total(ctx: Context) -> Result<Out> {
    let app = std::env::var("PRICES").context("while reading PRICES, the app id of the function `price`")?;
    let (item, cups) = (ctx.param("item").unwrap_or_default(), cups(&ctx)?);
    let answer = ctx.invoke(&app, "prices").query("item", item).call().await?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Err(Error::status(StatusCode::NOT_FOUND, "no price").detail(format!("nobody sells {item}")));
    }
    if !answer.status().is_success() {
        return Err(Error::status(StatusCode::BAD_GATEWAY, format!("{app} answered {}", answer.status())));
    }
    let price: Price = serde_json::from_slice(answer.body()).context(format!("while reading the answer of {app}"))?;
    Ok(Out::data(format!("{cups} x {item}: {} cents\n", price.cents * u64::from(cups))))
}

fn cups(ctx: &Context) -> Result<u32> {
    #[derive(Deserialize)]
    struct Asked {
        cups: u32,
    }
    let Some(head) = ctx.request() else { return Ok(1) };
    let asked = Query::<Asked>::try_from_uri(&head.uri);
    asked.map(|Query(asked)| asked.cups).map_err(|error| Error::bad_request(error).detail("expected ?cups=<number>"))
}

/// The other app.
#[function(main = false, path = "/prices", methods(GET))]
async fn price(Query(asked): Query<Item>) -> Result<Json<Price>, StatusCode> {
    match asked.item.as_str() {
        "tea" => Ok(Json(Price { cents: 250 })),
        "coffee" => Ok(Json(Price { cents: 300 })),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

functions_framework::main!(total, price);

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    #[tokio::test]
    async fn what_is_sold_has_a_price() {
        let response = testing::http(price {}).get("/prices?item=tea").await;
        assert_eq!(response.json::<Price>().unwrap().cents, 250);
        assert_eq!(testing::http(price {}).get("/prices?item=sand").await.status(), 404);
    }
}
