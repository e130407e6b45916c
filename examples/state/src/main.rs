//! A function that keeps state: it counts visits, and no visit is lost when two come at once.
//!
//! ```sh
//! cargo run -p state
//! curl -X POST localhost:8080/visits/ada
//! ```

use functions_framework::{Context, Error, Out, Result, SidecarCode, SidecarError, function, http::Method};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Visits {
    count: u64,
}

#[function(path = "/visits/{name}", methods(GET, POST, DELETE))]
async fn visits(ctx: Context) -> Result<Out> {
    let name = ctx.param("name").unwrap_or("nobody");
    let book = ctx.state("book")?;
    match ctx.request().map(|head| &head.method) {
        Some(&Method::DELETE) => book.delete(name).await?,
        Some(&Method::POST) => {
            let count = count(&ctx, name).await?;
            return Ok(Out::data(format!("{count}\n")));
        }
        _ => {
            let visits: Visits = book.get(name).await?.unwrap_or_default();
            return Ok(Out::data(format!("{}\n", visits.count)));
        }
    }
    Ok(Out::ok().status(204))
}

/// Writes only what nobody has changed since it was read; whoever was slower reads again.
async fn count(ctx: &Context, name: &str) -> Result<u64> {
    loop {
        let book = ctx.state("book")?;
        let entry = book.get_entry::<Visits>(name).await?;
        let count = entry.value.as_ref().map_or(0, |visits| visits.count) + 1;
        match book.first_write().etag_of(&entry).save(name, &Visits { count }).await {
            Ok(()) => return Ok(count),
            Err(error) if was_changed(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn was_changed(error: &Error) -> bool {
    error.cause().downcast_ref::<SidecarError>().is_some_and(|refused| refused.code() == SidecarCode::Aborted)
}

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    #[tokio::test]
    async fn nobody_has_visited_at_first() {
        let run = testing::open_function(visits {}).state("book").param("name", "ada").run_bytes("").await;
        assert_eq!(run.result().unwrap().payload(), "0\n");
    }
}
