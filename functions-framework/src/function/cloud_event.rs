//! Arguments and replies of `CloudEvent` functions, and how one is called over HTTP.

use std::{future::Future, marker::PhantomData, sync::Arc};

use axum::extract::{FromRef, State};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
    request::Parts,
};
use serde::de::DeserializeOwned;

use super::{Call, Function, Kind, Options, answered::Answered, body::Request, classify::EventKind, init::Starter};
use crate::{
    current,
    error::{BoxError, Error},
    event::{
        CloudEvent, Event,
        http::{self as binding, Received},
    },
    span::Span,
};

/// The two ways to call a function: with a request that carries events, and with events that came otherwise. Each is one
/// future from end to end; a shared part would be a future, and an allocation, of its own.
pub(crate) struct Handler {
    pub(crate) answer: Box<dyn Fn(Request) -> Call<Answered> + Send + Sync>,
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "deliveries are the server's"))]
    pub(crate) deliver: Box<dyn Fn(Received) -> Call<Reply> + Send + Sync>,
}

/// What came, until the first parameter is made of it.
#[derive(Debug)]
pub struct EventIn(Source);

#[derive(Debug)]
enum Source {
    Message { headers: HeaderMap, body: Bytes },
    Received(Received),
    Taken,
}

impl EventIn {
    #[inline]
    fn take<T: FromEvent>(&mut self) -> Result<T, Error> {
        T::from_event(Self(std::mem::replace(&mut self.0, Source::Taken)))
    }

    #[inline]
    fn received(self) -> Result<Received, Error> {
        match self.0 {
            Source::Message { headers, body } => binding::decode(&headers, body),
            Source::Received(received) => Ok(received),
            // The glue takes it once.
            Source::Taken => Ok(Received::Many(Vec::new())),
        }
    }

    #[inline]
    fn one(self) -> Result<Event, Error> {
        match self.received()? {
            Received::One(event) => {
                current::called_with_event(&event);
                Ok(event)
            }
            Received::Many(_) => Err(Error::refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a batch of events came to a function that takes one: send them one by one",
            )),
        }
    }

    fn many(self) -> Result<Vec<Event>, Error> {
        self.received().map(|received| match received {
            Received::One(event) => vec![event],
            Received::Many(events) => events,
        })
    }
}

/// The first parameter of a `CloudEvent` function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a CloudEvent",
    label = "not an event",
    note = "a CloudEvent function takes `Event`, `CloudEvent<T>` where `T: serde::Deserialize`, or a `Vec` of one of these"
)]
#[cfg_attr(
    not(feature = "cloudevents-sdk"),
    diagnostic::on_unimplemented(
        note = "with the feature `cloudevents-sdk` of functions-framework, which is off, a `cloudevents::Event` is an event too"
    )
)]
pub trait FromEvent: Sized {
    /// Takes what was received.
    ///
    /// # Errors
    /// 415 for a batch where one event is expected, 422 for data that does not fit.
    fn from_event(input: EventIn) -> Result<Self, Error>;
}

impl FromEvent for Event {
    fn from_event(input: EventIn) -> Result<Self, Error> {
        input.one()
    }
}

impl<T: DeserializeOwned> FromEvent for CloudEvent<T> {
    fn from_event(input: EventIn) -> Result<Self, Error> {
        Self::from_event(input.one()?)
    }
}

impl FromEvent for Vec<Event> {
    fn from_event(input: EventIn) -> Result<Self, Error> {
        input.many()
    }
}

impl<T: DeserializeOwned> FromEvent for Vec<CloudEvent<T>> {
    fn from_event(input: EventIn) -> Result<Self, Error> {
        input.many()?.into_iter().map(CloudEvent::from_event).collect()
    }
}

/// What may follow the event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a CloudEvent function",
    label = "unexpected parameter",
    note = "a CloudEvent function takes one event and, after it, only `State<T>`",
    note = "`State<T>` needs `T: Clone` and `#[function(init = ..)]` to make a state that `T` can be taken from; the state here is `{S}`"
)]
pub trait AfterEvent<S>: Sized {
    /// Takes it from the state.
    fn from_state(state: &S) -> Self;
}

