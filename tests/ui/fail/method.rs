use functions_framework::{Event, function};

struct Orders;

impl Orders {
    #[function]
    async fn created(&self, _: Event) {}
}

fn main() {}
