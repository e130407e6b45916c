//! `init` and `State` in all three kinds.

use axum::extract::FromRef;
use functions_framework::{
    __private::Registration, Context, Event, Result, function,
    http::{Json, State},
};

#[derive(Clone)]
struct Db;

#[derive(Clone)]
struct Queue;

#[derive(Clone)]
struct App {
    db: Db,
    queue: Queue,
}

impl FromRef<App> for Db {
    fn from_ref(app: &App) -> Self {
        app.db.clone()
    }
}

impl FromRef<App> for Queue {
    fn from_ref(app: &App) -> Self {
        app.queue.clone()
    }
}

mod start {
    use super::{App, Db, Queue, Result};

    pub async fn connect() -> Result<Db> {
        Ok(Db)
    }

    pub fn not_async() -> std::result::Result<Db, std::num::ParseIntError> {
        "1".parse::<u8>()?;
        Ok(Db)
    }

    pub async fn several() -> Result<App, std::io::Error> {
        Ok(App { db: Db, queue: Queue })
    }

    pub async fn of<T: Default + Send + Sync>() -> Result<T> {
        Ok(T::default())
    }
}

#[function(init = start::connect, main = false)]
async fn http(State(Db): State<Db>) {}

#[function(init = self::start::not_async, main = false)]
async fn http_first(_: State<Db>, _body: String) {}

#[function(main = false, init = start::several)]
async fn http_parts(State(_db): State<Db>, _: State<Queue>, State(_): State<App>, Json(()): Json<()>) {}

#[function(main = false, init = start::of::<u8>)]
async fn http_generic(State(_): State<u8>) {}

#[function(init = start::connect, main = false)]
async fn cloud_event(_: Event, State(_db): State<Db>) {}

#[function(init = start::several, main = false)]
async fn cloud_event_parts(_: Event, State(_db): State<Db>, State(_queue): State<Queue>) {}

#[function(init = start::connect, main = false)]
async fn open_function(_: Context, State(_db): State<Db>) {}

#[function(init = start::several, main = false)]
async fn open_function_parts(_: Context, State(_db): State<Db>, State(_queue): State<Queue>, _payload: String) {}

#[function(init = start::connect, main = false)]
fn blocking(_: Context, State(_db): State<Db>, _payload: Vec<u8>) -> Vec<u8> {
    vec![]
}

fn main() {
    for function in [
        http::function(),
        http_first::function(),
        http_parts::function(),
        http_generic::function(),
        cloud_event::function(),
        cloud_event_parts::function(),
        open_function::function(),
        open_function_parts::function(),
        blocking::function(),
    ] {
        assert!(!function.name().is_empty());
    }
}
