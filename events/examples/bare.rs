//! What a Trigger is measured against: a function of the framework that sends on what it hears, and nothing else.
//!
//! ```sh
//! cargo run -p openfunction-events --example bare     # beside a sidecar: see the throughput test
//! ```

use bytes::Bytes;
use functions_framework::{Context, Result, function};

#[function]
async fn relay(ctx: Context, payload: Bytes) -> Result<()> {
    ctx.send("sink", payload).await?;
    Ok(())
}
