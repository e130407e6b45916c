//! Arguments and replies of HTTP functions: whatever axum takes and gives.

use std::{future::Future, marker::PhantomData, sync::Arc};

use axum::{
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use http::request::Parts;

use super::{Call, Function, Kind, Options, answered::Answered, body::Request, classify::HttpKind, init::Starter};

pub(crate) type Handler = Box<dyn Fn(HttpIn) -> Call<Answered> + Send + Sync>;

/// A request that its extractors take apart, one after another.
#[derive(Debug)]
pub struct HttpIn(Request);

impl HttpIn {
    pub(crate) const fn new(request: Request) -> Self {
        Self(request)
    }

    fn into_request(self) -> axum::extract::Request {
        let mut request = self.0.into_axum();
        // The body counts itself: axum's own limit of 2 MB would only hide the setting.
        DefaultBodyLimit::disable().apply(&mut request);
        request
    }
}

/// An extractor's answer in the function's place. Boxed, since it is rare and large.
#[derive(Debug)]
pub struct Refusal(Box<Response>);

fn refuse(rejection: impl IntoResponse) -> Refusal {
    Refusal(Box::new(rejection.into_response()))
}

/// A parameter that leaves the body alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of an HTTP function here",
    label = "not an extractor that leaves the body alone",
    note = "every parameter but the last must implement `FromRequestParts`: put the one that reads the body (`Json`, `String`, `Bytes`, ..) last",
    note = "`Path<T>` and `Query<T>` need `T: serde::Deserialize`",
    note = "`State<T>` needs `T: Clone` and `#[function(init = ..)]` to make a state that `T` can be taken from; the state here is `{S}`",
    note = "for a CloudEvent function the first parameter is `Event`, `CloudEvent<T>` or `Vec<Event>`, by value and not optional; for an OpenFunction function it is `Context`"
)]
#[cfg_attr(
    not(feature = "cloudevents-sdk"),
    diagnostic::on_unimplemented(
        note = "with the feature `cloudevents-sdk` of functions-framework, which is off, a `cloudevents::Event` is an event too"
    )
)]
pub trait HttpParts<S>: Sized {
    /// Takes the parameter out of the head.
    fn get(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Refusal>> + Send;
}

#[diagnostic::do_not_recommend]
impl<S: Send + Sync, T: FromRequestParts<S>> HttpParts<S> for T {
    async fn get(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        T::from_request_parts(parts, state).await.map_err(refuse)
    }
}

/// The last parameter, which may read the body.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of an HTTP function",
    label = "not an extractor",
    note = "a parameter must implement axum's `FromRequestParts` or, as the last one, `FromRequest`",
    note = "`Json<T>`, `Path<T>` and `Query<T>` need `T: serde::Deserialize`",
    note = "`State<T>` needs `T: Clone` and `#[function(init = ..)]` to make a state that `T` can be taken from; the state here is `{S}`",
    note = "for a CloudEvent function the first parameter is `Event`, `CloudEvent<T>` or `Vec<Event>`, by value and not optional; for an OpenFunction function it is `Context`"
)]
#[cfg_attr(
    not(feature = "cloudevents-sdk"),
    diagnostic::on_unimplemented(
        note = "with the feature `cloudevents-sdk` of functions-framework, which is off, a `cloudevents::Event` is an event too"
    )
)]
pub trait HttpLast<S, M>: Sized {
    /// Makes the parameter from what is left of the request.
    fn get(input: HttpIn, state: &S) -> impl Future<Output = Result<Self, Refusal>> + Send;
}

/// Marks the last parameter that takes no more than the head.
#[derive(Debug)]
pub enum Head {}
/// Marks the one that takes the whole request.
#[derive(Debug)]
pub enum Whole {}

// axum has markers of its own, which it keeps private: with them, errors would tell of types that nobody can look up.
#[diagnostic::do_not_recommend]
impl<S: Send + Sync, T: FromRequestParts<S>> HttpLast<S, Head> for T {
    async fn get(mut input: HttpIn, state: &S) -> Result<Self, Refusal> {
        T::from_request_parts(input.0.head(), state).await.map_err(refuse)
    }
}

