//! Server-sent events: an answer that is written while the client reads it.
//!
//! ```sh
//! cargo run -p streaming
//! curl -N 'localhost:8080/?to=5&every_ms=500'
//! ```

use std::{convert::Infallible, time::Duration};

use functions_framework::{
    axum::response::sse::{Event, Sse},
    function,
    http::Query,
};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(default)]
struct Count {
    to: u32,
    every_ms: u64,
}

impl Default for Count {
    fn default() -> Self {
        Self { to: 10, every_ms: 1000 }
    }
}

/// The timeout is for the head of the answer: the stream may last as long as it likes. At a stop it gets the grace time.
#[function]
async fn count(Query(Count { to, every_ms }): Query<Count>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::iter(1..=to).then(move |number| async move {
        if number > 1 {
            tokio::time::sleep(Duration::from_millis(every_ms)).await;
        }
        Ok(Event::default().data(number.to_string()))
    }))
}

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    #[tokio::test]
    async fn it_counts() {
        let response = testing::http(count {}).get("/?to=3&every_ms=1").await;
        assert_eq!(response.header("content-type"), Some("text/event-stream"));
        assert_eq!(response.text(), "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    }
}
