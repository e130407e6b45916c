use functions_framework::{function, http::Json};

#[function]
async fn hello(_: String, Json(_): Json<u32>) {}
