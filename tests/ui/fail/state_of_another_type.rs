use functions_framework::{Context, Event, Result, function, http::State};

#[derive(Clone)]
struct Db;

async fn connect() -> Result<String> {
    Ok(String::new())
}

#[function(init = connect, main = false)]
async fn http(_: State<Db>) {}

#[function(init = connect, main = false)]
async fn cloud_event(_: Event, _: State<Db>) {}

#[function(init = connect, main = false)]
async fn open_function(_: Context, _: State<Db>) {}

fn main() {}
