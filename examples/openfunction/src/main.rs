//! An OpenFunction function: `Context` first, the payload after it, whether it came as a plain body or as an event.
//!
//! ```sh
//! cargo run -p openfunction
//! curl --json '{"punctuation":"?"}' localhost:8080/greetings/world
//! ```

use functions_framework::{Context, Out, Result, function, http::Json};
use serde::Deserialize;

#[derive(Deserialize)]
struct Style {
    punctuation: char,
}

#[function(path = "/greetings/{name}", methods(POST))]
async fn greet(ctx: Context, Json(style): Json<Style>) -> Result<Out> {
    let name = ctx.param("name").unwrap_or("nobody");
    let greeting = format!("Hello, {name}{}\n", style.punctuation);
    Ok(Out::data(greeting).header("content-type", "text/plain; charset=utf-8"))
}

#[cfg(test)]
mod tests {
    use functions_framework::{Event, http::Method, testing};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn the_path_names_who_is_greeted() {
        let run = testing::open_function(greet {}).param("name", "world").run(json!({ "punctuation": "!" })).await;
        assert!(run.verdict().is_success());
        assert_eq!(run.result().unwrap().payload(), "Hello, world!\n");
    }

    #[tokio::test]
    async fn the_payload_of_an_event_is_its_data() {
        let event = Event::builder().id("1").source("/s").ty("t").json(&json!({ "punctuation": "?" }));
        let run = testing::open_function(greet {}).param("name", "event").run_event(event.build().unwrap()).await;
        assert_eq!(run.result().unwrap().payload(), "Hello, event?\n");
    }

    #[tokio::test]
    async fn it_is_served_at_its_path() {
        let response = testing::http(greet {}).post_json("/greetings/you", json!({ "punctuation": "." })).await;
        assert_eq!((response.status().as_u16(), response.text()), (200, "Hello, you.\n"));
        assert_eq!(testing::http(greet {}).get("/greetings/you").await.status(), 405);
        let refused = testing::http(greet {}).request(Method::POST, "/greetings/you").send("{}").await;
        assert_eq!(refused.status(), 422);
    }
}
