//! The compiler tells the kind, whatever the types are called here.

use functions_framework::{
    __private::Registration, CloudEvent, Context, Event, Event as Happening, Kind, Out, Result, function,
    http::{Json, Path, State, StatusCode},
};

type Notice = Event;
type OfTheSdk = functions_framework::cloudevents::Event;
type Order = CloudEvent<Payload>;

#[derive(serde::Deserialize, serde::Serialize)]
struct Payload {
    total: u32,
}

/// A user's own types, called as the framework's are.
mod own {
    #[derive(serde::Deserialize)]
    pub struct Event {
        pub id: u32,
    }

    pub struct Context;

    impl<S: Sync> axum::extract::FromRequestParts<S> for Context {
        type Rejection = axum::http::StatusCode;

        async fn from_request_parts(_: &mut axum::http::request::Parts, _: &S) -> Result<Self, Self::Rejection> {
            Ok(Self)
        }
    }
}

#[function(main = false)]
async fn nothing() {}

#[function(main = false)]
async fn typed(Json(payload): Json<Payload>) -> Json<Payload> {
    Json(payload)
}

#[function(main = false)]
async fn own_event(Json(own::Event { id }): Json<own::Event>) -> Result<String, StatusCode> {
    Ok(id.to_string())
}

#[function(main = false)]
async fn own_context(_: own::Context, body: String) -> String {
    body
}

#[function(main = false, path = "/orders/{id}", methods(GET, PUT))]
async fn order(Path(id): Path<u64>, Json(mut payload): Json<Payload>) -> Result<Json<Payload>> {
    payload.total += u32::try_from(id)?;
    Ok(Json(payload))
}

#[function(main = false)]
async fn event(event: Event) -> Event {
    event
}

#[function(main = false)]
async fn renamed(event: Happening) -> Result<Option<Event>> {
    Ok(Some(event))
}

#[function(main = false)]
async fn alias(_: Notice) -> Result<(), std::io::Error> {
    Ok(())
}

#[function(main = false)]
async fn data(order: Order) -> Vec<Event> {
    let _ = order.data().total;
    vec![]
}

#[function(main = false)]
async fn full_path(_: ::functions_framework::event::CloudEvent<Option<u8>>) {}

#[function(main = false)]
async fn batch(events: Vec<Event>) -> Vec<Event> {
    events
}

#[function(main = false)]
async fn data_batch(_: Vec<Order>) {}

#[function(main = false)]
async fn of_the_sdk(event: OfTheSdk) -> Result<Option<OfTheSdk>> {
    Ok(Some(event))
}

#[function(main = false)]
async fn batch_of_the_sdk(events: Vec<OfTheSdk>) -> Vec<OfTheSdk> {
    events
}

#[function(main = false)]
async fn payload_of_the_sdk(_: Context, _: OfTheSdk) {}

#[function(main = false)]
async fn context(ctx: Context) -> Result<()> {
    let _ = ctx;
    Ok(())
}

#[function(main = false)]
async fn payload(_: Context, Json(_): Json<Payload>) -> Result<Out> {
    Ok(Out::ok())
}

#[function(main = false)]
async fn text(_: Context, text: String) -> String {
    text
}

#[function(main = false)]
async fn event_payload(_: Context, _: Order) {}

#[function(http, main = false)]
async fn as_http(State(()): State<()>) {}

#[function(cloud_event, main = false)]
async fn as_event(_: Event) {}

#[function(openfunction, main = false, name = "as-open.function_1")]
async fn as_open_function(_: Context, _: Event) {}

fn main() {
    use Kind::{CloudEvent, Http, OpenFunction};
    for (function, name, kind) in [
        (nothing::function(), "nothing", Http),
        (typed::function(), "typed", Http),
        (own_event::function(), "own_event", Http),
        (own_context::function(), "own_context", Http),
        (order::function(), "order", Http),
        (event::function(), "event", CloudEvent),
        (renamed::function(), "renamed", CloudEvent),
        (alias::function(), "alias", CloudEvent),
        (data::function(), "data", CloudEvent),
        (full_path::function(), "full_path", CloudEvent),
        (batch::function(), "batch", CloudEvent),
        (data_batch::function(), "data_batch", CloudEvent),
        (of_the_sdk::function(), "of_the_sdk", CloudEvent),
        (batch_of_the_sdk::function(), "batch_of_the_sdk", CloudEvent),
        (payload_of_the_sdk::function(), "payload_of_the_sdk", OpenFunction),
        (context::function(), "context", OpenFunction),
        (payload::function(), "payload", OpenFunction),
        (text::function(), "text", OpenFunction),
        (event_payload::function(), "event_payload", OpenFunction),
        (as_http::function(), "as_http", Http),
        (as_event::function(), "as_event", CloudEvent),
        (as_open_function::function(), "as-open.function_1", OpenFunction),
    ] {
        assert_eq!((function.name(), function.kind()), (name, kind));
    }
    assert_eq!(order::function().path(), Some("/orders/{id}"));
    assert_eq!(order::function().methods(), ["GET", "PUT"]);
}
