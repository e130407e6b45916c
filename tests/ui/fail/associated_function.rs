use functions_framework::{Event, function};

struct Orders;

impl Orders {
    // Nothing tells a macro that it stands in an `impl`, unless there is a `self`: the first error has to do.
    #[function(main = false)]
    async fn created(_: Event) {}
}

fn main() {}
