//! A function that is called over HTTP and sends to a binding: here to a folder, and with another `function.yaml` to a bucket.
//!
//! ```sh
//! cargo run -p binding-output
//! curl localhost:8080/notes/today.txt -d 'buy coffee'
//! ```

use functions_framework::{Context, Error, Out, Result, function};

#[function(path = "/notes/{name}", methods(PUT, POST))]
async fn keep(ctx: Context, note: Vec<u8>) -> Result<Out> {
    if note.is_empty() {
        return Err(Error::bad_request("an empty note").detail("a note has at least one letter"));
    }
    let name = ctx.param("name").unwrap_or("unnamed").to_owned();
    let reply = ctx.output("notes")?.operation("create").metadata("fileName", name).send(note).await?;
    Ok(Out::data(reply.data).status(201))
}

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    #[tokio::test]
    async fn a_note_goes_to_the_binding_under_its_name() {
        let run = testing::open_function(keep {}).binding("notes", "create").param("name", "a.txt").run_bytes("tea").await;
        assert_eq!(run.result().unwrap().status_code(), 201);
        let sent = &run.sent("notes")[0];
        assert_eq!((&sent.bytes()[..], sent.address(), sent.metadata("fileName")), (&b"tea"[..], "create", Some("a.txt")));
    }

    #[tokio::test]
    async fn nothing_is_sent_of_an_empty_note() {
        let run = testing::open_function(keep {}).binding("notes", "create").run_bytes("").await;
        assert!(run.result().is_err() && run.sent("notes").is_empty());
    }
}
