//! JSON in, JSON out: two types of your own are all there is to it.
//!
//! ```sh
//! cargo run -p typed
//! curl --json '{"cents":[120,80]}' localhost:8080
//! ```

use functions_framework::{function, http::Json};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Basket {
    cents: Vec<u64>,
    #[serde(default)]
    discount: u64,
}

#[derive(Serialize)]
struct Total {
    cents: u64,
}

#[function]
async fn total(Json(basket): Json<Basket>) -> Json<Total> {
    let sum: u64 = basket.cents.iter().sum();
    Json(Total { cents: sum.saturating_sub(basket.discount) })
}

#[cfg(test)]
mod tests {
    use functions_framework::{http::Method, testing};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_basket_is_added_up() {
        let response = testing::http(total {}).post_json("/", json!({ "cents": [120, 80], "discount": 50 })).await;
        assert_eq!((response.status().as_u16(), response.text()), (200, r#"{"cents":150}"#));
    }

    #[tokio::test]
    async fn what_is_no_basket_is_refused() {
        assert_eq!(testing::http(total {}).post_json("/", json!({ "cents": ["x"] })).await.status(), 422);
        let broken = testing::http(total {}).request(Method::POST, "/").header("content-type", "application/json");
        assert_eq!(broken.send("{").await.status(), 400);
        assert_eq!(testing::http(total {}).request(Method::POST, "/").send("cents=1").await.status(), 415);
    }
}
