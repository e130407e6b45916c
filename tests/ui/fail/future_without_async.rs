use std::{future::Future, pin::Pin};

use functions_framework::{Context, Event, function};

#[function(main = false)]
fn opaque() -> impl Future<Output = String> {
    async { String::new() }
}

#[function(main = false)]
fn boxed() -> Pin<Box<dyn Future<Output = String> + Send>> {
    Box::pin(async { String::new() })
}

#[function(main = false)]
fn ready(_: Event) -> std::future::Ready<()> {
    std::future::ready(())
}

#[function(main = false)]
fn pending(_: Context) -> std::future::Pending<()> {
    std::future::pending()
}

fn main() {}
