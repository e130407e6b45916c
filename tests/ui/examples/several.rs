//! The `main` of several functions.

#![deny(warnings)]
#![allow(clippy::unused_async, reason = "which is said of the function, not of what the macro writes")]

use functions_framework::function;

#[function(main = false)]
async fn hello() -> &'static str {
    "Hello, OpenFunction!\n"
}

mod orders {
    use functions_framework::{CloudEvent, Result, function};

    #[function(main = false)]
    pub(crate) async fn created(_order: CloudEvent<u32>) -> Result<()> {
        Ok(())
    }

    pub(crate) mod paid {
        #[functions_framework::function(main = false)]
        pub(crate) fn late(event: functions_framework::Event) -> functions_framework::Event {
            event
        }
    }
}

functions_framework::main!(hello, orders::created, orders::paid::late);