#[diagnostic::do_not_recommend]
impl<S: Send + Sync, T: FromRequest<S>> HttpLast<S, Whole> for T {
    async fn get(input: HttpIn, state: &S) -> Result<Self, Refusal> {
        T::from_request(input.into_request(), state).await.map_err(refuse)
    }
}

/// What an HTTP function may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be turned into an HTTP response",
    label = "not a reply of an HTTP function",
    note = "return what implements axum's `IntoResponse`: `String`, `Json<T>` where `T: serde::Serialize`, `(StatusCode, String)`, `Result<Json<T>, StatusCode>`, ..",
    note = "for a function that fails with any `std::error::Error` return `functions_framework::Result<..>`",
    note = "a function that returns a future is written `async fn`"
)]
pub trait HttpReply {
    /// Makes the response.
    fn reply(self) -> Response;
}

#[diagnostic::do_not_recommend]
impl<T: IntoResponse> HttpReply for T {
    fn reply(self) -> Response {
        self.into_response()
    }
}

impl HttpKind {
    /// The first of several parameters.
    ///
    /// # Errors
    /// What the extractor answers instead.
    pub async fn leading<S: Sync, T: HttpParts<S>>(
        self,
        input: &mut HttpIn,
        state: &S,
        _: PhantomData<T>,
    ) -> Result<T, Refusal> {
        T::get(input.0.head(), state).await
    }

    /// A parameter between the first and the last.
    ///
    /// # Errors
    /// What the extractor answers instead.
    pub async fn inner<S: Sync, T: HttpParts<S>>(self, input: &mut HttpIn, state: &S, _: PhantomData<T>) -> Result<T, Refusal> {
        T::get(input.0.head(), state).await
    }

    /// The last of several parameters.
    ///
    /// # Errors
    /// What the extractor answers instead.
    pub async fn last<S: Sync, T: HttpLast<S, M>, M>(self, input: HttpIn, state: &S, _: PhantomData<T>) -> Result<T, Refusal> {
        T::get(input, state).await
    }

    /// The only parameter.
    ///
    /// # Errors
    /// What the extractor answers instead.
    pub async fn only<S: Sync, T: HttpLast<S, M>, M>(
        self,
        input: HttpIn,
        state: &S,
        parameter: PhantomData<T>,
    ) -> Result<T, Refusal> {
        self.last(input, state, parameter).await
    }

    /// Turns what the function returned into the response.
    ///
    /// # Errors
    /// None; the type is that of the extractors.
    pub fn reply<T: HttpReply + 'static>(self, returned: T) -> Result<Answered, Refusal> {
        Ok(Answered::returned(returned))
    }

    /// Restricts the methods.
    pub fn methods(self, options: Options, names: &[&str]) -> Options {
        options.methods(names)
    }

    /// Puts the function together.
    pub fn function<S, F, Fut>(self, options: Options, init: Starter<S>, call: F) -> Function
    where
        S: Send + Sync + 'static,
        F: Fn(Arc<S>, HttpIn) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answered, Refusal>> + Send + 'static,
    {
        let start = |state: Arc<S>| {
            super::Handler::Http(Box::new(move |input| {
                let called = call(Arc::clone(&state), input);
                Box::pin(called.map(|answered| Ok(answered.unwrap_or_else(|Refusal(response)| Answered::Response(*response)))))
            }))
        };
        Function::new(options, Kind::Http, init.then(start))
    }
}

/// An axum handler as it stands, for [`App::http`](crate::App::http).
pub(crate) fn from_axum<H, M>(options: Options, handler: H) -> Function
where
    H: axum::handler::Handler<M, ()>,
    M: 'static,
{
    HttpKind.function(options, super::init::no_init(), move |_, input| {
        let handler = handler.clone();
        async move { Ok(Answered::Response(handler.call(input.into_request(), ()).await)) }
    })
}
