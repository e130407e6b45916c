//! An HTTP front that answers at once, a queue, and an asynchronous function that does the work.
//!
//! ```sh
//! cargo run -p with-output-binding
//! curl localhost:8080/samples -d 'Awesome OpenFunction'
//! ```

use functions_framework::{Context, Error, Out, Result, function};

/// Answers once the queue has it: from then on it is not lost.
#[function(main = false, path = "/samples", methods(POST))]
async fn front(ctx: Context, sample: String) -> Result<Out> {
    if sample.trim().is_empty() {
        return Err(Error::bad_request("an empty sample").detail("a sample has at least one letter"));
    }
    ctx.send("target", sample).await?;
    Ok(Out::data("it is in the queue\n").status(202))
}

#[function(main = false, input = "samples")]
async fn handle(_ctx: Context, sample: String) {
    println!("handled: {sample}");
}

functions_framework::main!(front, handle);

#[cfg(test)]
mod tests {
    use functions_framework::{SidecarCode, testing};

    use super::*;

    #[tokio::test]
    async fn the_front_answers_when_the_queue_has_it_and_not_before() {
        let test = || testing::open_function(front {}).binding("target", "create");
        let run = test().run_bytes("tea").await;
        assert_eq!((run.result().unwrap().status_code().as_u16(), run.sent("target").len()), (202, 1));
        assert!(test().fails("target", SidecarCode::Unavailable).run_bytes("tea").await.result().is_err());
        assert_eq!(test().run_bytes(" ").await.result().unwrap_err().status_code(), 400);
    }

    #[tokio::test]
    async fn a_sample_is_handled() {
        assert!(testing::open_function(handle {}).input("samples").run_bytes("tea").await.verdict().is_success());
    }
}
