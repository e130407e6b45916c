//! The three lines of the front page: the `main` of a single function compiles, and it is the program's. An example, and not
//! one of `pass`, for those are run, and this one would serve.

#![deny(warnings)]
#![allow(clippy::unused_async, reason = "which is said of the function, not of what the macro writes")]

use functions_framework::function;

#[function]
async fn hello() -> &'static str {
    "Hello, OpenFunction!\n"
}
