//! Arguments and replies of `OpenFunction` functions, and how one is called over HTTP.

use std::{collections::BTreeMap, future::Future, marker::PhantomData, sync::Arc, time::Instant};

use axum::{
    Json,
    extract::{FromRef, FromRequestParts as _, RawPathParams, State},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;

use super::{
    Call, Deliveries, Function, Kind, Options,
    answered::{Answered, TEXT},
    body::Request,
    classify::ContextKind,
    init::Starter,
};
use crate::{
    context::{Arrival, Context, Origin},
    current,
    error::{BoxError, Error},
    event::{
        CloudEvent, Event,
        http::{self as binding, Mode, Received},
        media_type,
    },
    outcome::Out,
};

/// The two ways to call a function: with a request, and with a payload that came otherwise.
pub(crate) struct Handler {
    /// Of a request, which must be answered before the instant.
    pub(crate) answer: Box<Answer>,
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "deliveries are the server's"))]
    pub(crate) deliver: Box<dyn Fn(ContextIn) -> Call<Out> + Send + Sync>,
}

type Answer = dyn Fn(Arc<Origin>, Request, Option<Instant>) -> Call<Answered> + Send + Sync;

/// A context and a payload, until the parameters take them.
#[derive(Debug)]
pub struct ContextIn {
    context: Context,
    payload: Payload,
}

/// What came with the trigger.
#[derive(Debug)]
pub struct Payload {
    bytes: Bytes,
    content_type: Option<HeaderValue>,
}

impl ContextIn {
    pub(crate) const fn new(context: Context, bytes: Bytes, content_type: Option<HeaderValue>) -> Self {
        Self { context, payload: Payload { bytes, content_type } }
    }

    /// The payload is the data of the event when the request is a `CloudEvent`, else the body.
    async fn of_request(origin: Arc<Origin>, request: Request, deadline: Option<Instant>) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await?;
        let (event, bytes, content_type) = if is_event(&parts.headers) {
            let Received::One(event) = binding::decode(&parts.headers, body)? else {
                let text = "a batch of events came to a function that takes one payload: send them one by one";
                return Err(Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
            };
            let (bytes, content_type) = (event.data().cloned().unwrap_or_default(), content_type_of(&event));
            (Some(event), bytes, content_type)
        } else {
            (None, body, parts.headers.get(CONTENT_TYPE).cloned())
        };
        let mut params = BTreeMap::new();
        if origin.has_path {
            let decoded = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(|rejection| {
                Error::status(StatusCode::BAD_REQUEST, rejection).detail("a part of the path is not UTF-8")
            })?;
            params.extend(decoded.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let mut arrival = Arrival { request: Some(parts), params, event: event.into(), ..Arrival::default() };
        arrival.scope.deadline = deadline;
        arrival.scope.span = current::span();
        let context = Context::new(origin, arrival);
        current::called_with(&context);
        Ok(Self::new(context, bytes, content_type))
    }
}

/// The first parameter of an `OpenFunction` function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the first parameter of an OpenFunction function",
    label = "expected `Context`"
)]
pub trait FromContext: Sized {
    /// Takes it.
    fn from_context(context: &Context) -> Self;
}

impl FromContext for Context {
    fn from_context(context: &Context) -> Self {
        context.clone()
    }
}

/// The last parameter of an `OpenFunction` function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the payload of an OpenFunction function",
    label = "not a payload",
    note = "after `Context` a function takes `State<T>` and, as the last parameter, a payload: `Bytes`, `String`, `Vec<u8>`, `Json<T>`, `Event` or `CloudEvent<T>`",
    note = "`State<T>` needs `T: Clone` and `#[function(init = ..)]` to make a state that `T` can be taken from; the state here is `{S}`"
)]
pub trait FromPayload<S>: Sized {
    /// Makes the parameter.
    ///
    /// # Errors
    /// 400, 415 or 422 when the payload is not what the type needs.
    fn from_payload(context: &Context, payload: Payload, state: &S) -> Result<Self, Error>;
}

/// What may stand between the context and the last parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand between `Context` and the last parameter of an OpenFunction function",
    label = "unexpected parameter",
    note = "only `State<T>` can, and a payload comes last",
    note = "`State<T>` needs `T: Clone` and `#[function(init = ..)]` to make a state that `T` can be taken from; the state here is `{S}`"
)]
pub trait AfterContext<S>: Sized {
    /// Takes it from the state.
    fn from_state(state: &S) -> Self;
}

#[diagnostic::do_not_recommend]
impl<S, T: FromRef<S>> AfterContext<S> for State<T> {
    fn from_state(state: &S) -> Self {
        Self(T::from_ref(state))
    }
}

