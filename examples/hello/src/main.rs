//! The smallest program: every path and every method answer a greeting.
use functions_framework::function;

#[function]
async fn hello() -> &'static str {
    "Hello, OpenFunction!\n"
}
