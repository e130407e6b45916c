//! How the compiler tells the three kinds apart, and the traits behind the errors it then prints.
//!
//! `#[function]` writes `Probe::<FirstParameter>::NEW.function_kind()`. An inherent method is found before one of a trait, so the
//! impls below decide for their types, and [`Otherwise`] for all others. What comes out is a type, [`HttpKind`],
//! [`EventKind`] or [`ContextKind`], and the same generated text then means another bound for each.

use std::marker::PhantomData;

use super::{Function, Options};
use crate::{
    context::Context,
    event::{CloudEvent, Event},
};

/// Stands for the type of a first parameter.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> Probe<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

macro_rules! events {
    ($([$($generic:ident)?] $event:ty;)*) => {$(
        impl$(<$generic>)? Probe<$event> {
            /// An event comes first.
            pub const fn function_kind(&self) -> EventKind {
                EventKind
            }
        }
    )*};
}
events! {
    [] Event;
    [T] CloudEvent<T>;
    [] Vec<Event>;
    [T] Vec<CloudEvent<T>>;
}

#[cfg(feature = "cloudevents-sdk")]
events! {
    [] cloudevents::Event;
    [] Vec<cloudevents::Event>;
}

impl Probe<Context> {
    /// A context comes first.
    pub const fn function_kind(&self) -> ContextKind {
        ContextKind
    }
}

/// Everything that is neither an event nor a context is an HTTP function.
pub trait Otherwise {
    /// Loses against the inherent methods of [`Probe`].
    fn function_kind(&self) -> HttpKind {
        HttpKind
    }
}
impl<T: ?Sized> Otherwise for Probe<T> {}

/// The glue of HTTP functions.
#[derive(Debug, Clone, Copy)]
pub struct HttpKind;
/// The glue of `CloudEvent` functions.
#[derive(Debug, Clone, Copy)]
pub struct EventKind;
/// The glue of `OpenFunction` functions.
#[derive(Debug, Clone, Copy)]
pub struct ContextKind;

/// Marks that `input`, `topic` and `binding` mean something for a kind of function.
#[diagnostic::on_unimplemented(
    message = "only an OpenFunction function has inputs",
    label = "this key needs a `Context` as the first parameter",
    note = "`input`, `topic`, `binding`, `concurrency` and `order_by` say which events call a function whose first parameter is `Context`"
)]
pub trait HasInputs {}

impl HttpKind {
    /// Refuses inputs at compile time.
    pub fn deliveries<T: HasInputs>(self, options: Options, _: T) -> Options {
        options
    }
}

impl EventKind {
    /// Refuses inputs at compile time.
    pub fn deliveries<T: HasInputs>(self, options: Options, _: T) -> Options {
        options
    }
}

/// What `#[function]` makes beside the function: `order {}` for a function `order`.
///
/// It is what `main!` and the test kit take.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function of this framework",
    label = "not marked `#[function]`",
    note = "mark it `#[functions_framework::function(main = false)]`"
)]
pub trait Registration {
    /// Describes the function.
    fn function() -> Function;
}
