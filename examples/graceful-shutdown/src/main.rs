//! Work that is under way when the process is told to stop is finished first.
//!
//! ```sh
//! cargo run -p graceful-shutdown
//! curl 'localhost:8080/?seconds=10'      # and Ctrl-C in the first terminal
//! ```

use std::time::Duration;

use functions_framework::{function, http::Query};
use serde::Deserialize;

#[derive(Deserialize)]
struct Work {
    seconds: u64,
}

/// Nothing in here knows of the stop: the framework waits for it.
#[function]
async fn work(Query(Work { seconds }): Query<Work>) -> String {
    println!("begun");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    println!("done");
    format!("done after {seconds} s\n")
}

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    #[tokio::test]
    async fn the_work_is_done() {
        assert_eq!(testing::http(work {}).get("/?seconds=0").await.text(), "done after 0 s\n");
        assert_eq!(testing::http(work {}).get("/").await.status(), 400);
    }
}
