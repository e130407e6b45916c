use std::rc::Rc;

use axum::response::{IntoResponse, Response};
use functions_framework::function;

struct Page(Rc<str>);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        self.0.to_string().into_response()
    }
}

#[function]
fn hello() -> Page {
    Page("<p>".into())
}
