use functions_framework::{Event, function};

struct Orders;

impl Orders {
    #[function]
    async fn created(_: Event) {}
}

fn main() {}
