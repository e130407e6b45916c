//! A sidecar that keeps what was sent, for tests.

use std::sync::{Mutex, PoisonError};

use super::{Message, Reply, Sidecar};
use crate::{error::Error, function::BoxFuture};

/// Remembers every message in the order it was sent.
#[derive(Debug, Default)]
pub(crate) struct Recording(Mutex<Vec<Message>>);

impl Recording {
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, message: Message) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }
}

impl Sidecar for Recording {
    fn publish(&self, message: Message) -> BoxFuture<'_, Result<(), Error>> {
        self.record(message);
        Box::pin(std::future::ready(Ok(())))
    }

    fn invoke_binding(&self, message: Message) -> BoxFuture<'_, Result<Reply, Error>> {
        self.record(message);
        Box::pin(std::future::ready(Ok(Reply::default())))
    }
}
