//! What a function sends and keeps, and who carries it.
//!
//! [`Sidecar`] is the framework's way out: the context speaks to it and to nothing behind it.

#[cfg(feature = "dapr")]
pub(crate) mod dapr;
mod error;
#[cfg(feature = "local")]
pub(crate) mod local;
#[cfg(feature = "server")]
pub(crate) mod recording;

use std::{
    any::Any,
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

pub use self::error::{SidecarCode, SidecarError};
use crate::{function::BoxFuture, span::Span};

/// What a call of a sidecar comes to.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, SidecarError>>;

/// Carries what functions send to where it was declared to go, and keeps what they store.
pub(crate) trait Sidecar: fmt::Debug + Send + Sync {
    /// Publishes a message on a topic.
    fn publish(&self, message: Message, scope: Scope) -> Answer<'_, ()>;

    /// Publishes several messages on one topic; answers those that were not taken.
    fn publish_bulk(&self, batch: Batch, scope: Scope) -> Answer<'_, Vec<Rejected>>;

    /// Calls an output binding; some answer.
    fn invoke_binding(&self, message: Message, scope: Scope) -> Answer<'_, Reply>;

    /// Reads one value; an entry without one when there is none.
    fn state(&self, store: &str, key: String, options: ReadOptions, scope: Scope) -> Answer<'_, StateEntry>;

    /// Reads several values, in the order of the keys.
    fn states(&self, store: &str, keys: Vec<String>, options: ReadOptions, scope: Scope) -> Answer<'_, Vec<StateEntry>>;

    /// Writes and deletes one after another, or all or nothing when it is a transaction.
    fn change_states(&self, store: &str, changes: Changes, scope: Scope) -> Answer<'_, ()>;

    /// Runs a query, in Dapr's query language.
    fn query_states(&self, store: &str, query: String, metadata: Metadata, scope: Scope) -> Answer<'_, StatePage>;

    /// Reads a secret, which may have several values.
    fn secret(&self, store: &str, name: String, metadata: Metadata, scope: Scope) -> Answer<'_, BTreeMap<String, String>>;

    /// Calls a method of another app.
    fn invoke(&self, app: &str, request: http::Request<Bytes>, scope: Scope) -> Answer<'_, http::Response<Bytes>>;

    /// Itself, when there is more to it than this trait.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }
}

/// Names and values that mean something to a component.
pub(crate) type Metadata = BTreeMap<String, String>;

/// The invocation that a call is made for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// When the invocation ends, and nobody needs the answer any more.
    pub(crate) deadline: Option<Instant>,
    pub(crate) trace: Trace,
    /// Whose child it is, where invocations are traced.
    pub(crate) span: Span,
    /// Nothing is to be put around what is sent, so that tracing goes without what it would say there.
    #[cfg_attr(not(feature = "skywalking"), allow(dead_code, reason = "nobody else puts anything there"))]
    pub(crate) raw: bool,
}

/// The trace that an invocation belongs to (W3C Trace Context, W3C Baggage).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) traceparent: Option<Arc<str>>,
    pub(crate) tracestate: Option<Arc<str>>,
    pub(crate) baggage: Option<Arc<str>>,
    /// What others than W3C say, by the names of headers.
    pub(crate) others: Vec<(&'static str, Arc<str>)>,
}

impl Trace {
    /// Whether it belongs to any: Dapr writes the parent of no trace as zeros.
    pub(crate) fn is_known(&self) -> bool {
        let trace_id = self.traceparent.as_deref().and_then(|parent| parent.split('-').nth(1));
        trace_id.is_some_and(|id| id.bytes().any(|digit| digit != b'0'))
    }
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
    pub(crate) metadata: Metadata,
}

/// Several messages for one topic.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) component: String,
    pub(crate) topic: String,
    pub(crate) entries: Vec<BatchEntry>,
    pub(crate) metadata: Metadata,
}

/// One message of a batch; its id names it in the answer.
#[derive(Debug, Clone)]
pub(crate) struct BatchEntry {
    pub(crate) id: String,
    pub(crate) payload: Bytes,
    pub(crate) content_type: String,
    pub(crate) metadata: Metadata,
}

/// A message of a batch that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) id: String,
    pub(crate) why: String,
}

/// How a value is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadOptions {
    /// The last value written is read, whatever that costs.
    pub(crate) strong: bool,
    pub(crate) metadata: Metadata,
}

/// What a store has for a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StateEntry {
    pub(crate) key: String,
    pub(crate) value: Option<Bytes>,
    pub(crate) etag: Option<String>,
    pub(crate) metadata: Metadata,
    /// Why this one of several could not be read.
    pub(crate) error: Option<String>,
}

/// One page of what a query found.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatePage {
    pub(crate) entries: Vec<StateEntry>,
    /// Where the next page begins.
    pub(crate) token: Option<String>,
}

/// Values to write and to delete.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "the changes are what they are")]
pub(crate) struct Changes {
    pub(crate) changes: Vec<Change>,
    /// All of them or none.
    pub(crate) transaction: bool,
    pub(crate) metadata: Metadata,
}

/// One value to write or to delete.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) key: String,
    /// None deletes it.
    pub(crate) value: Option<Bytes>,
    /// What its value must still have.
    pub(crate) etag: Option<String>,
    /// Fails when another has written meanwhile; else the last one wins.
    pub(crate) first_write: bool,
    pub(crate) strong: bool,
    /// `ttlInSeconds` among it.
    pub(crate) metadata: Metadata,
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

/// A text as one part of a path or of a query.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_part_of_a_path() {
        assert_eq!(escaped("shop.default"), "shop.default");
        assert_eq!(escaped("a/b c?"), "a%2Fb%20c%3F");
        assert_eq!(escaped("ä"), "%C3%A4");
    }

    #[test]
    fn a_parent_of_zeros_is_none() {
        let known = |parent: &str| Trace { traceparent: Some(parent.into()), ..Trace::default() }.is_known();
        assert!(known("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        for parent in ["00-00000000000000000000000000000000-0000000000000000-00", "", "00", "00-"] {
            assert!(!known(parent), "{parent}");
        }
        assert!(!Trace::default().is_known());
    }
}