#[diagnostic::do_not_recommend]
impl<S, T: FromRef<S>> AfterEvent<S> for State<T> {
    fn from_state(state: &S) -> Self {
        Self(T::from_ref(state))
    }
}

/// What a `CloudEvent` function answers: at most one event, or as many as it likes to a batch.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Nothing.
    None,
    /// One event.
    One(Event),
    /// Any number of events.
    Many(Vec<Event>),
}

/// What a `CloudEvent` function may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a valid result of a CloudEvent function",
    label = "cannot be turned into an event reply",
    note = "return `()`, `Event`, `Option<Event>`, `Vec<Event>`, or a `Result` of one of these whose error implements `std::error::Error`",
    note = "a function that returns a future is written `async fn`"
)]
pub trait IntoReply {
    /// Makes the reply.
    ///
    /// # Errors
    /// What the function failed with.
    fn into_reply(self) -> Result<Reply, Error>;
}

#[diagnostic::do_not_recommend]
impl IntoReply for () {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::None)
    }
}

#[diagnostic::do_not_recommend]
impl IntoReply for Event {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::One(self))
    }
}

#[diagnostic::do_not_recommend]
impl IntoReply for Option<Event> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_or(Ok(Reply::None), Event::into_reply)
    }
}

#[diagnostic::do_not_recommend]
impl IntoReply for Vec<Event> {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::Many(self))
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoReply, E: Into<BoxError>> IntoReply for Result<T, E> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_err(|error| Error::from_boxed(error.into()))?.into_reply()
    }
}

/// Marks that `methods(..)` means something for a kind of function.
#[diagnostic::on_unimplemented(
    message = "`methods(..)` does not fit a CloudEvent function",
    label = "an event arrives by POST only",
    note = "valid keys for a CloudEvent function: `name`, `path`, `init`, `main`, `crate`"
)]
pub trait HasMethods {}

impl EventKind {
    /// The event, followed by other parameters.
    ///
    /// # Errors
    /// As [`FromEvent`].
    #[expect(clippy::unused_async, reason = "the glue awaits the parameters of every kind")]
    pub async fn leading<S: Sync, T: FromEvent>(self, input: &mut EventIn, _: &S, _: PhantomData<T>) -> Result<T, Error> {
        input.take()
    }

    /// A parameter between the event and the last.
    ///
    /// # Errors
    /// None; the type is that of the other parameters.
    #[expect(clippy::unused_async, reason = "the glue awaits the parameters of every kind")]
    pub async fn inner<S: Sync, T: AfterEvent<S>>(self, _: &mut EventIn, state: &S, _: PhantomData<T>) -> Result<T, Error> {
        Ok(T::from_state(state))
    }

    /// The last parameter after the event.
    ///
    /// # Errors
    /// None; the type is that of the other parameters.
    #[expect(clippy::unused_async, reason = "the glue awaits the parameters of every kind")]
    pub async fn last<S: Sync, T: AfterEvent<S>>(self, _: EventIn, state: &S, _: PhantomData<T>) -> Result<T, Error> {
        Ok(T::from_state(state))
    }

    /// The event alone.
    ///
    /// # Errors
    /// As [`FromEvent`].
    #[expect(clippy::unused_async, reason = "the glue awaits the parameters of every kind")]
    pub async fn only<S: Sync, T: FromEvent>(self, input: EventIn, _: &S, _: PhantomData<T>) -> Result<T, Error> {
        T::from_event(input)
    }

    /// Turns what the function returned into a reply.
    ///
    /// # Errors
    /// What the function failed with.
    pub fn reply<T: IntoReply>(self, returned: T) -> Result<Reply, Error> {
        returned.into_reply()
    }

    /// Refuses `methods(..)` at compile time.
    pub fn methods<T: HasMethods + ?Sized>(self, options: Options, _: &T) -> Options {
        options
    }

