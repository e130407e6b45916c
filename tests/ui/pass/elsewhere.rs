//! The framework under another name, behind another crate, and functions that live there.

use company::{ff, ff::__private::Registration, orders};

#[ff::function(crate = ff, main = false)]
async fn here(event: ff::Event) -> ff::Event {
    event
}

mod inner {
    #[company::ff::function(crate = ::company::ff, main = false)]
    pub async fn there() {}
}

company::marked! {
    /// From a macro of the company's, which finds the framework by itself.
    #[inline]
    pub async fn branded() -> &'static str { "Hello" }
}

mod list {
    use company::{hello as greet, orders::created};

    company::ff::main! { greet, created, company::hello, super::orders::created, super::here, super::inner::there, super::branded }

    pub(crate) fn compiles() {
        let _: fn() -> std::process::ExitCode = main;
    }
}

fn main() {
    list::compiles();
    assert_eq!(company::hello::function().name(), "hello");
    assert_eq!(orders::created::function().name(), "orders.created");
    assert_eq!(here::function().kind(), ff::Kind::CloudEvent);
    assert_eq!(inner::there::function().kind(), ff::Kind::Http);
    assert_eq!(branded::function().name(), "branded");
}
