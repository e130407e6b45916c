//! The functions that the conformance client of the functions-framework contract calls. `FUNCTION_TARGET` picks one.
//!
//! The client compares what it sent with what it finds in `function_output.json`.

use std::{fs, time::Duration};

use bytes::Bytes;
use functions_framework::{Event, Result, ResultExt as _, function, http::Json};
use serde_json::{Value, json};

const OUTPUT: &str = "function_output.json";
/// The client sends several requests at once and expects all within little more than this.
const WORK: Duration = Duration::from_millis(1100);

/// Not async, as writing a file is not: it runs where blocking does no harm.
#[function(main = false)]
fn write_http(body: Bytes) -> Result<()> {
    fs::write(OUTPUT, body).context("while writing the output file")
}

#[function(main = false)]
#[allow(clippy::needless_pass_by_value, reason = "a function owns its event")]
fn write_cloud_event(event: Event) -> Result<()> {
    fs::write(OUTPUT, event.to_json()).context("while writing the output file")
}

#[function(main = false)]
async fn typed_echo(Json(payload): Json<Value>) -> Json<Value> {
    Json(json!({ "payload": payload }))
}

#[function(main = false)]
async fn concurrent_http(_body: Bytes) {
    tokio::time::sleep(WORK).await;
}

#[function(main = false)]
async fn concurrent_cloud_event(_event: Event) {
    tokio::time::sleep(WORK).await;
}

#[function(main = false)]
async fn concurrent_typed(Json(payload): Json<Value>) -> Json<Value> {
    tokio::time::sleep(WORK).await;
    Json(json!({ "payload": payload }))
}

functions_framework::main!(
    write_http,
    write_cloud_event,
    typed_echo,
    concurrent_http,
    concurrent_cloud_event,
    concurrent_typed
);

#[cfg(test)]
mod tests {
    use functions_framework::{http::Method, testing};

    use super::*;

    /// One test, for there is one file.
    #[tokio::test]
    async fn what_came_is_in_the_file() {
        let response = testing::http(write_http {}).request(Method::POST, "/").send("{ \"n\": 1.0 }").await;
        assert_eq!((response.status().as_u16(), fs::read_to_string(OUTPUT).unwrap().as_str()), (200, "{ \"n\": 1.0 }"));

        let request = testing::http(write_cloud_event {}).request(Method::POST, "/").header("ce-specversion", "1.0");
        let request = request.header("ce-id", "1").header("ce-source", "/s").header("ce-type", "t").header("ce-extra", "x");
        assert_eq!(request.json(json!({ "n": 1 })).await.status(), 204);
        let written: Value = serde_json::from_slice(&fs::read(OUTPUT).unwrap()).unwrap();
        let sent = json!({
            "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "extra": "x",
            "datacontenttype": "application/json", "data": { "n": 1 },
        });
        assert_eq!(written, sent);
        fs::remove_file(OUTPUT).unwrap();
    }

    #[tokio::test]
    async fn any_json_is_echoed() {
        let response = testing::http(typed_echo {}).post_json("/", json!({ "message": [1, null] })).await;
        assert_eq!(response.json::<Value>().unwrap(), json!({ "payload": { "message": [1, null] } }));
    }

    #[tokio::test]
    async fn the_slow_ones_are_of_the_kinds_their_names_say() {
        assert_eq!(testing::http(concurrent_http {}).get("/").await.status(), 200);
        assert_eq!(testing::http(concurrent_cloud_event {}).get("/").await.status(), 405);
        assert_eq!(testing::http(concurrent_typed {}).post_json("/", 1).await.text(), r#"{"payload":1}"#);
    }
}
