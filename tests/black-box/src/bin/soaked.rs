//! Two functions in a row, for runs in which everything is killed: the first passes on what the second keeps.
//!
//! Each writes down in the file `JOURNAL` what it begins and what it has ended, a line at a time: what is written outlives the
//! process, however that ends.

use std::{
    fs::File,
    io::Write,
    sync::{LazyLock, PoisonError, RwLock},
    time::Duration,
};

use functions_framework::{Context, Error, Result, function};

static JOURNAL: LazyLock<RwLock<Option<File>>> = LazyLock::new(RwLock::default);

async fn open() -> Result<()> {
    let path = std::env::var("JOURNAL").map_err(|error| Error::new(format!("JOURNAL: {error}")))?;
    let file = File::options().create(true).append(true).open(path)?;
    *JOURNAL.write().unwrap_or_else(PoisonError::into_inner) = Some(file);
    Ok(())
}

/// Writes a line by one call, so that a line is whole or not there.
fn note(what: &str, id: &str) -> Result<()> {
    let journal = JOURNAL.read().unwrap_or_else(PoisonError::into_inner);
    let mut file = journal.as_ref().ok_or_else(|| Error::new("the journal is not open"))?;
    Ok(file.write_all(format!("{what} {id}\n").as_bytes())?)
}

/// Passes on what comes by a lane to the output of that lane.
#[function(main = false, init = open, input("in0", "in1", "in2", "in3"))]
async fn pass(ctx: Context, id: String) -> Result<()> {
    note("begun pass", &id)?;
    let lane = ctx.input().and_then(|input| input.name().strip_prefix("in")).unwrap_or_default().to_owned();
    let sent = ctx.send(&format!("out{lane}"), id.as_str()).await;
    note(if sent.is_ok() { "ended pass" } else { "failed pass" }, &id)?;
    sent.map(|_| ())
}

/// Keeps what comes; it takes `PAUSE` milliseconds, where that is set.
#[function(main = false, init = open, input("kept0", "kept1", "kept2", "kept3"))]
async fn keep(_ctx: Context, id: String) -> Result<()> {
    note("begun keep", &id)?;
    if let Ok(pause) = std::env::var("PAUSE") {
        tokio::time::sleep(Duration::from_millis(pause.parse()?)).await;
    }
    note("ended keep", &id)
}

functions_framework::main!(pass, keep);
