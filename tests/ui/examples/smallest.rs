//! The three lines of the front page: the `main` of a single function compiles, and it is the program's. An example, and not
//! one of `pass`, for those are run, and this one would serve.

#![deny(warnings)]

use functions_framework::function;

#[function]
async fn hello() -> &'static str {
    "Hello, OpenFunction!\n"
}