#[diagnostic::do_not_recommend]
impl<S, T: FromRef<S>> FromPayload<S> for State<T> {
    fn from_payload(_: &Context, _: Payload, state: &S) -> Result<Self, Error> {
        Ok(Self(T::from_ref(state)))
    }
}

impl<S> FromPayload<S> for Bytes {
    fn from_payload(_: &Context, payload: Payload, _: &S) -> Result<Self, Error> {
        Ok(payload.bytes)
    }
}

impl<S> FromPayload<S> for Vec<u8> {
    fn from_payload(_: &Context, payload: Payload, _: &S) -> Result<Self, Error> {
        Ok(payload.bytes.into())
    }
}

impl<S> FromPayload<S> for String {
    fn from_payload(_: &Context, payload: Payload, _: &S) -> Result<Self, Error> {
        Self::from_utf8(payload.bytes.into()).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Error::refused(StatusCode::BAD_REQUEST, format!("the payload is not UTF-8: byte {at} is wrong"))
        })
    }
}

impl<S, T: DeserializeOwned> FromPayload<S> for Json<T> {
    fn from_payload(_: &Context, payload: Payload, _: &S) -> Result<Self, Error> {
        if let Some(content_type) = &payload.content_type
            && !may_be_json(content_type)
        {
            let given = String::from_utf8_lossy(content_type.as_bytes());
            let text = format!("the payload must be JSON: send `content-type: application/json`, not `{given}`");
            return Err(Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        crate::event::decode_json(&payload.bytes, "payload").map(Self)
    }
}

/// Also for what `curl -d` says of every payload without being asked.
fn may_be_json(content_type: &HeaderValue) -> bool {
    let Ok(text) = content_type.to_str() else { return false };
    let media_type = text.split(';').next().unwrap_or_default().trim();
    media_type.is_empty()
        || media_type::is_json(media_type)
        || media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

impl<S> FromPayload<S> for Event {
    fn from_payload(context: &Context, _: Payload, _: &S) -> Result<Self, Error> {
        context.event().cloned().ok_or_else(not_an_event)
    }
}

impl<S, T: DeserializeOwned> FromPayload<S> for CloudEvent<T> {
    fn from_payload(context: &Context, _: Payload, _: &S) -> Result<Self, Error> {
        Self::from_event(context.event().cloned().ok_or_else(not_an_event)?)
    }
}

fn not_an_event() -> Error {
    Error::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the function takes a CloudEvent, and the request is none")
}

/// What an `OpenFunction` function may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a valid result of an OpenFunction function",
    label = "cannot be turned into an answer",
    note = "return `()`, `Out`, `Bytes`, `Vec<u8>`, `String`, `&'static str`, `Json<T>`, or a `Result` of one of these whose error implements `std::error::Error`",
    note = "a function that returns a future is written `async fn`"
)]
pub trait IntoOut {
    /// Makes the answer.
    ///
    /// # Errors
    /// What the function failed with.
    fn into_out(self) -> Result<Out, Error>;
}

impl IntoOut for () {
    fn into_out(self) -> Result<Out, Error> {
        Ok(Out::ok())
    }
}

impl IntoOut for Out {
    fn into_out(self) -> Result<Out, Error> {
        self.checked()
    }
}

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

macro_rules! data {
    ($($data:ty: $content_type:expr;)*) => {$(
        impl IntoOut for $data {
            fn into_out(self) -> Result<Out, Error> {
                Ok(Out::data(self).content_type($content_type))
            }
        }
    )*};
}
data! {
    Bytes: OCTETS;
    Vec<u8>: OCTETS;
    String: TEXT;
    &'static str: TEXT;
}

impl<T: serde::Serialize> IntoOut for Json<T> {
    fn into_out(self) -> Result<Out, Error> {
        let text = serde_json::to_vec(&self.0).map_err(|error| Error::from(error).context("the answer is no JSON"))?;
        Ok(Out::data(text).content_type(HeaderValue::from_static("application/json")))
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoOut, E: Into<BoxError>> IntoOut for Result<T, E> {
    fn into_out(self) -> Result<Out, Error> {
        self.map_err(|error| Error::from_boxed(error.into()))?.into_out()
    }
}

impl ContextKind {
    /// The context, followed by other parameters.
    ///
    /// # Errors
    /// None; the type is that of the payload.
    #[expect(clippy::unused_async, reason = "the glue awaits the parameters of every kind")]
    pub async fn leading<S: Sync, T: FromContext>(self, input: &mut ContextIn, _: &S, _: PhantomData<T>) -> Result<T, Error> {
        Ok(T::from_context(&input.context))
    }

    /// A parameter between the context and the last.
    ///
    /// # Errors
    /// None; the type is that of the payload.
    #[expect(clippy::unused_async, reason = "the glue awaits the parameters of every kind")]
    pub async fn inner<S: Sync, T: AfterContext<S>>(self, _: &mut ContextIn, state: &S, _: PhantomData<T>) -> Result<T, Error> {
        Ok(T::from_state(state))
    }

    /// The last of several parameters.
    ///
    /// # Errors
    /// As [`FromPayload`].
    #[expect(clippy::unused_async, reason = "the glue awaits the parameters of every kind")]
    pub async fn last<S: Sync, T: FromPayload<S>>(self, input: ContextIn, state: &S, _: PhantomData<T>) -> Result<T, Error> {
        T::from_payload(&input.context, input.payload, state).map_err(Error::undecodable)
    }

    /// The context alone.
    ///
    /// # Errors
    /// None; the type is that of the payload.
    #[expect(clippy::unused_async, reason = "the glue awaits the parameters of every kind")]
    pub async fn only<S: Sync, T: FromContext>(self, input: ContextIn, _: &S, _: PhantomData<T>) -> Result<T, Error> {
        Ok(T::from_context(&input.context))
    }

    /// Turns what the function returned into an answer.
    ///
    /// # Errors
    /// What the function failed with.
    pub fn reply<T: IntoOut>(self, returned: T) -> Result<Out, Error> {
        returned.into_out()
    }

    /// Restricts the methods.
    pub fn methods(self, options: Options, names: &[&str]) -> Options {
        options.methods(names)
    }

    /// Says which events it is called with.
    pub fn deliveries(self, options: Options, deliveries: Deliveries) -> Options {
        options.deliveries(deliveries)
    }

    /// Puts the function together.
    pub fn function<S, F, Fut>(self, options: Options, init: Starter<S>, call: F) -> Function
    where
        S: Send + Sync + 'static,
        F: Fn(Arc<S>, ContextIn) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Out, Error>> + Send + 'static,
    {
        let start = |state: Arc<S>| {
            let call = Arc::new(move |input| call(Arc::clone(&state), input));
            let answer = Arc::clone(&call);
            super::Handler::OpenFunction(Handler {
                answer: Box::new(move |origin, request, deadline| {
                    let call = Arc::clone(&answer);
                    Box::pin(async move {
                        let input = ContextIn::of_request(origin, request, deadline).await?;
                        call(input).await.map(respond).map_err(Error::status_for_event)
                    })
                }),
                deliver: Box::new(move |input| Box::pin(call(input))),
            })
        };
        Function::new(options, Kind::OpenFunction, init.then(start)).on(crate::__private::platform())
    }
}

/// A plain function that takes a context, for [`App::open_function`](crate::App::open_function) and the test kit.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an OpenFunction function",
    label = "not an OpenFunction function",
    note = "an OpenFunction function is async, takes `Context` and at most one payload, and returns `()`, `Out`, data, or a `Result` of these",
    note = "to test a function with its `init`, pass what `#[function]` made: `{Self} {{}}`"
)]
pub trait OpenFunction<M> {
    /// Describes it.
    fn into_function(self, options: Options) -> Function;
}

#[diagnostic::do_not_recommend]
impl<F, Fut> OpenFunction<()> for F
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOut> + Send + 'static,
{
    fn into_function(self, options: Options) -> Function {
        let function = Arc::new(self);
        ContextKind.function(options, super::init::no_init(), move |_, input| {
            let function = Arc::clone(&function);
            async move { function(input.context).await.into_out() }
        })
    }
}

#[diagnostic::do_not_recommend]
impl<F, Fut, T> OpenFunction<(T,)> for F
where
    F: Fn(Context, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOut> + Send + 'static,
    T: FromPayload<()> + 'static,
{
    fn into_function(self, options: Options) -> Function {
        let function = Arc::new(self);
        ContextKind.function(options, super::init::no_init(), move |_, input| {
            let function = Arc::clone(&function);
            async move {
                let payload = T::from_payload(&input.context, input.payload, &()).map_err(Error::undecodable)?;
                function(input.context, payload).await.into_out()
            }
        })
    }
}

/// What the payload of an event is said to be.
pub(crate) fn content_type_of(event: &Event) -> Option<HeaderValue> {
    event.datacontenttype().and_then(|text| HeaderValue::from_str(text).ok())
}

fn is_event(headers: &HeaderMap) -> bool {
    matches!(binding::mode(headers), Mode::Binary | Mode::Structured | Mode::Batched)
}

/// Answers over HTTP.
pub(crate) fn respond(out: Out) -> Answered {
    Answered::whole(out.status_code(), out.headers, out.data)
}
