//! Many events in one request, `application/cloudevents-batch+json`, and a reply to each.
//!
//! ```sh
//! cargo run -p batch
//! curl localhost:8080 -H 'content-type: application/cloudevents-batch+json' \
//!     -d '[{"specversion":"1.0","id":"1","source":"/s","type":"t"},{"specversion":"1.0","id":"2","source":"/s","type":"t"}]'
//! ```

use functions_framework::{Event, Result, function};

/// A function that takes one event refuses a batch; one that takes a `Vec` accepts both.
#[function]
async fn acknowledge(events: Vec<Event>) -> Result<Vec<Event>> {
    let receipts = events.iter().map(|event| {
        let receipt = Event::builder().id(format!("receipt-{}", event.id())).source("/receipts").ty("receipt");
        receipt.subject(event.source()).build()
    });
    receipts.collect()
}

#[cfg(test)]
mod tests {
    use functions_framework::{http::Method, testing};
    use serde_json::{Value, json};

    use super::*;

    fn event(id: &str) -> Event {
        Event::builder().id(id).source("/shop").ty("order.placed").build().unwrap()
    }

    #[tokio::test]
    async fn every_event_is_answered() {
        let replies = testing::cloud_event(acknowledge {}).send_batch([event("1"), event("2")]).await.unwrap();
        let ids: Vec<_> = replies.iter().map(|reply| (reply.id(), reply.subject())).collect();
        assert_eq!(ids, [("receipt-1", Some("/shop")), ("receipt-2", Some("/shop"))]);
    }

    #[tokio::test]
    async fn a_batch_is_answered_with_a_batch() {
        let batch = json!([{ "specversion": "1.0", "id": "1", "source": "/s", "type": "t" }]);
        let request = testing::http(acknowledge {}).request(Method::POST, "/");
        let response = request.header("content-type", "application/cloudevents-batch+json").send(batch.to_string()).await;
        assert_eq!(response.header("content-type"), Some("application/cloudevents-batch+json"));
        assert_eq!(response.json::<Value>().unwrap()[0]["id"], "receipt-1");
    }
}