    /// Puts the function together.
    pub fn function<S, F, Fut>(self, options: Options, init: Starter<S>, call: F) -> Function
    where
        S: Send + Sync + 'static,
        F: Fn(Arc<S>, EventIn) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, Error>> + Send + 'static,
    {
        let start = |state: Arc<S>| {
            let call = Arc::new(move |input| call(Arc::clone(&state), input));
            let answer = Arc::clone(&call);
            super::Handler::CloudEvent(Handler {
                answer: Box::new(move |request| {
                    if request.method() != Method::POST {
                        return Box::pin(std::future::ready(Err(only_post())));
                    }
                    let call = Arc::clone(&answer);
                    let (Parts { headers, .. }, body) = request.into_parts();
                    Box::pin(async move {
                        let batch = binding::is_batched(&headers);
                        let body = body.collect().await?;
                        let reply = call(EventIn(Source::Message { headers, body })).await.map_err(Error::status_for_event)?;
                        respond(reply.within(&current::span()), batch)
                    })
                }),
                deliver: Box::new(move |received| Box::pin(call(EventIn(Source::Received(received))))),
            })
        };
        Function::new(options, Kind::CloudEvent, init.then(start))
    }
}

/// A plain function that takes an event, for [`App::cloud_event`](crate::App::cloud_event) and the test kit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a CloudEvent function",
    label = "not a CloudEvent function",
    note = "a CloudEvent function is async, takes `Event`, `CloudEvent<T>` or `Vec<Event>`, and returns `()`, an event, or a `Result` of these",
    note = "to test a function with its `init`, pass what `#[function]` made: `{Self} {{}}`"
)]
pub trait CloudEventFunction<M> {
    /// Describes it.
    fn into_function(self, options: Options) -> Function;
}

#[diagnostic::do_not_recommend]
impl<F, Fut, T> CloudEventFunction<(T,)> for F
where
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
    T: FromEvent + 'static,
{
    fn into_function(self, options: Options) -> Function {
        // User code runs where the future is polled: there the guard is around it.
        let function = Arc::new(self);
        EventKind.function(options, super::init::no_init(), move |_, mut input| {
            let function = Arc::clone(&function);
            async move {
                // Two statements: an event that is not `Send` must be gone before the wait.
                let called = function(input.take()?);
                called.await.into_reply()
            }
        })
    }
}

impl Reply {
    /// Says in the events to which trace they belong.
    fn within(self, span: &Span) -> Self {
        match self {
            Self::None => Self::None,
            Self::One(event) => Self::One(span.mark(event)),
            Self::Many(events) => Self::Many(events.into_iter().map(|event| span.mark(event)).collect()),
        }
    }
}

fn only_post() -> Error {
    Error::refused(StatusCode::METHOD_NOT_ALLOWED, "events are sent with POST").header(ALLOW, HeaderValue::from_static("POST"))
}

/// Knative takes a reply only as one event with 200, and calls a 2xx body that is no event a failed delivery: hence no body
/// at all without a reply, and a batch only to whom sent one or to whom several events are owed.
fn respond(reply: Reply, batch: bool) -> Result<Answered, Error> {
    match reply {
        Reply::Many(events) if batch || events.len() > 1 => {
            let batch = HeaderValue::from_static("application/cloudevents-batch+json");
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, batch)]);
            Ok(Answered::whole(StatusCode::OK, headers, binding::encode_batch(&events)))
        }
        Reply::Many(events) => events.into_iter().next().map_or_else(|| Ok(no_content()), encode),
        Reply::One(event) => encode(event),
        Reply::None => Ok(no_content()),
    }
}

fn encode(event: Event) -> Result<Answered, Error> {
    let (headers, body) = binding::encode_binary(event)?;
    Ok(Answered::whole(StatusCode::OK, headers, body))
}

fn no_content() -> Answered {
    Answered::whole(StatusCode::NO_CONTENT, HeaderMap::new(), Bytes::new())
}
