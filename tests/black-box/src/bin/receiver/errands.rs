//! A function that does what a request tells it: sends, keeps, asks.

use std::time::Duration;

use functions_framework::{Context, Error, Event, Result, SidecarError, Store, function};

use super::note;

/// Does what its payload says, whose words stand between bars; answers what came of it, or what a failure says. What comes to an
/// input it only notes.
#[function(main = false)]
pub(super) async fn errand(ctx: Context, payload: String) -> String {
    let _running = note(&ctx, payload.as_bytes());
    if ctx.input().is_some() {
        return String::new();
    }
    let words: Vec<&str> = payload.split('|').collect();
    let done = match words[..] {
        ["state", ref words @ ..] => match ctx.state("store") {
            Ok(store) => keep(store, words).await,
            Err(error) => Err(error),
        },
        _ => send(&ctx, &words).await,
    };
    done.unwrap_or_else(|error| match error.cause().downcast_ref::<SidecarError>() {
        Some(cause) => format!("{:?}, {}: {error:#}", cause.code(), if cause.can_retry() { "try again" } else { "give up" }),
        None => format!("{error:#}"),
    })
}

async fn send(ctx: &Context, words: &[&str]) -> Result<String> {
    let nothing = |()| String::new();
    match *words {
        ["send", output, data] => {
            let reply = ctx.send(output, data).await?;
            Ok(format!("{} {:?}", String::from_utf8_lossy(&reply.data), reply.metadata))
        }
        ["many", ref lines @ ..] => ctx.output("out")?.send_all(lines.iter().copied()).await?.complete().map(nothing),
        ["raw", data] => ctx.output("out")?.raw().send(data).await.map(|_| String::new()),
        ["attributes", data] => {
            let output = ctx.output("out")?.attribute("id", "7").attribute("type", "placed").attribute("subject", "é");
            output.content_type("application/json").send(data).await.map(|_| String::new())
        }
        ["event", data] => {
            let event = Event::builder().id("8").source("/errand").ty("sent").extension("shelf", "3");
            ctx.send("out", event.data("image/png", data.as_bytes().to_vec()).build()?).await.map(|_| String::new())
        }
        ["publish", component, topic, data] => ctx.publish(component, topic, data).send().await.map(|_| String::new()),
        ["invoke", component, operation, data] => {
            let reply = ctx.invoke_binding(component, operation, data).send().await?;
            Ok(String::from_utf8_lossy(&reply.data).into_owned())
        }
        ["secret", store, name] => ctx.secret(store, name).await?.value().map(str::to_owned),
        ["call", app, method, data] => {
            let response = ctx.invoke(app, method).header("x-shop", "one").send(data).await?;
            Ok(format!("{} {}", response.status().as_u16(), String::from_utf8_lossy(response.body())))
        }
        _ => Err(Error::new("no such errand")),
    }
}

async fn keep(store: Store, words: &[&str]) -> Result<String> {
    let nothing = |()| String::new();
    match *words {
        ["save", key, value] => store.save(key, value).await.map(nothing),
        ["save for a second", key, value] => store.ttl(Duration::from_secs(1)).save(key, value).await.map(nothing),
        ["save as new", key, value] => store.first_write().save(key, value).await.map(nothing),
        ["save over", etag, key, value] => store.etag(etag).first_write().save(key, value).await.map(nothing),
        ["etag", key] => Ok(store.get_bytes_entry(key).await?.etag.unwrap_or_default()),
        ["get", ref keys @ ..] => {
            let entries = store.get_many::<String>(keys.iter().copied()).await?;
            let texts: Vec<_> = entries.iter().map(|entry| format!("{}={:?}", entry.key, entry.value)).collect();
            Ok(texts.join(";"))
        }
        ["delete", ref keys @ ..] => store.delete_many(keys.iter().copied()).await.map(nothing),
        ["transaction", saved, value, deleted] => {
            store.transaction().save(saved, value).delete(deleted).commit().await.map(nothing)
        }
        _ => Err(Error::new("no such errand")),
    }
}
