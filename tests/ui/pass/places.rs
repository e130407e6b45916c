//! Wherever a function can stand.

use functions_framework::{__private::Registration, Event, Kind, function};

mod deep {
    pub(super) mod deeper {
        use functions_framework::Event;

        type Local = Event;

        #[functions_framework::function(main = false)]
        pub(in super::super) async fn seen(event: Local) -> super::super::Alias {
            event
        }

        #[functions_framework::function(main = false, init = super::connect)]
        pub async fn with_state(_: self::Local, _: axum::extract::State<super::Db>) {}
    }

    #[derive(Clone)]
    pub struct Db;

    fn connect() -> functions_framework::Result<Db> {
        Ok(Db)
    }
}

type Alias = Event;

macro_rules! greet {
    ($($name:ident: $ty:ty = $text:literal),*) => {$(
        #[function(main = false, name = $text)]
        async fn $name(parameter: $ty) -> &'static str {
            let _ = parameter;
            $text
        }
    )*};
}
greet!(hello: String = "hello-1", bye: axum::body::Bytes = "bye-1");

macro_rules! whole {
    ($($item:item)*) => {
        $($item)*
    };
}
whole! {
    #[function(main = false)]
    async fn from_item(event: Event) -> Option<Event> {
        Some(event)
    }
}

macro_rules! named_here {
    () => {
        #[function(main = false)]
        async fn unhygienic(event: Event) {
            drop(event);
        }
    };
}
named_here!();

fn in_a_body() -> functions_framework::Function {
    struct Local(#[allow(dead_code)] String);

    impl<S: Send + Sync> axum::extract::FromRequest<S> for Local {
        type Rejection = std::convert::Infallible;

        async fn from_request(_: axum::extract::Request, _: &S) -> Result<Self, Self::Rejection> {
            Ok(Self(String::new()))
        }
    }

    #[function]
    async fn inner(_: Local) {}

    inner::function()
}

// The function itself is as it was.
#[function(main = false)]
async fn twice(text: String) -> String {
    text.repeat(2)
}

async fn calls_it() -> String {
    let as_value: fn(String) -> _ = twice;
    as_value(twice("ab".to_owned()).await).await
}

fn main() {
    use deep::deeper;
    assert_eq!(deeper::seen::function().kind(), Kind::CloudEvent);
    assert_eq!(deeper::with_state::function().kind(), Kind::CloudEvent);
    assert_eq!((hello::function().name(), hello::function().kind()), ("hello-1", Kind::Http));
    assert_eq!(bye::function().name(), "bye-1");
    assert_eq!(from_item::function().kind(), Kind::CloudEvent);
    assert_eq!(unhygienic::function().kind(), Kind::CloudEvent);
    assert_eq!(in_a_body().name(), "inner");
    let (mut future, mut context) = (Box::pin(calls_it()), std::task::Context::from_waker(std::task::Waker::noop()));
    assert_eq!(future.as_mut().poll(&mut context), std::task::Poll::Ready("abababab".to_owned()));
}
