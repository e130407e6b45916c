//! An axum application as one function, with tower layers around it: what you have keeps working, and gets the health
//! routes, the drain, the limits and the logs of the framework.
//!
//! ```sh
//! cargo run -p axum-router
//! curl -i localhost:8080/users/7
//! ```

use std::process::ExitCode;

use functions_framework::{
    App,
    axum::{
        Router,
        extract::Request,
        middleware::{self, Next},
        response::Response,
        routing::{any_service, get},
    },
    http::{Json, Path, StatusCode},
};
use serde::{Deserialize, Serialize};
use tower_http::cors::CorsLayer;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    name: String,
}

async fn user(Path(id): Path<u32>) -> Result<Json<User>, StatusCode> {
    match id {
        7 => Ok(Json(User { id, name: "Ada".to_owned() })),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

/// The application as it was before, state and all.
fn router() -> Router {
    Router::new().route("/", get("users\n")).route("/users/{id}", get(user))
}

/// A layer of your own is a function.
async fn who_answers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-served-by", functions_framework::axum::http::HeaderValue::from_static("axum-router"));
    response
}

fn main() -> ExitCode {
    // `any_service` makes a handler of the router: all its paths and methods are one function.
    App::new().http("users", any_service(router())).layer(middleware::from_fn(who_answers)).layer(CorsLayer::permissive()).run()
}

#[cfg(test)]
mod tests {
    use functions_framework::{http::Method, testing};

    use super::*;

    #[tokio::test]
    async fn every_route_of_the_router_is_served() {
        assert_eq!(testing::http(any_service(router())).get("/").await.text(), "users\n");
        let response = testing::http(any_service(router())).get("/users/7").await;
        assert_eq!(response.json::<User>().unwrap(), User { id: 7, name: "Ada".to_owned() });
    }

    #[tokio::test]
    async fn what_the_router_refuses_stays_refused() {
        assert_eq!(testing::http(any_service(router())).get("/users/8").await.status(), 404);
        assert_eq!(testing::http(any_service(router())).get("/nobody").await.status(), 404);
        assert_eq!(testing::http(any_service(router())).request(Method::POST, "/").send("").await.status(), 405);
    }

    #[tokio::test]
    async fn layers_see_the_answer() {
        let layered = router().layer(middleware::from_fn(who_answers));
        let response = testing::http(any_service(layered)).get("/").await;
        assert_eq!(response.header("x-served-by"), Some("axum-router"));
    }
}
