use functions_framework::{CloudEvent, Context, function, http::Json};

struct Order;

#[function(main = false)]
async fn http(_: Json<Order>) {}

#[function(main = false)]
async fn cloud_event(_: CloudEvent<Order>) {}

#[function(main = false)]
async fn open_function(_: Context, _: Json<Order>) {}

fn main() {}
