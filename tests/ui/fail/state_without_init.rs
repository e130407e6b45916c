use functions_framework::{Context, Event, function, http::State};

#[derive(Clone)]
struct Db;

#[function(main = false)]
async fn only(_: State<Db>) {}

#[function(main = false)]
async fn first(_: State<Db>, _: String) {}

#[function(main = false)]
async fn cloud_event(_: Event, _: State<Db>) {}

#[function(main = false)]
async fn open_function(_: Context, _: State<Db>) {}

#[function(main = false)]
async fn between(_: Context, _: State<Db>, _: String) {}

fn main() {}
