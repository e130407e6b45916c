//! Orders over HTTP: a path variable, two methods, JSON, a state that `init` makes, and errors that say what is wrong.
//!
//! ```sh
//! cargo run -p orders
//! curl localhost:8080/orders/1
//! curl -X PUT --json '{"item":"tea","quantity":2,"version":1}' localhost:8080/orders/1    # again: 409
//! ```

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use functions_framework::{
    Error, Result, ResultExt as _, function,
    http::{Json, Path, State, StatusCode},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Order {
    item: String,
    quantity: u32,
    version: u32,
}

/// The state: cheap to clone, since every invocation gets a clone.
#[derive(Debug, Clone)]
struct Orders(Arc<Mutex<BTreeMap<u64, Order>>>);

/// Runs once, before the port is open. When it fails the process ends with the reason and exit code 70.
fn open() -> Result<Orders> {
    let stored = serde_json::from_str(include_str!("../orders.json")).context("while reading orders.json")?;
    Ok(Orders(Arc::new(Mutex::new(stored))))
}

/// GET has no body and answers the order; PUT replaces it.
#[function(init = open, path = "/orders/{id}", methods(GET, PUT))]
async fn order(State(orders): State<Orders>, Path(id): Path<u64>, change: Option<Json<Order>>) -> Result<Json<Order>> {
    // No change can be half done: what panicked while holding the lock left whole orders behind.
    let mut orders = orders.0.lock().unwrap_or_else(PoisonError::into_inner);
    let order = orders.get_mut(&id).ok_or_else(|| {
        // The cause goes to the log, the detail to the caller.
        Error::status(StatusCode::NOT_FOUND, format!("no order {id}")).detail("there is no such order")
    })?;
    if let Some(Json(change)) = change {
        if change.version != order.version {
            let detail = format!("version {} is current", order.version);
            return Err(Error::status(StatusCode::CONFLICT, "the order was changed by somebody else").detail(detail));
        }
        *order = Order { version: order.version + 1, ..change };
    }
    Ok(Json(order.clone()))
}

#[cfg(test)]
mod tests {
    use functions_framework::{http::Method, testing};
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn an_order_is_read() {
        let response = testing::http(order {}).get("/orders/1").await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.json::<Order>().unwrap(), Order { item: "coffee".to_owned(), quantity: 1, version: 1 });
    }

    #[tokio::test]
    async fn a_change_of_the_current_version_is_kept() {
        let change = json!({ "item": "tea", "quantity": 2, "version": 1 });
        let response = testing::http(order {}).request(Method::PUT, "/orders/1").json(change).await;
        assert_eq!(response.json::<Value>().unwrap(), json!({ "item": "tea", "quantity": 2, "version": 2 }));
    }

    #[tokio::test]
    async fn the_caller_learns_its_own_mistake_and_nothing_else() {
        let response = testing::http(order {}).get("/orders/2").await;
        assert_eq!(response.status(), 404);
        assert_eq!(response.json::<Value>().unwrap()["detail"], "there is no such order");

        let stale = json!({ "item": "tea", "quantity": 2, "version": 7 });
        let response = testing::http(order {}).request(Method::PUT, "/orders/1").json(stale).await;
        assert_eq!(response.status(), 409);
        assert_eq!(response.json::<Value>().unwrap()["detail"], "version 1 is current");
    }

    #[tokio::test]
    async fn what_the_signature_rules_out_never_reaches_the_function() {
        assert_eq!(testing::http(order {}).get("/orders/one").await.status(), 400);
        assert_eq!(testing::http(order {}).get("/").await.status(), 404);
        let response = testing::http(order {}).request(Method::DELETE, "/orders/1").send("").await;
        assert_eq!((response.status().as_u16(), response.header("allow")), (405, Some("GET,HEAD,PUT")));
    }
}
