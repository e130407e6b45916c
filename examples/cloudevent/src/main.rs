//! A CloudEvent in, a CloudEvent out: the data is decoded before the function is called, the reply is an event of its own.
//!
//! ```sh
//! cargo run -p cloudevent
//! curl -i localhost:8080 -H 'ce-specversion: 1.0' -H 'ce-id: 1' -H 'ce-source: /shop' -H 'ce-type: order.placed' \
//!     --json '{"number":17,"cents":450}'
//! ```

use functions_framework::{CloudEvent, Event, Result, function};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    number: u32,
    cents: u32,
}

#[derive(Serialize)]
struct Invoice {
    order: u32,
    cents: u32,
}

/// Answers nothing, hence no body, for what costs nothing.
#[function]
async fn invoice(order: CloudEvent<Order>) -> Result<Option<Event>> {
    let Order { number, cents } = *order.data();
    if cents == 0 {
        return Ok(None);
    }
    let invoice = Event::builder().id(format!("invoice-{}", order.id())).source("/invoices").ty("invoice.written");
    Ok(Some(invoice.json(&Invoice { order: number, cents }).build()?))
}

#[cfg(test)]
mod tests {
    use functions_framework::{http::Method, testing};
    use serde_json::{Value, json};

    use super::*;

    fn placed(data: &str) -> Event {
        Event::builder().id("1").source("/shop").ty("order.placed").data("application/json", data).build().unwrap()
    }

    #[tokio::test]
    async fn an_order_gets_an_invoice() {
        let replies = testing::cloud_event(invoice {}).send(placed(r#"{"number":17,"cents":450}"#)).await.unwrap();
        assert_eq!((replies[0].ty(), replies[0].id()), ("invoice.written", "invoice-1"));
        assert_eq!(replies[0].json::<Value>().unwrap(), json!({ "order": 17, "cents": 450 }));
    }

    #[tokio::test]
    async fn nothing_to_pay_is_no_event() {
        let replies = testing::cloud_event(invoice {}).send(placed(r#"{"number":17,"cents":0}"#)).await.unwrap();
        assert_eq!(replies, []);
    }

    #[tokio::test]
    async fn data_that_does_not_fit_names_the_field() {
        let error = testing::cloud_event(invoice {}).send(placed(r#"{"number":17,"cents":"x"}"#)).await.unwrap_err();
        assert_eq!(error.status_code(), 422);
        assert!(format!("{error:#}").contains("data.cents"), "{error:#}");
    }

    #[tokio::test]
    async fn both_modes_of_http_bring_an_event() {
        let binary = testing::http(invoice {}).request(Method::POST, "/").header("ce-specversion", "1.0").header("ce-id", "1");
        let binary = binary.header("ce-source", "/shop").header("ce-type", "order.placed");
        let response = binary.json(json!({ "number": 17, "cents": 450 })).await;
        assert_eq!((response.status().as_u16(), response.header("ce-type")), (200, Some("invoice.written")));
        assert_eq!(response.text(), r#"{"order":17,"cents":450}"#);

        let structured = testing::http(invoice {}).request(Method::POST, "/");
        let structured = structured.header("content-type", "application/cloudevents+json");
        let event = placed(r#"{"number":17,"cents":450}"#);
        assert_eq!(structured.send(event.to_json()).await.header("ce-id"), Some("invoice-1"));
    }
}
