use functions_framework::{function, http::Json};

#[function(main = false)]
async fn types<T: serde::de::DeserializeOwned>(Json(_): Json<T>) {}

#[function(main = false)]
async fn lifetimes<'a>(_: &'a str) {}

#[function(main = false)]
async fn consts<const N: usize>(_: Json<[u8; N]>) {}

#[function(main = false)]
async fn clause() where String: Send {}

#[function(main = false)]
async fn argument(_: Option<impl Send>) {}

fn main() {}
