//! Six functions in one process, two of each kind, each at a path with a variable in it.
//!
//! ```sh
//! cargo run -p several
//! curl localhost:8080/hello/openfunction
//! curl --json '{"data":"hello"}' localhost:8080/bar/openfunction
//! FUNCTION_TARGET=bar cargo run -p several    # that one alone
//! ```

use functions_framework::{
    CloudEvent, Context, Event, Result, function,
    http::{Json, Path},
};
use serde_json::{Value, json};

/// What all of them answer.
fn greeting(name: &str) -> Value {
    json!({ "hello": name })
}

/// HTTP: axum takes the variable out of the path.
#[function(main = false, path = "/hello/{name}", methods(GET, POST))]
async fn hello(Path(name): Path<String>) -> Json<Value> {
    Json(greeting(&name))
}

/// A module is a part of the name in `main!` and nowhere else.
mod second {
    use super::{Json, Path, Value, function, greeting};

    #[function(main = false, path = "/hellov2/{name}", methods(GET, POST))]
    pub(crate) async fn hellov2(Path(name): Path<String>) -> Json<Value> {
        Json(greeting(&name))
    }
}

/// CloudEvent: an event may come by other ways than HTTP, so the function sees no path; whom to greet is the subject's.
#[function(main = false, path = "/foo/{name}")]
async fn foo(event: Event) -> Result<Event> {
    reply(event.id(), event.subject())
}

#[function(main = false, path = "/foov2/{name}")]
async fn foov2(event: CloudEvent<Value>) -> Result<Event> {
    println!("foov2 got {}", event.data());
    reply(event.id(), event.subject())
}

fn reply(id: &str, subject: Option<&str>) -> Result<Event> {
    let greeting = greeting(subject.unwrap_or("openfunction"));
    Event::builder().id(id).source("/foo").ty("greeting").json(&greeting).build()
}

/// OpenFunction: the context knows the variable, and the payload is whatever came, the data of an event included.
#[function(main = false, path = "/bar/{name}", methods(GET, POST))]
async fn bar(ctx: Context, payload: String) -> Json<Value> {
    println!("bar got {payload}");
    Json(greeting(ctx.param("name").unwrap_or_default()))
}

#[function(main = false, path = "/barv2/{name}", methods(GET, POST))]
async fn barv2(ctx: Context) -> Json<Value> {
    Json(greeting(ctx.param("name").unwrap_or_default()))
}

functions_framework::main!(hello, second::hellov2, foo, foov2, bar, barv2);

#[cfg(test)]
mod tests {
    use functions_framework::{http::Method, testing};

    use super::*;

    const HELLO: &str = r#"{"hello":"openfunction"}"#;

    fn binary(request: testing::RequestTest) -> testing::RequestTest {
        let event = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];
        event.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    const STRUCTURED: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"application/json","data":{"data":"hello"}}"#;

    macro_rules! post {
        ($function:expr, $path:literal) => {
            testing::http($function).request(Method::POST, $path)
        };
    }

    #[tokio::test]
    async fn http_functions_answer_the_variable() {
        assert_eq!(testing::http(hello {}).get("/hello/openfunction").await.text(), HELLO);
        assert_eq!(testing::http(second::hellov2 {}).get("/hellov2/openfunction").await.text(), HELLO);
    }

    #[tokio::test]
    async fn event_functions_take_both_modes() {
        let data = json!({ "data": "hello" });
        assert_eq!(binary(post!(foo {}, "/foo/openfunction")).json(&data).await.text(), HELLO);
        assert_eq!(binary(post!(foov2 {}, "/foov2/openfunction")).json(&data).await.text(), HELLO);
        for request in [post!(foo {}, "/foo/openfunction"), post!(foov2 {}, "/foov2/openfunction")] {
            let response = request.header("content-type", "application/cloudevents+json").send(STRUCTURED).await;
            assert_eq!((response.status().as_u16(), response.text()), (200, HELLO));
            assert_eq!(response.header("allow"), None, "a function without methods(..) has none to tell");
        }
    }

    #[tokio::test]
    async fn openfunction_functions_take_anything() {
        let form = testing::http(bar {}).request(Method::GET, "/bar/openfunction");
        assert_eq!(form.header("content-type", "application/x-www-form-urlencoded").send("data=hello").await.text(), HELLO);
        assert_eq!(testing::http(barv2 {}).get("/barv2/openfunction").await.text(), HELLO);
        let data = json!({ "data": "hello" });
        assert_eq!(post!(bar {}, "/bar/openfunction").json(&data).await.text(), HELLO);
        assert_eq!(binary(post!(bar {}, "/bar/openfunction")).json(&data).await.text(), HELLO);
        assert_eq!(binary(post!(barv2 {}, "/barv2/openfunction")).json(&data).await.text(), HELLO);
        let structured = post!(bar {}, "/bar/openfunction").header("content-type", "application/cloudevents+json");
        assert_eq!(structured.send(STRUCTURED).await.text(), HELLO);
    }
}
