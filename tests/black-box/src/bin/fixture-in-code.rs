//! A program that says in code what others leave to the framework: its subscriber, its settings, a layer.

use std::process::ExitCode;

use functions_framework::{
    App,
    axum::{
        extract::Request,
        middleware::{self, Next},
        response::Response,
    },
    http::StatusCode,
};

async fn boom() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stdout).init();
    let moody = |request: Request, next: Next| async move {
        assert!(request.uri().path() != "/layer", "the layer does not like it");
        next.run(request).await
    };
    let stamp = |mut response: Response| async {
        response.headers_mut().insert("x-layer", "yes".parse().expect("it is a value"));
        response
    };
    App::new().http("boom", boom).layer(middleware::map_response(stamp)).layer(middleware::from_fn(moody)).port(0).run()
}
