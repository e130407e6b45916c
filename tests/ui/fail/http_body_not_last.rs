use functions_framework::{function, http::{HeaderMap, Json}};

#[function]
async fn hello(Json(_): Json<u32>, _: HeaderMap) {}
