//! What a function sends, and who carries it.
//!
//! [`Sidecar`] is the framework's way out: the context speaks to it and to nothing behind it.

#[cfg(feature = "server")]
pub(crate) mod recording;

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;

use crate::{error::Error, function::BoxFuture};

/// Carries what functions send to where it was declared to go.
pub(crate) trait Sidecar: fmt::Debug + Send + Sync {
    /// Publishes a message on a topic.
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), Error>>;

    /// Calls an output binding; some answer.
    fn invoke_binding(&self, message: Message) -> BoxFuture<'_, Result<Reply, Error>>;
}

/// One thing to send.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The component's real name.
    pub(crate) component: String,
    /// The topic of a pub/sub component, the operation of a binding.
    pub(crate) address: String,
    pub(crate) payload: Bytes,
    pub(crate) content_type: String,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// What an output binding answered.
///
/// ```
/// # use functions_framework::{Context, Result};
/// async fn look_up(ctx: Context) -> Result<Vec<u8>> {
///     let reply = ctx.output("table")?.operation("query").metadata("sql", "select 1").send("").await?;
///     println!("it took {:?}", reply.metadata.get("duration"));
///     Ok(reply.data.into())
/// }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Reply {
    /// The bytes it sent back.
    pub data: Bytes,
    /// What it said about them.
    pub metadata: BTreeMap<String, String>,
}
