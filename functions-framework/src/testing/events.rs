//! Events to a function, and what it replies.

use super::started;
use crate::{
    error::Error,
    event::{Event, http::Received},
    function::{Function, Handler, cloud_event::Reply},
};

/// Sends events to a function; made by [`cloud_event`](super::cloud_event).
#[derive(Debug)]
#[must_use = "nothing is called until an event is sent"]
pub struct CloudEvents(Function);

impl CloudEvents {
    pub(super) const fn new(function: Function) -> Self {
        Self(function)
    }

    /// Sends one event and returns what was replied.
    ///
    /// # Errors
    /// What the function failed with, or why its parameter could not be made of the event.
    pub async fn send(self, event: Event) -> Result<Vec<Event>, Error> {
        self.deliver(Received::One(event)).await
    }

    /// Sends a batch of events and returns what was replied.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_batch(self, events: impl IntoIterator<Item = Event>) -> Result<Vec<Event>, Error> {
        self.deliver(Received::Many(events.into_iter().collect())).await
    }

    async fn deliver(self, received: Received) -> Result<Vec<Event>, Error> {
        let kind = self.0.kind();
        let Handler::CloudEvent(handler) = started(self.0).await else {
            panic!("the function is of kind {kind}, not cloudevent")
        };
        Ok(match (handler.deliver)(received).await? {
            Reply::None => Vec::new(),
            Reply::One(event) => vec![event],
            Reply::Many(events) => events,
        })
    }
}
