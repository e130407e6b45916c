//! A function that a schedule calls; what `ticks` is stands in `function.yaml`.
//!
//! ```sh
//! cargo run -p cron-input
//! ```

use functions_framework::{Context, Result, function};

#[function]
async fn tick(ctx: Context) -> Result<()> {
    let input = ctx.input().map_or("nobody", |input| input.name());
    println!("called by {input}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use functions_framework::testing;

    use super::*;

    #[tokio::test]
    async fn a_tick_is_done_at_once() {
        let run = testing::open_function(tick {}).input("ticks").run_bytes("").await;
        assert!(run.verdict().is_success());
    }
}
