use functions_framework::{Result, function, http::State};

struct Db;

async fn connect() -> Result<Db> {
    Ok(Db)
}

#[function(init = connect)]
async fn hello(_: State<Db>) {}
