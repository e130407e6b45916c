//! A module whose own names are those the macro might have meant.

#![no_implicit_prelude]
#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, non_snake_case, non_upper_case_globals)]

struct Result;
struct Option;
struct Box;
struct String;
struct Vec;
struct Arc;
struct Function;
struct Registration;
struct Probe;
struct PhantomData;
struct Options;
struct HttpKind;
trait Otherwise {
    fn kind(&self) {}
}
trait IntoFuture {}
const Ok: u8 = 1;
const Err: u8 = 2;
fn Some() {}
static None: () = ();
mod core {}
mod functions_framework {}

#[::functions_framework::function(main = false)]
async fn r#type(__in: ::functions_framework::http::Json<u8>) -> &'static str {
    let ::functions_framework::http::Json(_) = __in;
    "raw"
}

#[::functions_framework::function(main = false)]
async fn seen(__kind: ::functions_framework::Event) -> ::functions_framework::Event {
    __kind
}

#[::functions_framework::function(main = false, init = connect)]
fn __state(__options: ::functions_framework::Context, __out: ::functions_framework::http::State<u8>) {}

async fn connect() -> ::functions_framework::Result<u8> {
    ::functions_framework::Result::Ok(1)
}

fn main() {
    use ::functions_framework::__private::Registration;
    ::std::assert_eq!(<r#type as Registration>::function().name(), "type");
    ::std::assert_eq!(<seen as Registration>::function().kind(), ::functions_framework::Kind::CloudEvent);
    ::std::assert_eq!(<__state as Registration>::function().kind(), ::functions_framework::Kind::OpenFunction);
}
