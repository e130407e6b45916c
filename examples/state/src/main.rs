//! Functions that keep state: they count visits, and no visit is lost when two come at once.
//!
//! ```sh
//! cargo run -p state
//! curl -X POST localhost:8080/visits/ada
//! curl localhost:8080/regulars --json '{"bob":7,"eve":2}'
//! curl 'localhost:8080/regulars?atleast=3'
//! curl -X POST localhost:8080/renamed/bob/rob
//! ```

use std::collections::BTreeMap;

use functions_framework::{
    Context, Error, Out, Result, SidecarCode, SidecarError, function,
    http::{Method, Query, StatusCode},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Visits {
    count: u64,
}

/// One value: get, save, delete.
#[function(main = false, path = "/visits/{name}", methods(GET, POST, DELETE))]
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

/// Many values: POST saves those it is given, GET finds those with so many visits, in the stores that can look into values.
#[function(main = false, path = "/regulars", methods(GET, POST))]
async fn regulars(ctx: Context, body: Vec<u8>) -> Result<Out> {
    let book = ctx.state("book")?;
    if ctx.request().is_some_and(|head| head.method == Method::POST) {
        let counts: BTreeMap<String, u64> = serde_json::from_slice(&body)
            .map_err(|error| Error::bad_request(error).detail("expected names with their visits, as {\"bob\":7}"))?;
        book.save_many(counts.iter().map(|(name, count)| (name, Visits { count: *count }))).await?;
        // One call for all of them, in their order.
        let saved = book.get_many::<Visits>(counts.keys()).await?;
        let total: u64 = saved.iter().filter_map(|entry| entry.value.as_ref()).map(|visits| visits.count).sum();
        return Ok(Out::data(format!("{} names, {total} visits\n", saved.len())));
    }
    let query = json!({ "filter": { "GTE": { "count": at_least(&ctx)? } }, "sort": [{ "key": "count", "order": "DESC" }] });
    let found = book.query::<Visits>(query).await?;
    let names: Vec<_> = found.entries.into_iter().map(|entry| entry.key).collect();
    Ok(Out::data(format!("{}\n", names.join(", "))))
}

fn at_least(ctx: &Context) -> Result<u64> {
    #[derive(Deserialize)]
    struct Asked {
        atleast: u64,
    }
    let Some(head) = ctx.request() else { return Ok(1) };
    let asked = Query::<Asked>::try_from_uri(&head.uri);
    asked.map(|Query(asked)| asked.atleast).map_err(|error| Error::bad_request(error).detail("expected ?atleast=<number>"))
}

/// Both changes or none; and none when somebody has visited meanwhile: the caller may ask again.
#[function(main = false, path = "/renamed/{name}/{other}", methods(POST))]
async fn renamed(ctx: Context) -> Result<Out> {
    let (name, other) = (ctx.param("name").unwrap_or_default(), ctx.param("other").unwrap_or_default());
    let book = ctx.state("book")?;
    let entry = book.get_entry::<Visits>(name).await?;
    let (Some(visits), Some(etag)) = (entry.value, entry.etag) else {
        return Err(Error::status(StatusCode::NOT_FOUND, format!("nobody is called {name}")));
    };
    match book.transaction().save(other, &visits).delete_if(name, etag).commit().await {
        Ok(()) => Ok(Out::data(format!("{other} has {} visits\n", visits.count))),
        Err(error) if was_changed(&error) => Err(Error::status(StatusCode::CONFLICT, error)),
        Err(error) => Err(error),
    }
}

functions_framework::main!(visits, regulars, renamed);

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    #[tokio::test]
    async fn nobody_has_visited_at_first() {
        let run = testing::open_function(visits {}).state("book").param("name", "ada").run_bytes("").await;
        assert_eq!(run.result().unwrap().payload(), "0\n");
    }

    #[tokio::test]
    async fn who_is_renamed_keeps_the_visits() {
        let test = || testing::open_function(renamed {}).state("book").param("name", "bob").param("other", "rob");
        let run = test().stored("book", "bob", &Visits { count: 7 }).run_bytes("").await;
        assert_eq!(run.result().unwrap().payload(), "rob has 7 visits\n");
        assert_eq!(run.stored::<Visits>("book", "rob").map(|visits| visits.count), Some(7));
        assert!(run.stored::<Visits>("book", "bob").is_none());
        assert_eq!(test().run_bytes("").await.result().unwrap_err().status_code(), 404);
    }
}
