//! CloudEvents.
pub use cloudevents::Event;
